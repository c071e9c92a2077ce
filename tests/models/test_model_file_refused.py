"""Whatever is not a sound model file is refused, unread where it could run something."""

import dataclasses
import json
import math
import os
import pickle
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from model_files import CARD, CLASSES, Weights, loads_or_refuses, refusal, with_card
from safetensors import safe_open

from forked_process import ForkedProcess
from lenet.core import free_memory
from lenet.errors import ModelFileError
from lenet.models import (
    LeNetConfig,
    ModelCard,
    Network,
    build_model,
    load_model,
    save_model,
)
from lenet.models.layers import AdaptivePooling, Convolution, Flatten
from lenet.serving import open_model
from tutorial_network import tutorial_network


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
        ({"config": {"kernel_size": 99}}, "its 99×99 window does not fit"),
        ({"config": {"channels": [10**30]}}, ""),
        (
            {"config": {"channels": [6, 17]}},
            "`3.bias` is float32 [16] where float32 [17] belongs",
        ),
        ({"config": {"channels": [6]}}, "`11.bias` is float32 [10] where nothing belongs"),
        ({"config": "relu"}, ""),
        ({"config": 7}, ""),
        ({"class_names": None}, ""),
        ({"class_names": list(CLASSES[:9])}, ""),
        ({"input_shape": 3}, ""),
        ({"input_shape": [3, 32, 32]}, ""),
        ({"normalisation": None}, ""),
        ({"normalisation": {"means": 0.0}}, "means"),
        *(
            ({"normalisation": {"mean": 0.5, "std": value}}, "`std` must be ")
            for odd in ((0, 1e-300, 1e300, -1.0, "0.3", None), ([1.0], True, math.nan, 10**400))
            for value in odd
        ),
        *(
            ({"normalisation": {"mean": value, "std": 0.5}}, "`mean` must be ")
            for value in ("0.3", None, float("nan"), float("-inf"), 1e300)
        ),
        *(
            ({"calibration": {"reach": value}}, "`reach` must be ")
            for value in (-1.0, "far", None, math.inf)
        ),
        ({"calibration": {"means": 3}}, "`means` must be a list"),
        ({"calibration": {"means": [[1.0, "a"]]}}, "`means` must be a list"),
        ({"calibration": {"means": [[1.0]]}}, "`whitening` and `means` must have as many rows"),
        (
            {"calibration": {"means": [[1.0, 2.0]], "whitening": [[1.0]]}},
            "`whitening` and `means` must have as many rows, each of as many numbers",
        ),
        ({"calibration": {"means": [[math.nan]], "whitening": [[1.0]]}}, "`means` must be a list"),
        (
            {"calibration": {"means": [[1.0]], "whitening": [[1.0]]}},
            "its `means` are of 1 classes, but its network has 10",
        ),
        ({"class_names": [*CLASSES[:9], CLASSES[0]]}, "more than one class called `class 0`"),
        ({"class_names": list(range(10))}, "`class_names` must be a list of texts"),
        ({"class_names": "abcdefghij"}, "`class_names`"),
        ({"config": None}, "`config` must be an object"),
        ({"version": [1]}, "`version` must be text"),
        ({"dataset": 3}, "`dataset` must be text"),
        ({"recipe": []}, "`recipe` must be an object"),
        ({"results": "good"}, "`results` must be an object"),
        ({"answers_blank": "no"}, "`answers_blank` must be true or false"),
        ({"surprise": 1}, "surprise"),
    ],
    ids=lambda value: json.dumps(value)[:50] if isinstance(value, dict) else "",
)
def test_a_header_that_describes_something_else_is_refused(
    file: Path, tensors: Weights, changes: dict[str, Any], words: str
) -> None:
    file.write_bytes(with_card(CARD | changes, tensors))
    assert words in refusal(file)
    with pytest.raises(ModelFileError) as caught:  # without PyTorch, and in the service
        open_model(file)
    assert str(caught.value) == refusal(file)


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


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["0.weight", "11.bias", "1.running_mean", "1.running_var"])
def test_numbers_that_are_not_finite_are_refused(file: Path, name: str, value: float) -> None:
    network = build_model(LeNetConfig(batch_norm="running" in name))
    network.state_dict()[name].view(-1)[-1] = value
    card = CARD | {"config": {"batch_norm": "running" in name}}
    file.write_bytes(with_card(card, Weights(network.state_dict())))
    assert f"`{name}` holds numbers that are not finite" in refusal(file)
    with pytest.raises(ModelFileError, match="not finite"):
        open_model(file)
    with pytest.raises(ModelFileError, match="not finite"):
        save_model(file.with_name("other.safetensors"), network, class_names=CLASSES)
    assert not file.with_name("other.safetensors").exists()


def test_variances_below_0_are_refused(file: Path) -> None:
    network = build_model(LeNetConfig(batch_norm=True))
    network.state_dict()["1.running_var"][0] = -1.0
    card = CARD | {"config": {"batch_norm": True}}
    file.write_bytes(with_card(card, Weights(network.state_dict())))
    assert "`1.running_var` holds variances below 0" in refusal(file)
    with pytest.raises(ModelFileError, match="variances below 0"):
        open_model(file)


def test_settings_that_do_not_fit_the_weights_are_refused_everywhere(file: Path) -> None:
    network = build_model(LeNetConfig(batch_norm=True))
    file.write_bytes(with_card(CARD, dict(network.state_dict())))
    expected = refusal(file)
    with pytest.raises(ModelFileError) as caught:
        open_model(file)
    assert str(caught.value) == expected


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


def test_no_flipped_bit_gives_another_network(file: Path) -> None:
    save_model(file, build_model(LeNetConfig()), class_names=CLASSES)
    content = file.read_bytes()
    in_a_name = content.index(b"class 3") + 6
    for place in (in_a_name, len(content) - 1000, len(content) - 1):
        damaged = bytearray(content)
        damaged[place] ^= 1
        file.write_bytes(damaged)
        refusal(file)
        with pytest.raises(ModelFileError, match=r"model\.safetensors"):
            open_model(file)


READ_AGAIN_AND_AGAIN = """
import contextlib, sys
from lenet.errors import ModelFileError
from lenet.models import load_model
for _ in range(100):
    with contextlib.suppress(ModelFileError):
        load_model(sys.argv[1])
"""


def test_a_file_that_is_cut_off_while_it_is_read_ends_no_process(file: Path, sound: bytes) -> None:
    file.write_bytes(sound)
    reading = ForkedProcess(str(file), code=READ_AGAIN_AND_AGAIN)
    while reading.returncode is None:
        os.truncate(file, 5000)
        time.sleep(0.0003)
        with file.open("r+b") as again:
            again.write(sound)
        time.sleep(0.0005)
    _, errors = reading.communicate()
    assert reading.returncode == 0, errors


def test_a_file_without_a_digest_is_read_as_ever(file: Path) -> None:
    network = build_model(LeNetConfig())
    file.write_bytes(with_card(CARD, dict(network.state_dict())))
    assert load_model(file)[1].class_names == CLASSES


@pytest.mark.skipif(free_memory() is None, reason="this system does not say what is free")
def test_a_small_file_of_a_network_that_needs_all_memory_is_refused(file: Path) -> None:
    layers = (
        Convolution(filters=2, kernel_size=(1, 1)),
        AdaptivePooling(output_size=(1, 1)),
        Flatten(),
    )
    network = Network(layers, (64, 8, 8))
    save_model(file, network.build(), class_names=CLASSES[:2], input_shape=(64, 8, 8))
    with safe_open(file, "pt") as tensors:
        card = json.loads(tensors.metadata()["lenet"])
    card["input_shape"] = card["config"]["input_shape"] = [64, 65536, 65536]  # 1.1 TB an image
    card["preparation"] |= {"channels": 64, "height": 65536, "width": 65536}
    file.write_bytes(with_card(card, Weights(safetensors.torch.load_file(file))))
    assert "GB are free" in refusal(file)
    with pytest.raises(ModelFileError, match="GB are free"):
        open_model(file)
