"""Files that appear whole or not at all."""

import errno
import os
import re
import socket
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenet.core import (
    _storage,  # what looks at a path before it is opened
    open_to_read,
    read_json_object,
    remove_partial_files,
    rename_to_free,
    staged_folder,
    storage_errors,
    write_atomically,
)
from lenet.errors import DataFileError, RunError, StorageError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the examples of a property share."""
    return tmp_path_factory.mktemp("storage")


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=200) | st.text(max_size=200))
def test_the_file_holds_the_bytes_or_the_text_in_utf_8(folder: Path, content: bytes | str) -> None:
    path = folder / "file"
    write_atomically(path, content)
    expected = content if isinstance(content, bytes) else content.encode("utf-8")
    assert path.read_bytes() == expected
    assert list(folder.iterdir()) == [path]


def test_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    write_atomically(tmp_path / "file", "one\r\ntwo\nthree\r")
    assert (tmp_path / "file").read_bytes() == b"one\r\ntwo\nthree\r"


def test_an_old_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, "a long first content")
    write_atomically(path, "short")
    assert path.read_text() == "short"


def test_a_reader_sees_the_old_or_the_new_content_and_never_a_part(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [b"a" * 300_000, b"b" * 200_000]
    write_atomically(path, contents[0])

    def write() -> None:
        for turn in range(60):
            write_atomically(path, contents[turn % 2])

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    while writer.is_alive():
        seen.append(path.read_bytes())
    writer.join()
    assert all(content in contents for content in seen)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_full_disk_leaves_the_old_content_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, exists: bool
) -> None:
    path = tmp_path / "file"
    if exists:
        path.write_text("old")

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(call, full)
        with pytest.raises(StorageError) as caught:
            write_atomically(path, "new")
    assert str(caught.value) == f"Could not write `{path}`: no space left on device."
    assert [entry.name for entry in tmp_path.iterdir()] == (["file"] if exists else [])
    if exists:
        assert path.read_text() == "old"


def test_a_limit_of_the_system_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "file"
    path.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(StorageError, match="file too large"):
            write_atomically(path, bytes(3_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interruption_leaves_the_old_content_and_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_a_storage_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "file"
    with pytest.raises(StorageError) as caught:
        write_atomically(path, "new")
    assert str(caught.value) == f"Could not write `{path}`: no such file or directory."
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_files_place_is_a_storage_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    path.mkdir()
    (path / "inside").write_text("kept")
    with pytest.raises(StorageError) as caught:
        write_atomically(path, "new")
    assert f"Could not write `{path}`:" in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]
    assert (path / "inside").read_text() == "kept"


def test_a_file_in_the_folders_place_is_a_storage_error_that_names_the_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    path = tmp_path / "file" / "below"
    with pytest.raises(StorageError, match="not a directory") as caught:
        write_atomically(path, "new")
    assert f"`{path}`" in str(caught.value)
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_the_permissions_are_those_that_the_umask_leaves(
    tmp_path: Path, mask: int, mode: int
) -> None:
    before = os.umask(mask)
    try:
        write_atomically(tmp_path / "file", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    leftovers = [tmp_path / f".model.{number}.partial" for number in (17, 4711)]
    others = [tmp_path / "model", tmp_path / "model.partial", tmp_path / ".hidden"]
    for path in (*leftovers, *others):
        path.write_text("half")
    remove_partial_files(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(others)
    remove_partial_files(tmp_path / "nowhere")


def test_a_writer_that_dies_leaves_a_file_that_is_then_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names that are written and the names that are removed belong together."""
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda descriptor: None)
        patch.setattr(Path, "unlink", lambda path: None)

        def die(self: Path, target: Path) -> None:
            raise KeyboardInterrupt

        patch.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            write_atomically(tmp_path / "file", "new")
    assert len(list(tmp_path.iterdir())) == 1
    assert not (tmp_path / "file").exists()
    remove_partial_files(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_being_written_is_no_leftover(tmp_path: Path) -> None:
    with staged_folder(tmp_path / "model.onnx") as folder:
        remove_partial_files(tmp_path)
        assert list(tmp_path.iterdir()) == [folder]


def test_only_the_systems_refusals_become_storage_errors(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="permission denied") as caught, storage_errors(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")
    assert isinstance(caught.value.__cause__, PermissionError)
    with pytest.raises(StorageError, match="no number at all"), storage_errors(tmp_path):
        raise OSError("no number at all")
    with pytest.raises(KeyError), storage_errors(tmp_path):
        raise KeyError(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_a_socket_and_a_device_are_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the address of a socket is short
    os.mkfifo("pipe")
    Path("link").symlink_to("pipe")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
    kinds = {"pipe": "pipe", "link": "pipe", "socket": "socket", "/dev/zero": "device"}
    for name, kind in kinds.items():
        with pytest.raises(RunError, match=f"`{name}` is neither a folder nor a file but a {kind}"):
            read_json_object(Path(name), RunError)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_no_file_or_folder_takes_the_place_of_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        said = f"Could not write `{tmp_path / name}`: it is a pipe, which no file may replace."
        with pytest.raises(StorageError, match=re.escape(said)):
            write_atomically(tmp_path / name, "text")
        with pytest.raises(StorageError, match="pipe"), storage_errors(tmp_path / name):
            with staged_folder(tmp_path / name):
                pass
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert len(list(tmp_path.iterdir())) == 2


def test_links_in_a_circle_are_told(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(StorageError, match="too many levels of symbolic links"):
        write_atomically(tmp_path / "circle", "text")


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="this system has no such streams")
def test_a_pipe_of_the_process_itself_is_read() -> None:
    receiver, sender = os.pipe()
    with os.fdopen(receiver), os.fdopen(sender, "w") as file:
        file.write('{"as the shell makes it": 1}')
        file.flush()
        path = Path(f"/dev/fd/{receiver}")
        with open_to_read(path, DataFileError) as stream:
            assert os.read(stream.fileno(), 100) == b'{"as the shell makes it": 1}'


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_has_become_a_pipe_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "x.png")
    monkeypatch.setattr(_storage, "odd_kind", lambda path: "")
    with (
        pytest.raises(DataFileError, match=r"Could not read .*x\.png.: it has become something"),
        open_to_read(tmp_path / "x.png", DataFileError),
    ):
        pass


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="this system has no such files")
def test_a_file_of_the_system_without_a_size_is_empty(tmp_path: Path) -> None:
    (tmp_path / "x.png").symlink_to("/proc/self/environ")
    with open_to_read(tmp_path / "x.png", DataFileError) as file:
        assert file.read() == b""


def test_a_byte_order_mark_is_no_part_of_json(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"a": 1}', encoding="utf-8-sig")
    assert read_json_object(path, RunError) == {"a": 1}


def test_of_two_that_make_the_same_the_later_is_told(tmp_path: Path) -> None:
    made, target = tmp_path / "made", tmp_path / "target"
    for folder in (made, target):
        folder.mkdir()
        (folder / "x").touch()
    with pytest.raises(StorageError, match="target` is there already; nothing is overwritten"):
        rename_to_free(made, target)
    (target / "x").unlink()
    target.rmdir()
    rename_to_free(made, target)
    assert (target / "x").exists()
    with pytest.raises(FileNotFoundError):
        rename_to_free(made, tmp_path / "nowhere")
