"""What lies in folders of pictures and is none: links, pipes, leavings, damage."""

import os
import re
import socket
from pathlib import Path

import pytest
from own_data import assert_holds, counts, draw, load, notes, put, write_pictures
from PIL import Image

import lenet
from lenet.datasets import _own  # between whose steps files change
from lenet.errors import DataFileError, DatasetError


def test_links_that_lead_round_in_a_circle_or_nowhere_do_no_harm(tmp_path: Path) -> None:
    folder = put(tmp_path / "x", "cat", "dog")
    try:
        (folder / "cat" / "round").symlink_to(folder)
        (folder / "cat" / "loop").symlink_to("loop")
    except OSError:
        pytest.skip("links can't be made here")
    assert counts(load(folder)) == {"train": [2, 2]}
    (folder / "dog" / "gone.png").symlink_to("nowhere")
    with pytest.raises(DataFileError, match=r"(?s)1 picture can't be read.*gone\.png"):
        load(folder)
    assert counts(load(folder, skip_bad=True)) == {"train": [2, 2]}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["0.png", "plain"])
def test_pipes_and_sockets_among_pictures_are_passed_over_and_named(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = put(tmp_path / "x", "cat", "dog")
    monkeypatch.chdir(folder / "dog")  # the address of a socket is short
    os.mkfifo(f"pipe-{name}")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"socket-{name}")
    dataset = load(folder)
    assert counts(dataset) == {"train": [2, 2]}
    assert f"passed over: `dog/pipe-{name}`, `dog/socket-{name}`" in notes(dataset)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize(
    "name",
    [
        "train.csv",
        "data.npz",
        "data.parquet",
        "images-idx3-ubyte",
        "emnist-letters-train-images-idx3-ubyte",
        "class-names.txt",
        "index.json",
    ],
)
def test_a_pipe_with_the_name_of_a_data_file_is_not_waited_for(tmp_path: Path, name: str) -> None:
    folder = put(tmp_path / "x", "cat", "dog")
    os.mkfifo(folder / name)
    assert counts(load(folder)) == {"train": [2, 2]}


def test_what_systems_leave_behind_is_passed_over(tmp_path: Path) -> None:
    images, labels = draw(6, classes=2)
    folder = tmp_path / "x"
    write_pictures(folder, images, [str(label) for label in labels])
    write_pictures(folder, images[:1], ["__MACOSX"])
    write_pictures(folder, images[:1], [".ipynb_checkpoints"])
    write_pictures(folder, images[:1], ["0/.thumbnails"])
    (folder / "0" / "Thumbs.db").write_bytes(b"\0")
    (folder / "0" / ".DS_Store").write_bytes(b"\0")
    (folder / "1" / "._0.png").write_bytes(b"\0")
    dataset = load(folder)
    assert_holds(dataset.train, images, labels)
    assert dataset.origin is not None
    assert dataset.origin.notes == ("The folders in `x` are the classes.",)


def test_other_files_and_empty_folders_are_named_and_passed_over(tmp_path: Path) -> None:
    images, labels = draw(6, classes=2)
    folder = tmp_path / "x"
    write_pictures(folder, images, [str(label) for label in labels])
    (folder / "0" / "readme.txt").write_text("about")
    (folder / "empty").mkdir()
    dataset = load(folder)
    assert dataset.class_names == ("0", "1")
    assert dataset.origin is not None
    assert "`empty`" in dataset.origin.notes[1]
    assert "`0/readme.txt`" in dataset.origin.notes[2]


def test_unreadable_pictures_are_an_error_that_names_five(tmp_path: Path) -> None:
    images, labels = draw(20, classes=2)
    folder = tmp_path / "x"
    write_pictures(folder, images, [str(label) for label in labels])
    for number in range(7):
        (folder / "0" / f"bad{number}.png").write_text("no picture")
    with pytest.raises(DataFileError) as caught:
        load(folder)
    text = str(caught.value)
    assert text.startswith("7 pictures can't be read:")
    assert len(re.findall(r"bad\d", text)) == 5
    assert "and 2 more" in text
    assert "--skip-bad" in text
    dataset = load(folder, skip_bad=True)
    assert_holds(dataset.train, images, labels)
    assert dataset.origin is not None
    assert len(dataset.origin.skipped) == 7


def test_only_bad_pictures_are_an_error_even_where_they_are_skipped(tmp_path: Path) -> None:
    for name in ("0", "1"):
        (tmp_path / "x" / name).mkdir(parents=True)
        (tmp_path / "x" / name / "bad.png").write_text("no picture")
    with pytest.raises(DatasetError, match="holds no images"):
        load(tmp_path / "x", skip_bad=True)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "holds no pictures in folders"),
        (["a.png", "b.png"], "itself has pictures, 2 in all, such as `a.png`"),
        (["train/a.png", "train/x/b.png"], "itself has pictures, 1 in all, such as `a.png`"),
        (["a/1.png", "loose.png"], "Put every picture into the folder of its class"),
        (["a/1.png", "a/2.png"], "of one class alone, `a`"),
        (["train/a/1.png", "test/a/2.png"], "of one class alone"),
        (["train/a/1.png", "train/b/1.png", "test/c/2.png"], "has test images of `c`, but none to"),
        (["train/a/1.png", "train/b/1.png", "cats/2.png"], "beside it `cats`"),
        (["train/a/1.png", "training/b/1.png"], "two folders for the same part"),
    ],
)
def test_a_folder_that_is_no_dataset_is_one_clear_error(
    tmp_path: Path, files: list[str], message: str
) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    for number, file in enumerate(files):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw(1, seed=number)[0][0]).save(folder / file)
    with pytest.raises(DatasetError) as caught:
        lenet.load_dataset(folder)
    assert message in str(caught.value)


def test_a_place_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="There is no folder or file"):
        lenet.load_dataset(tmp_path / "nowhere")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataFileError, match="neither a folder nor a file"):
        lenet.load_dataset(tmp_path / "pipe")


def test_a_picture_that_changes_meanwhile_is_told_and_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, _ = draw(8)
    write_pictures(tmp_path / "x", images, ["a", "b"] * 4)
    gone, shrunk, other = (tmp_path / "x" / name for name in ("a/0.png", "b/1.png", "a/2.png"))

    def change(key: str) -> None:
        gone.unlink()
        shrunk.write_bytes(shrunk.read_bytes()[:60])
        other.unlink()
        other.symlink_to("/dev/zero")

    monkeypatch.setattr(_own, "find_prepared", change)  # between the look at names and the reading
    dataset = load(tmp_path / "x", skip_bad=True)
    assert len(dataset.train) == 5
    assert dataset.origin
    told = "\n".join(dataset.origin.skipped)
    assert all(f"`{path}`" in told for path in (gone, shrunk, other))
