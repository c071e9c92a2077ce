"""What `--models` and `--vary` stand for."""

import pytest

from lenet.cli.compare import parse_variation
from lenet.errors import LenetError
from lenet.experiments import make_contenders


def test_models_are_presets_or_networks() -> None:
    tutorial, lenet5 = make_contenders(["tutorial", "lenet5"], settings={"epochs": 2})
    assert (tutorial.label, tutorial.preset, tutorial.model) == ("tutorial", "tutorial", None)
    assert (lenet5.label, lenet5.preset, lenet5.model) in (
        ("lenet5", "lenet5", None),
        ("lenet5", None, "lenet5"),
    )
    assert tutorial.settings == lenet5.settings == {"epochs": 2}


def test_every_combination_is_a_contender() -> None:
    vary = {"activation": ["relu", "tanh"], "channels": [(6, 16), (8,)], "batch_norm": [True]}
    contenders = make_contenders(["lenet"], vary)
    assert [contender.label for contender in contenders] == [
        "activation relu, channels 6,16, batch norm yes",
        "activation relu, channels 8, batch norm yes",
        "activation tanh, channels 6,16, batch norm yes",
        "activation tanh, channels 8, batch norm yes",
    ]
    assert contenders[1].settings == {"activation": "relu", "channels": (8,), "batch_norm": True}


def test_with_several_models_each_label_names_its_own() -> None:
    labels = [c.label for c in make_contenders(["mlp", "lenet"], {"learning_rate": [0.1, 0.5]})]
    assert labels == [f"{m}, learning rate {r}" for m in ("mlp", "lenet") for r in (0.1, 0.5)]


def test_without_anything_there_is_the_preset_that_suits_the_data() -> None:
    (contender,) = make_contenders([])
    assert (contender.preset, contender.model, contender.settings) == (None, None, {})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": ["lenet6"]}, "Unknown model or preset `lenet6`. Did you mean `lenet"),
        ({"models": ["mlp", "mlp"]}, "`mlp` would be compared with itself"),
        ({"models": [], "vary": {"epochs": []}}, "`epochs` is to be varied, but over no values"),
        ({"models": [], "vary": {"epochs": [1, 1]}}, "`epochs 1` would be compared with itself"),
        (
            {"models": [], "vary": {"epochs": [1]}, "settings": {"epochs": 2}},
            "`epochs` can't be both varied and fixed",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(LenetError, match=message):
        make_contenders(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("activation=sigmoid,relu", ("activation", ["sigmoid", "relu"])),
        ("kernel-size = 3, 5", ("kernel_size", [3, 5])),
        ("--learning-rate=0.1,1", ("learning_rate", [0.1, 1.0])),
        ("channels=6,16/16,32", ("channels", [(6, 16), (16, 32)])),
        ("batch_norm=yes,no", ("batch_norm", [True, False])),
        ("epochs=", ("epochs", [])),
    ],
)
def test_variations_are_read_as_typed(text: str, expected: tuple[str, list[object]]) -> None:
    assert parse_variation(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("activation", "`activation` should be a setting with its values"),
        ("activations=relu", "Unknown setting `activations`. Did you mean `activation`"),
        ("activation=rleu", "Unknown activation `rleu`. Did you mean `relu`"),
        ("epochs=1,two", "`epochs` must be a whole number, not `two`"),
        ("batch_norm=maybe", "`batch_norm` must be true or false, not `maybe`"),
    ],
)
def test_variations_that_are_none_are_refused(text: str, message: str) -> None:
    with pytest.raises(LenetError, match=message):
        parse_variation(text)
