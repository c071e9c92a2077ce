"""Every command on a packed set, small and too large for memory."""

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import lenet
from calling import call
from kept_checkpoint import keep_checkpoints
from lenet.datasets import Dataset, PackWriter
from packed_sets import leave_little_room, pack


@pytest.fixture
def packed(few_digits: Dataset, tmp_path: Path) -> Path:
    """128 digits to train on and 64 to test on."""
    return pack(few_digits, tmp_path / "packed")


@pytest.fixture
def large(packed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, where 40 images fit into memory."""
    leave_little_room(monkeypatch)
    return packed


def test_pack_and_check() -> None:
    answer = call("data", "pack", "digits", "new/packed", "--shard-mib", "1")
    assert answer.stdout == (
        "Packed into new/packed: 1,438 train, 359 test images in 5 files, 1.4 MB, "
        "read back and whole\n"
    )
    assert re.fullmatch(
        r"new/packed is whole: 1,438 train, 359 test images in 5 files, 1\.4 MB\n",
        call("data", "check", "new/packed").stdout,
    )
    assert "nothing is overwritten" in call("data", "pack", "digits", "new/packed", code=7).stderr
    assert "is no packed set" in call("data", "check", "new", code=3).stderr
    error = call("data", "pack", "digits", "other", "--shard-mib", "0", code=2).stderr
    assert "`shard_mib` must be" in error


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_packing_that_is_interrupted_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals
) -> None:
    real = PackWriter.write

    def write(*arguments: Any) -> None:
        real(*arguments)
        assert list(tmp_path.glob(".packed.*"))
        os.kill(os.getpid(), sent)

    monkeypatch.setattr(PackWriter, "write", write)
    before = signal.getsignal(sent)
    assert "nothing is left" in call("data", "pack", "digits", "packed", code=130).stderr
    assert not [path for path in tmp_path.iterdir() if path.name != "cache"]
    if sent is not signal.SIGINT:
        assert signal.getsignal(sent) is before


def test_pictures_are_packed_as_the_options_say(few_digits: Dataset, tmp_path: Path) -> None:
    lenet.datasets.convert_dataset(few_digits, tmp_path / "pictures", "folder")
    call("data", "pack", "./pictures", "packed", "--size", "20", "--colour")
    assert lenet.load_dataset("./packed").image_shape == (3, 20, 20)


def test_info_and_show(large: Path) -> None:
    text = call("data", "info", str(large)).stdout
    assert f"packed: packed images, {large}" in text
    assert "128 train, 64 test; 28×28 grey, light on dark" in text
    assert "5 shards, 0.2 MB in all." in text
    assert "of a sample" in text
    values = json.loads(call("data", "info", str(large), "--json").stdout)
    assert values["origin"]["format"] == "packed images"
    call("data", "show", str(large), "--output", "sheet.png")
    with Image.open("sheet.png") as picture:
        assert picture.format == "PNG"
    call("data", "convert", str(large), "as.npz", "--to", "npz")
    assert len(lenet.load_dataset("./as.npz").train) == 128


@pytest.mark.filterwarnings("ignore:Not learning")
def test_a_network_is_trained_resumed_and_looked_at(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_checkpoints(monkeypatch)
    chosen = ("--epochs", "2", "--validation", "0.4", "--batch-size", "16")
    text = call("train", "--data", str(large), *chosen).stdout
    assert "Training `lenet` on `packed`" in text
    (run,) = lenet.find_runs()
    assert "packed, test split, 64 images" in call("evaluate").stdout
    assert "train split, 78 images" in call("evaluate", "--split", "train").stdout
    assert "validation split, 50 images" in call("evaluate", "--split", "validation").stdout
    assert "64 images" in call("evaluate", "--views", "shifted").stdout
    call("report", "--output", "report.html")
    call("inspect", "--output", "inside.html")
    call("export", "latest", "--to", "html", "--output", "page.html")
    call("data", "show", str(large), "--output", "sheet.png")
    call("predict", "sheet.png", "--model", "latest")
    run.result_path.unlink()
    assert "Going on with" in call("train", "--resume", "latest").stdout
    moved = large.rename(large.with_name("moved"))
    assert "is gone" in call("evaluate", code=5).stderr
    assert "64 images" in call("evaluate", "--data", str(moved)).stdout
    pack(lenet.load_dataset("digits"), large)
    assert "is not what" in call("evaluate", code=5).stderr


def test_a_damaged_shard_is_named_before_training_starts(large: Path) -> None:
    shard = large / "train-00001.images"
    shard.write_bytes(shard.read_bytes()[:-1] + b"\1")
    for command in (("train", "--data"), ("data", "info"), ("data", "check")):
        error = call(*command, str(large), code=3).stderr
        assert "train-00001.images`: the checksum is not the one in the index" in error
    assert not Path("runs").exists()
    os.truncate(shard, 3)
    assert (
        "has 3 bytes where the index says 39,200"
        in call("data", "check", str(large), code=3).stderr
    )


def test_what_would_not_fit_into_memory_is_one_clear_error(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lenet.datasets.packed._images._MOST_AT_ONCE", 784 * 100)
    error = call("data", "convert", str(large), "as.npz", "--to", "npz", code=3).stderr
    assert "at once take" in error
    assert "Traceback" not in error
    assert not Path("as.npz").exists()
