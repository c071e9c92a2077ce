"""What stands at a place is lost only once something better stands there."""

import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from forked_process import ForkedProcess
from lenet.errors import ExportError

# How files come into place whole; an export shows the end of it.
from lenet.export._place import put_into_place, unfinished_folder


def made_folder(name: str, *files: str) -> Path:
    """A folder with some files in it."""
    folder = Path(name)
    folder.mkdir()
    for file in files:
        (folder / file).write_text(name)
    return folder


def test_an_earlier_export_is_replaced_whole() -> None:
    place = made_folder("place", "a", "b")
    put_into_place(made_folder("new", "a", "b"), place)
    assert {file.name: file.read_text() for file in place.iterdir()} == {"a": "new", "b": "new"}
    assert list(Path().iterdir()) == [place]


def test_an_empty_folder_is_replaced() -> None:
    place = made_folder("place")
    put_into_place(made_folder("new", "a"), place)
    assert [file.name for file in place.iterdir()] == ["a"]


@pytest.mark.parametrize("files", [("a",), ("a", "b", "thesis.tex"), ("thesis.tex",)])
def test_another_folder_is_left_alone(files: tuple[str, ...]) -> None:
    place = made_folder("place", *files)
    with pytest.raises(ExportError, match=r"no earlier export.*(`thesis.tex`|lacks `b`)"):
        put_into_place(made_folder("new", "a", "b"), place)
    assert {file.name for file in place.iterdir()} == set(files)


def test_a_file_is_no_folder_and_a_folder_no_file() -> None:
    file = Path("file")
    file.write_text("old")
    with pytest.raises(ExportError, match="`file` is a file"):
        put_into_place(made_folder("new", "a"), file)
    with pytest.raises(ExportError, match="`place` is a folder"):
        put_into_place(file, made_folder("place"))


def test_the_old_one_comes_back_if_the_new_one_can_t_be_put(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place, new = made_folder("place", "a"), made_folder("new", "a")
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path == new:
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(Exception, match="Could not write `place`: permission denied"):
        put_into_place(new, place)
    assert (place / "a").read_text() == "place"
    assert sorted(path.name for path in Path().iterdir()) == ["new", "place"]


def test_after_a_kill_between_two_renames_the_next_export_stands_and_the_old_one_goes() -> None:
    made_folder(".place.before", "a")
    put_into_place(made_folder("new", "a"), Path("place"))
    assert [path.name for path in Path().iterdir()] == ["place"]


def test_folders_are_made_and_unmade(tmp_path: Path) -> None:
    output = tmp_path / "one" / "two" / "out[1]"
    with unfinished_folder(output) as folder:
        assert folder.parent == output.parent
    assert list(tmp_path.iterdir()) == []
    with unfinished_folder(output) as folder:
        (folder / "file").write_text("")
        put_into_place(folder / "file", output)
    assert [path.name for path in output.parent.iterdir()] == ["out[1]"]


def test_what_a_kill_left_behind_is_removed_and_what_is_being_made_is_not(tmp_path: Path) -> None:
    (tmp_path / ".out[1].7.partial").mkdir()
    with unfinished_folder(tmp_path / "out[1]") as first:
        assert list(tmp_path.iterdir()) == [first]
        with unfinished_folder(tmp_path / "out[1]") as second:
            assert {*tmp_path.iterdir()} == {first, second}


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    code = """
import sys, time
from pathlib import Path
import lenet.cli._main
from lenet.export import Format, _export

def write(trained, folder):
    (folder / "half").write_text("half")
    print("writing", flush=True)
    time.sleep(60)

_export.FORMATS["onnx"] = Format(write, ".onnx")
sys.argv = ["lenet", "export", "digits", "--data", "digits.npz", "-o", "new/out.onnx"]
lenet.cli._main.main()
"""
    images = np.zeros((10, 28, 28), np.uint8)
    np.savez(tmp_path / "digits.npz", images=images, labels=np.arange(10))
    process = ForkedProcess(code=code)
    line = process.stdout.readline()
    if line != "writing\n":
        pytest.fail(process.communicate()[1])
    assert list(tmp_path.glob("new/.out.onnx.*/half"))
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode != 0
    assert not (tmp_path / "new").exists()
