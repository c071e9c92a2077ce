"""The page takes the model files that Python takes, and says one sentence about all others."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from page_functions import call_page

from lenet.errors import ModelFileError
from lenet.models import (
    BUNDLED,
    Calibration,
    build_model,
    decide,
    load_model,
    model_config,
    save_model,
)

READ_ALL = """
return Object.entries(inputs).map(([name, bytes]) => {
  try {
    readModel(bytes.slice().buffer);
    return [name, "read", ""];
  } catch (error) {
    return [name, error.constructor.name, error.message];
  }
});
"""


def read_in_page(files: dict[str, bytes]) -> dict[str, tuple[str, str]]:
    """What the page makes of each file: `read`, or an error's class, and its message."""
    return {name: (kind, message) for name, kind, message in call_page(READ_ALL, files)}


def taken_apart(file: bytes) -> tuple[dict, bytes]:
    """A file's header and its numbers."""
    (length,) = struct.unpack("<Q", file[:8])
    return json.loads(file[8 : 8 + length]), file[8 + length :]


def put_together(header: object, numbers: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + numbers


def with_card(file: bytes, **changes: object) -> bytes:
    """A model file that says something else about itself; `None` leaves a field out."""
    header, numbers = taken_apart(file)
    card = {**json.loads(header["__metadata__"]["lenet"]), **changes}
    card = {name: value for name, value in card.items() if value is not None}
    return put_together({**header, "__metadata__": {"lenet": json.dumps(card)}}, numbers)


@pytest.fixture
def small(tmp_path: Path) -> bytes:
    """A model file of a few hundred numbers."""
    settings = {"input_shape": (1, 8, 8), "channels": (2,), "kernel_size": 3, "dense_widths": (3,)}
    network = build_model(model_config("lenet", settings))
    path = tmp_path / "small.safetensors"
    save_model(path, network, class_names=tuple("abcdefghij"))
    return path.read_bytes()


def test_what_older_files_leave_out_is_as_python_has_it(small: bytes) -> None:
    older = with_card(small, preparation=None, calibration=None)
    body = 'const { card } = readModel(fileOf("a")); return [card.preparation, card.calibration];'
    preparation, calibration = call_page(body, {"a": older})
    Path("older.safetensors").write_bytes(older)
    _, card = load_model("older.safetensors")
    for name, value in preparation.items():
        assert getattr(card.preparation, name) == value
    told = json.loads(json.dumps(card.calibration.to_dict()))
    assert calibration == {name: told[name] for name in calibration}


def test_each_unusable_file_gets_one_sentence(small: bytes) -> None:
    header, numbers = taken_apart(small)
    described = json.loads(header["__metadata__"]["lenet"])
    entry = header["0.weight"]

    def with_layer(place: int, **changes: object) -> bytes:
        layers = [dict(layer) for layer in described["layers"]]
        layers[place] |= changes
        return with_card(small, layers=layers)

    files = {
        "damaged: empty": b"",
        "damaged: short": small[:200],
        "damaged: cut off": small[:-4],
        "damaged: longer": small + b"1234",
        "damaged: a pickle": b"PK\x03\x04" + bytes(100),
        "damaged: a header of a petabyte": struct.pack("<Q", 2**50) + small[8:],
        "damaged: no object": put_together([1, 2], numbers),
        "damaged: nothing in it": put_together(None, numbers),
        "damaged: outside": put_together(
            {**header, "0.weight": {**entry, "data_offsets": [0, 2**40]}}, numbers
        ),
        "damaged: no shape": put_together({**header, "0.weight": {"dtype": "F32"}}, numbers),
        "damaged: sizes below 0": put_together(
            {**header, "0.weight": {**entry, "shape": [-2, -1, 3, 3]}}, numbers
        ),
        "not a model that lenet": put_together(
            {key: value for key, value in header.items() if key != "__metadata__"}, numbers
        ),
        "newer lenet (9.9)": with_card(small, format=2, version="9.9"),
        "no kind of layer called `attention`": with_layer(0, kind="attention"),
        "no kind of layer called `toString`": with_layer(0, kind="toString"),
        "no kind of layer called `undefined`": with_card(small, layers=[7]),
        "by an older lenet": with_card(small, layers=None),
        "`layers`": with_card(small, layers="many"),
        "`class_names`": with_card(small, class_names=["a"]),
        "`class_names`: numbers": with_card(small, class_names=list(range(10))),
        "`class_names`: twice": with_card(small, class_names=[*"abcdefghia"]),
        "`class_names`: none first": with_card(small, class_names=["_none", *"bcdefghij"]),
        "`input_shape`": with_card(small, input_shape=[9, 9]),
        "`normalisation`": with_card(small, normalisation={"mean": 0, "std": 0}),
        "`normalisation`: none": with_card(small, normalisation=None),
        "`normalisation`: below 0": with_card(small, normalisation={"mean": 0, "std": -1}),
        "`normalisation`: a text": with_card(small, normalisation={"mean": "0", "std": "1"}),
        "numbers that are not finite": put_together(header, numbers[:-4] + b"\0\0\xc0\x7f"),
        "numbers that are not finite: infinite": put_together(
            header, b"\0\0\x80\x7f" + numbers[4:]
        ),
        "`calibration`": with_card(small, calibration={"temperature": 0}),
        "`calibration`: no rows": with_card(small, calibration={"means": 3, "whitening": 3}),
        "`calibration`: few rows": with_card(
            small, calibration={"means": [[1.0]], "whitening": [[1.0]]}
        ),
        "`calibration`: other rows": with_card(
            small, calibration={"means": [[1.0] * 10] * 10, "whitening": [[1.0] * 9] * 10}
        ),
        "`preparation`": with_card(small, preparation={"method": "magic"}),
        "`filters`": with_layer(0, filters=0),
        "`kernel_size`": with_layer(0, kernel_size=[3]),
        "`function`": with_layer(1, function="toString"),
        "`method`": with_layer(2, method=["max"]),
        "`padding`": with_layer(0, padding=-1),
        "`inputs`": with_layer(0, kind="partial_convolution", inputs=[[0], [1]]),
        "`inputs`: twice": with_layer(0, kind="partial_convolution", inputs=[[0], [0, 0]]),
        "`inputs`: none": with_layer(0, kind="partial_convolution", inputs=[[], []]),
        "does not fit its input": with_layer(3, kind="distances", classes=3),
        "does not fit its input: windows": with_layer(2, kernel_size=60),
        "where F32 [2,1,60,60]": with_layer(0, kernel_size=60, padding=40),
        "where F32": with_layer(0, filters=3),
        "gives 10 numbers": with_card(small, class_names=[*"abcdefghijk"]),
        "no place for `7.scale`": put_together(
            {**header, "7.scale": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}, numbers
        ),
    }
    for name, (kind, message) in read_in_page(files).items():
        assert kind == "Error", (name, kind, message)
        assert name.split(":")[0] in message, (name, message)
        assert message.endswith(".")
        assert "\n" not in message


def test_a_network_that_would_freeze_the_page_is_refused(tmp_path: Path) -> None:
    settings = {"input_shape": (1, 512, 512), "channels": (32, 1), "kernel_size": 11}
    huge = model_config("lenet", {**settings, "dense_widths": (), "classes": 2})
    path = tmp_path / "huge.safetensors"
    save_model(path, build_model(huge), class_names=("a", "b"))
    found = read_in_page({"huge": path.read_bytes()})
    assert found["huge"] == ("Error", "The network is too large to run in a page.")


def test_a_network_whose_values_take_too_much_memory_is_refused() -> None:
    body = """
    const card = { input_shape: [1, 8, 8] };
    const padding = (size) => ({ kind: "padding", margins: [size, size, size, size] });
    const sizes = [[2000], [2100], [1000, 1000, ...Array(25).fill(0)]];
    return sizes.map((each) => {
      const { layers } = readLayers(each.map(padding), card.input_shape, () => {});
      try {
        new Network(core, { card, layers });
        return "fits";
      } catch ({ message }) {
        return message;
      }
    });
    """
    refused = "The network is too large to run in a page."
    assert call_page(body) == ["fits", refused, refused]


def test_a_file_too_large_is_not_even_looked_at() -> None:
    body = (
        "try { readModel(new ArrayBuffer(2 ** 26 + 1)); } catch ({ message }) { return message; }"
    )
    assert call_page(body) == "The file is larger than 64 MiB."


def test_files_changed_anywhere_are_read_or_refused_as_python_does(small: bytes) -> None:
    random = np.random.default_rng(0)
    header_end = len(small) - len(taken_apart(small)[1])
    files = {}
    for number in range(400):
        changed = bytearray(small)
        for place in random.integers(0, header_end, random.integers(1, 4)):
            letter = random.integers(0, 256) if number % 2 else random.choice(list(b'0 1",{'))
            changed[place] = letter
        files[str(number)] = bytes(changed)
    found = read_in_page(files)
    assert {kind for kind, _ in found.values()} <= {"read", "Error"}
    path = Path("changed.safetensors")
    for name, file in files.items():
        path.write_bytes(file)
        try:
            load_model(path)
        except ModelFileError:
            continue
        assert found[name][0] == "read", (name, found[name])


def test_empty_pictures_are_answered_by_a_model_that_knows_them(small: bytes) -> None:
    body = """
    const seen = { isBlank: true, parts: 1 };
    const result = { probabilities: [0.1, 0.7, 0.2] };
    return ["plain", "knowing", "unsure"].map((name) => {
      const { card } = readModel(fileOf(name));
      return answerOf({ model: { card }, seen, result }).kind;
    });
    """
    files = {"plain": small, "knowing": with_card(small, answers_blank=True)}
    unsure = {"temperature": 1, "threshold": 0.8, "images": 9}
    files["unsure"] = with_card(small, answers_blank=True, calibration=unsure)
    assert call_page(body, files) == ["blank", "class", "none"]


def test_the_bundled_models_are_read() -> None:
    files = {name: path.read_bytes() for name, path in BUNDLED.items()}
    assert set(read_in_page(files).values()) == {("read", "")}


def test_what_none_is_likelier_than_is_not_answered(small: bytes) -> None:
    body = """
    const { card } = readModel(fileOf("model"));
    const none = inputs.none[0] / 10;
    const shares = (...some) => Float64Array.from([...some, 0, 0, 0, 0, 0, 0, 0, none]);
    return [shares(0.3, 0.1), shares(0.5, 0.1), shares(0.1, 0.4)].map((one) => decide(card, one));
    """
    calibration = {"temperature": 1, "threshold": 0.4, "images": 9}
    model = with_card(small, class_names=[*"abcdefghi", "_none"], calibration=calibration)
    found = call_page(body, {"model": model, "none": bytes([4])})
    assert [(one["index"], one["isSure"]) for one in found] == [(0, False), (0, True), (1, True)]
    assert [one["none"] for one in found] == [0.4] * 3
    found = call_page(body, {"model": model, "none": bytes([6])})
    assert not any(one["isSure"] for one in found)


def test_what_lies_beyond_the_reach_is_not_answered_but_by_a_threshold_of_0(small: bytes) -> None:
    body = """
    const { card } = readModel(fileOf("model"));
    const probabilities = Float64Array.from([0.9, 0.1, 0, 0, 0, 0, 0, 0, 0, 0]);
    const seen = { isBlank: false, parts: 1 };
    const answer = answerOf({ model: { card }, seen, result: { probabilities } });
    return [decide(card, probabilities), answerInWords(answer)];
    """
    shares, rows = np.array([0.9, 0.1, *[1e-35] * 8]), np.eye(10)
    means = np.log(shares) + 3 * rows  # each is 3 away
    for reach, threshold in ((2.94, 0.5), (3.1, 0.5), (2.94, 0.0)):
        calibration = Calibration(
            threshold=threshold, whitening=rows.tolist(), means=means.tolist(), reach=reach
        )
        model = with_card(small, calibration=calibration.to_dict())
        decision, said = call_page(body, {"model": model})
        expected = decide(np.log(shares)[None], calibration, None)
        assert decision["distance"] == pytest.approx(float(expected.distance[0]), rel=1e-12)
        is_far = reach < 3 and threshold > 0
        assert (decision["isFar"], decision["isSure"]) == (is_far, not is_far)
        assert (expected.is_far.tolist(), expected.is_sure.tolist()) == ([is_far], [not is_far])
        assert ("nearest: a, but unlike it: distance 3.0, at most 2.9" in said) == is_far
