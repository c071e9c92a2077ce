"""The model file: safetensors that anybody can read, and everything else refused unread."""

import dataclasses
import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from torch import nn

import lenet
from lenet.errors import ModelError, ModelFileError, StorageError
from lenet.models import (
    LeNet,
    LeNetConfig,
    ModelCard,
    Normalisation,
    build_model,
    load_model,
    save_model,
)
from tutorial_network import tutorial_network

CLASSES = tuple(f"class {index}" for index in range(10))
CARD = {
    "format": 1,
    "model": "lenet",
    "config": {},
    "class_names": list(CLASSES),
    "input_shape": [1, 28, 28],
    "normalisation": {"mean": 0.0, "std": 1.0},
}


class Weights(dict[str, torch.Tensor]):
    """Named tensors that do not fill the screen when a test fails."""

    def __repr__(self) -> str:
        return f"<{len(self)} tensors>"


@pytest.fixture(scope="module")
def tensors() -> Weights:
    """The weights of a sound network."""
    return Weights(build_model(LeNetConfig(), seed=1).state_dict())


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a sound model file."""
    path = tmp_path_factory.mktemp("sound") / "model.safetensors"
    save_model(path, build_model(LeNetConfig(), seed=1), class_names=CLASSES)
    return path.read_bytes()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One path that each example writes anew."""
    return tmp_path_factory.mktemp("model") / "model.safetensors"


def refusal(path: Path) -> str:
    """The message with which a file is refused; it names the file."""
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    assert f"`{path}`" in str(caught.value)
    return str(caught.value)


def loads_or_refuses(path: Path) -> None:
    """Damage leads to one kind of error, which names the file, or to a whole network."""
    try:
        network, card = load_model(path)
    except ModelFileError as error:
        message = str(error)
    else:
        assert isinstance(network, LeNet)
        assert isinstance(card, ModelCard)
        return
    assert f"`{path}`" in message


def with_card(card: object, tensors: Weights) -> bytes:
    """A safetensors file whose header has this in our part."""
    return safetensors.torch.save(tensors, {"lenet": json.dumps(card)})


def test_a_network_comes_back_with_its_bits_and_every_word_about_it(tmp_path: Path) -> None:
    config = LeNetConfig(
        input_shape=(3, 20, 24),
        classes=3,
        channels=(4, 5),
        kernel_size=3,
        padding=1,
        dense_widths=(11,),
        activation="relu",
        pooling="max",
        initialisation="kaiming",
    )
    network = build_model(config, seed=4)
    description = {
        "class_names": ("cat", "狗", 'a "bird"'),
        "normalisation": Normalisation(mean=0.2861, std=0.3530),
        "dataset": "fashion-mnist",
        "recipe": {"epochs": 3, "learning_rate": 0.1, "flip": True, "optimiser": "sgd"},
        "results": {"test_accuracy": 0.1 + 0.2, "loss": None, "epochs": [1, 2]},
    }
    save_model(tmp_path / "model.safetensors", network, **description)

    loaded, card = load_model(tmp_path / "model.safetensors")

    assert type(loaded) is LeNet
    assert loaded.config == config
    assert not loaded.training
    expected, received = network.state_dict(), loaded.state_dict()
    assert list(received) == list(expected)
    assert all(torch.equal(received[name], expected[name]) for name in expected)
    assert all(tensor.dtype == torch.float32 for tensor in received.values())
    assert card == ModelCard(
        model="lenet",
        config=json.loads(json.dumps(config.to_dict())),
        input_shape=(3, 20, 24),
        version=lenet.__version__,
        **description,
    )
    images = torch.rand(2, 3, 20, 24)
    assert torch.equal(loaded(images), network(images))
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_file_without_more_words_than_the_classes_has_the_defaults(
    file: Path, sound: bytes
) -> None:
    file.write_bytes(sound)
    _, card = load_model(str(file))
    assert card.class_names == CLASSES
    assert card.normalisation == Normalisation(mean=0.0, std=1.0)
    assert (card.dataset, card.recipe, card.results) == ("", {}, {})


@settings(max_examples=25, deadline=None)
@given(
    class_names=st.lists(st.text(max_size=8), min_size=10, max_size=10).map(tuple),
    mean=st.floats(-10, 10),
    std=st.floats(1e-3, 10),
    results=st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False) | st.text(max_size=5)),
)
def test_any_words_come_back_as_they_were(
    file: Path, class_names: tuple[str, ...], mean: float, std: float, results: dict[str, Any]
) -> None:
    description = {
        "class_names": class_names,
        "normalisation": Normalisation(mean, std),
        "results": results,
    }
    save_model(file, build_model(LeNetConfig(), seed=1), **description)
    _, card = load_model(file)
    assert {name: getattr(card, name) for name in description} == description


def test_anybody_with_safetensors_can_read_the_file(
    file: Path, sound: bytes, tensors: Weights
) -> None:
    file.write_bytes(sound)
    with safe_open(file, "pt") as opened:
        header = json.loads(opened.metadata()["lenet"])
        read = {name: opened.get_tensor(name) for name in opened.keys()}
    assert header == {
        "format": 1,
        "model": "lenet",
        "config": json.loads(json.dumps(LeNetConfig().to_dict())),
        "class_names": list(CLASSES),
        "input_shape": [1, 28, 28],
        "normalisation": {"mean": 0.0, "std": 1.0},
        "dataset": "",
        "recipe": {},
        "results": {},
        "version": lenet.__version__,
    }
    assert set(read) == set(tensors)
    assert all(torch.equal(read[name], tensors[name]) for name in tensors)
    plain = tutorial_network()
    plain.load_state_dict(read, strict=True)


def test_the_same_network_gives_the_same_file(file: Path, sound: bytes) -> None:
    save_model(file, build_model(LeNetConfig(), seed=1), class_names=CLASSES)
    assert file.read_bytes() == sound


def test_reading_leaves_torchs_own_random_numbers_alone(file: Path, sound: bytes) -> None:
    file.write_bytes(sound)
    torch.rand(1)  # or the state could be the one that reading leads to
    state = torch.get_rng_state()
    load_model(file)
    assert torch.equal(torch.get_rng_state(), state)


def test_weights_that_are_not_contiguous_are_written_by_their_values(file: Path) -> None:
    network = build_model(LeNetConfig(), seed=1)
    with torch.no_grad():
        network[7].weight.data = torch.randn(400, 120).t()
    save_model(file, network, class_names=CLASSES)
    loaded, _ = load_model(file)
    assert torch.equal(loaded.state_dict()["7.weight"], network.state_dict()["7.weight"])


def test_a_network_that_is_not_registered_is_refused_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    with pytest.raises(ModelError, match="A `Linear` can't be kept in a model file"):
        save_model(tmp_path / "model.safetensors", nn.Linear(2, 2), class_names=("a", "b"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_missing_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        save_model(tmp_path / "nowhere" / "m.safetensors", LeNet(), class_names=CLASSES)


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self.marker),)


PICKLES: dict[str, Callable[[object, Path], None]] = {
    "torch's archive": torch.save,
    "torch's old format": lambda value, path: torch.save(
        value, path, _use_new_zipfile_serialization=False
    ),
    **{
        f"pickle protocol {protocol}": lambda value, path, protocol=protocol: path.write_bytes(
            pickle.dumps(value, protocol=protocol)
        )
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    },
}


@pytest.mark.parametrize("kind", list(PICKLES))
def test_a_pickle_is_refused_and_not_unpickled(tmp_path: Path, kind: str) -> None:
    path, marker = tmp_path / "model.safetensors", tmp_path / "sprung"
    PICKLES[kind](Trap(marker), path)
    message = refusal(path)
    assert not marker.exists()
    if kind not in ("pickle protocol 0", "pickle protocol 1"):  # which have no magic number
        assert "is a pickled PyTorch file, which could run any code" in message


def test_the_trap_of_the_tests_above_does_spring(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Trap(tmp_path / "sprung")))
    assert (tmp_path / "sprung").is_dir()


@pytest.mark.parametrize("kind", ["torch's archive", "torch's old format"])
def test_weights_that_torch_saved_are_refused_as_a_pickle(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "lenet.params"
    PICKLES[kind](tutorial_network().state_dict(), path)
    assert "lenet reads only safetensors" in refusal(path)


def test_a_file_cut_at_any_of_many_places_is_refused(file: Path, sound: bytes) -> None:
    header = 8 + struct.unpack("<Q", sound[:8])[0]
    places = [*range(20), header // 2, header - 1, header, header + 1, len(sound) - 1]
    places += range(header, len(sound), len(sound) // 20)
    for length in places:
        file.write_bytes(sound[:length])
        assert "is not a safetensors file or is damaged" in refusal(file)


def test_bytes_after_the_weights_are_refused(file: Path, sound: bytes) -> None:
    file.write_bytes(sound + b"\0")
    refusal(file)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"<!DOCTYPE html><html></html>", b"\x89PNG\r\n\x1a\n" + bytes(50)]
)
def test_another_kind_of_file_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert "is not a safetensors file or is damaged" in refusal(file)


@settings(max_examples=200, deadline=None)
@given(
    start=st.just(b"") | st.integers(0, 2**64 - 1).map(lambda size: struct.pack("<Q", size)),
    rest=st.binary(max_size=80),
)
def test_random_bytes_are_refused(file: Path, start: bytes, rest: bytes) -> None:
    for content in (start + rest, struct.pack("<Q", len(rest)) + rest):
        file.write_bytes(content)
        refusal(file)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_flipped_byte_in_the_header_is_refused_or_harmless(
    file: Path, sound: bytes, data: st.DataObject
) -> None:
    header = 8 + struct.unpack("<Q", sound[:8])[0]
    damaged = bytearray(sound)
    damaged[data.draw(st.integers(0, header - 1))] ^= data.draw(st.integers(1, 255))
    file.write_bytes(damaged)
    loads_or_refuses(file)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "nowhere" / "model.safetensors")
    assert "is a directory" in refusal(tmp_path)


def test_safetensors_of_somebody_else_are_refused(file: Path, tensors: Weights) -> None:
    for metadata in (None, {}, {"format": "pt"}):
        file.write_bytes(safetensors.torch.save(tensors, metadata))
        assert refusal(file) == (
            f"`{file}` is a safetensors file, but not a model that lenet wrote."
        )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 2, "version": "9.9"}, "it was written by a newer lenet (9.9); update this one"),
        ({"model": "resnet"}, "Unknown model `resnet`"),
        ({"model": None}, ""),
        ({"model": ["lenet"]}, ""),
        ({"config": {"chanels": [6]}}, "Unknown setting `chanels`. Did you mean `channels`"),
        ({"config": {"classes": "ten"}}, "`classes` must be a whole number, not 'ten'"),
        ({"config": {"kernel_size": 99}}, "Block 1: a 99×99 convolution does not fit"),
        ({"config": {"channels": [10**30]}}, ""),
        (
            {"config": {"channels": [6, 17]}},
            "`3.bias` is torch.float32 [16] where torch.float32 [17] belongs",
        ),
        ({"config": {"channels": [6]}}, "`11.bias` is torch.float32 [10] where nothing belongs"),
        ({"config": "relu"}, ""),
        ({"config": 7}, ""),
        ({"class_names": None}, ""),
        ({"class_names": list(CLASSES[:9])}, ""),
        ({"input_shape": 3}, ""),
        ({"input_shape": [3, 32, 32]}, ""),
        ({"normalisation": None}, ""),
        ({"normalisation": {"means": 0.0}}, "means"),
        ({"surprise": 1}, "surprise"),
    ],
    ids=lambda value: json.dumps(value)[:50] if isinstance(value, dict) else "",
)
def test_a_header_that_describes_something_else_is_refused(
    file: Path, tensors: Weights, changes: dict[str, Any], words: str
) -> None:
    file.write_bytes(with_card(CARD | changes, tensors))
    assert words in refusal(file)


def test_the_card_that_the_tests_above_change_is_a_sound_one(file: Path, tensors: Weights) -> None:
    file.write_bytes(with_card(CARD, tensors))
    network, card = load_model(file)
    assert torch.equal(network.state_dict()["0.weight"], tensors["0.weight"])
    assert card.class_names == CLASSES


@pytest.mark.parametrize("missing", ["format", "model", "config", "class_names", "normalisation"])
def test_a_header_with_a_part_missing_is_refused(
    file: Path, tensors: Weights, missing: str
) -> None:
    card = {name: value for name, value in CARD.items() if name != missing}
    file.write_bytes(with_card(card, tensors))
    refusal(file)


@pytest.mark.parametrize("card", ["lenet", 5, 1.5, None, True, [], [1], {}])
def test_a_header_that_is_not_a_table_is_refused(
    file: Path, tensors: Weights, card: object
) -> None:
    file.write_bytes(with_card(card, tensors))
    refusal(file)


@pytest.mark.parametrize("text", ["", "{", "lenet", "[" * 100_000, '{"format": 1} more'])
def test_a_header_that_is_not_json_is_refused(file: Path, tensors: Weights, text: str) -> None:
    file.write_bytes(safetensors.torch.save(tensors, {"lenet": text}))
    refusal(file)


# No numbers in between: a few gigabytes would be asked for in earnest.
numbers = st.integers(-40, 40) | st.integers(10**15, 10**25)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_whatever_the_header_says_the_answer_is_a_network_or_our_error(
    file: Path, tensors: Weights, data: st.DataObject
) -> None:
    fields = [field.name for field in dataclasses.fields(ModelCard)]
    settings_names = [field.name for field in dataclasses.fields(LeNetConfig)]
    card: dict[str, Any] = CARD | data.draw(
        st.dictionaries(st.sampled_from([*fields, "format"]), json_values, max_size=2)
    )
    if isinstance(card["config"], dict):
        card["config"] = card["config"] | data.draw(
            st.dictionaries(st.sampled_from(settings_names), json_values, max_size=2)
        )
    file.write_bytes(with_card(data.draw(st.just(card) | json_values), tensors))
    loads_or_refuses(file)


@pytest.mark.parametrize(
    "damage",
    [
        lambda tensors: tensors.pop("9.bias"),
        lambda tensors: tensors.update({"12.weight": torch.zeros(3)}),
        lambda tensors: tensors.update({"9.bias": torch.zeros(85)}),
        lambda tensors: tensors.clear(),
    ],
    ids=["one missing", "one too many", "one of another size", "none"],
)
def test_weights_that_are_not_those_of_the_network_are_refused(
    file: Path, tensors: Weights, damage: Callable[[dict[str, Any]], None]
) -> None:
    others = dict(tensors)
    damage(others)
    file.write_bytes(with_card(CARD, others))
    assert "describes a model that can't be built" in refusal(file)


@pytest.mark.parametrize(
    ("dtype", "size"), [("F6_E2M3", 6), ("F4", 4), ("F8_E8M0", 8), ("C64", 64), ("BOOL", 8)]
)
def test_numbers_of_a_type_that_torch_does_not_know_are_refused(
    file: Path, dtype: str, size: int
) -> None:
    header = {
        "__metadata__": {"lenet": json.dumps(CARD)},
        "0.weight": {"dtype": dtype, "shape": [8], "data_offsets": [0, size]},
    }
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + bytes(size))
    refusal(file)
