"""`LeNetConfig`: defaults, and combinations that can't be, named by layer and size."""

import pytest

from lenet.errors import LenetError, ModelError, SettingError, UnknownNameError
from lenet.models import LeNetConfig


def test_the_defaults_are_the_tutorials() -> None:
    assert LeNetConfig() == LeNetConfig(
        input_shape=(1, 28, 28),
        classes=10,
        channels=(6, 16),
        kernel_size=5,
        padding=2,
        dense_widths=(120, 84),
        activation="sigmoid",
        pooling="average",
        initialisation="xavier",
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"kernel_size": 33},
            "Layer `0` (convolution): its 33×33 window does not fit the 32×32 input.",
        ),
        (
            {"input_shape": (1, 28, 4), "padding": 0},
            "Layer `0` (convolution): its 5×5 window does not fit the 28×4 input.",
        ),
        (
            {"channels": (6, 16, 32)},
            "Layer `8` (pooling): its 2×2 window does not fit the 1×1 input.",
        ),
        (
            {"input_shape": (3, 40, 8)},
            "Layer `3` (convolution): its 5×5 window does not fit the 20×4 input.",
        ),
        (
            {"input_shape": (1, 4, 9), "padding": 0, "kernel_size": 4, "channels": (2,)},
            "Layer `2` (pooling): its 2×2 window does not fit the 1×6 input.",
        ),
    ],
    ids=[
        "kernel larger than the padded image",
        "image too narrow",
        "nothing left to pool",
        "second block too narrow",
        "one row",
    ],
)
def test_layers_that_do_not_fit_are_named_with_their_sizes(
    values: dict[str, object], message: str
) -> None:
    with pytest.raises(ModelError) as caught:
        LeNetConfig(**values)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"input_shape": (28, 28)},
            "`input_shape` must be three numbers, channels, height and width, each from 1 to "
            "65536, not (28, 28).",
        ),
        (
            {"input_shape": (0, 28, 28)},
            "`input_shape` must be three numbers, channels, height and width, each from 1 to "
            "65536, not (0, 28, 28).",
        ),
        (
            {"input_shape": ()},
            "`input_shape` must be three numbers, channels, height and width, each from 1 to "
            "65536, not ().",
        ),
        ({"classes": 1}, "`classes` must be from 2 to 65536, not 1."),
        ({"kernel_size": 0}, "`kernel_size` must be at least 1, not 0."),
        ({"padding": -1}, "`padding` must be from 0 to 65536, not -1."),
        ({"channels": (6, 0)}, "`channels` must be numbers from 1 to 65536, not (6, 0)."),
        (
            {"channels": ()},
            "`channels` must have at least one number, one for each block.",
        ),
        ({"dense_widths": (-3,)}, "`dense_widths` must be numbers from 1 to 65536, not (-3,)."),
    ],
)
def test_a_number_out_of_range_is_refused_with_the_rule(
    values: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingError) as caught:
        LeNetConfig(**values)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "value", "near"),
    [
        ("activation", "Sigmoid", "sigmoid"),
        ("pooling", "avg", "average"),
        ("pooling", "L2", None),
        ("pooling", "mx", "max"),
    ],
)
def test_an_unknown_choice_lists_the_known_ones(name: str, value: str, near: str | None) -> None:
    with pytest.raises(UnknownNameError) as caught:
        LeNetConfig(**{name: value})
    assert ("Did you mean" in str(caught.value)) == (near is not None)
    if near:
        assert f"Did you mean `{near}`?" in str(caught.value)


def test_the_largest_kernel_and_the_smallest_image_that_fit_are_taken() -> None:
    """One pixel either way decides."""
    LeNetConfig(channels=(6,), kernel_size=31)
    with pytest.raises(LenetError):
        LeNetConfig(channels=(6,), kernel_size=32)
    LeNetConfig(input_shape=(1, 12, 12))
    with pytest.raises(LenetError):
        LeNetConfig(input_shape=(1, 11, 12))
