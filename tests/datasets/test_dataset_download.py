"""Downloads from a real HTTP server on this machine."""

import http.server
import os
import socket
import stat
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

import lenet
from lenet.datasets import CatalogEntry, cached_datasets, prepared_datasets
from lenet.errors import DataFileError, DownloadError, StorageError
from small_dataset import SmallDataset, assert_loads

Publish = Callable[..., CatalogEntry]


class Mirrors(http.server.ThreadingHTTPServer):
    """Many mirrors in one server; the first part of the path says how each behaves."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.asked: list[str] = []

    def mirror(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{behaviour}/"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Mirrors
    _ways_to_fail: ClassVar[dict[str, int]] = {"refusing": 503, "missing": 404}

    def do_GET(self) -> None:
        behaviour, _, name = self.path.lstrip("/").partition("/")
        self.server.asked.append(self.path)
        content = self.server.files[name]
        failure = behaviour.removeprefix("once-")
        if failure != behaviour and Counter(self.server.asked)[self.path] > 1:
            failure = "good"
        if failure in self._ways_to_fail:
            self.send_error(self._ways_to_fail[failure])
        elif failure == "dropping":
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if failure == "wrong":
                content = content[:-1] + bytes([content[-1] ^ 1])
            if failure == "page":
                content = b"<html>Please log in.</html>".ljust(len(content))
            self.wfile.write(content[: len(content) // 2] if failure == "short" else content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def mirrors(small: SmallDataset, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrors]:
    """A server that offers the small dataset, with the network allowed and no pauses."""
    monkeypatch.delenv("LENET_OFFLINE")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("lenet.datasets._cache._PAUSE", 0)
    with Mirrors(small.compressed_files()) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_offline_nothing_is_asked_of_any_mirror(
    mirrors: Mirrors, publish: Publish, data_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(mirrors.files, mirrors.mirror("good"))
    monkeypatch.setenv("LENET_OFFLINE", "1")
    with pytest.raises(DownloadError):
        lenet.load_dataset("fashion-mnist")
    assert mirrors.asked == []


def test_cached_files_are_used_without_asking_any_mirror(
    mirrors: Mirrors, small: SmallDataset, publish: Publish, data_home: Path
) -> None:
    publish(mirrors.files, mirrors.mirror("good"))
    (data_home / "fashion-mnist").mkdir()
    for name, content in mirrors.files.items():
        (data_home / "fashion-mnist" / name).write_bytes(content)
    assert_loads(small)
    assert mirrors.asked == []


@pytest.mark.parametrize("offline", [None, "", "0"])
def test_missing_files_are_fetched_once_and_kept(
    mirrors: Mirrors,
    small: SmallDataset,
    publish: Publish,
    data_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    offline: str | None,
) -> None:
    if offline is not None:
        monkeypatch.setenv("LENET_OFFLINE", offline)
    publish(mirrors.files, mirrors.mirror("good"))
    assert_loads(small)
    assert_loads(small)
    assert mirrors.asked == [f"/good/{name}" for name in mirrors.files]
    folder = "fashion-mnist"
    assert contents(data_home) == {
        f"{folder}/{name}": mirrors.files[name] for name in mirrors.files
    }


def test_a_fetched_file_appears_under_its_name_only_when_it_is_whole(
    mirrors: Mirrors, publish: Publish, data_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies under the final name is looked at each time that bytes come in."""
    import requests

    final = data_home / "fashion-mnist" / "train-images-idx3-ubyte.gz"
    seen: list[bool] = []
    read = requests.Response.iter_content

    def watched(self: requests.Response, *args: int, **options: bool) -> Iterator[bytes]:
        for piece in read(self, *args, **options):
            yield piece
            if self.url.endswith(final.name):
                seen.append(final.exists())

    monkeypatch.setattr(requests.Response, "iter_content", watched)
    publish(mirrors.files, mirrors.mirror("good"))
    lenet.load_dataset("fashion-mnist")
    assert seen
    assert not any(seen)
    assert final.read_bytes() == mirrors.files[final.name]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_fetched_file_may_be_read_by_whom_the_umask_lets(
    mirrors: Mirrors, publish: Publish, data_home: Path
) -> None:
    publish(mirrors.files, mirrors.mirror("good"))
    before = os.umask(0o022)
    try:
        lenet.load_dataset("fashion-mnist")
    finally:
        os.umask(before)
    for path in (data_home / "fashion-mnist").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_fetched_file_may_not_be_changed_by_everybody(
    mirrors: Mirrors, publish: Publish, data_home: Path
) -> None:
    publish(mirrors.files, mirrors.mirror("good"))
    folder = data_home / "fashion-mnist"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    lenet.load_dataset("fashion-mnist")
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o664


@pytest.mark.parametrize("bad", ["wrong", "page", "missing", "refusing", "short", "dropping"])
def test_the_next_mirror_is_asked_where_one_does_not_give_the_right_bytes(
    mirrors: Mirrors, small: SmallDataset, publish: Publish, data_home: Path, bad: str
) -> None:
    publish(mirrors.files, mirrors.mirror(bad), mirrors.mirror("good"))
    assert_loads(small)
    asked = [f"/{behaviour}/{name}" for name in mirrors.files for behaviour in (bad, "good")]
    assert mirrors.asked == asked
    assert set(contents(data_home / "fashion-mnist")) == set(mirrors.files)


@pytest.mark.parametrize("failure", ["refusing", "short", "wrong", "missing", "dropping"])
def test_a_mirror_that_fails_once_is_asked_again(
    mirrors: Mirrors, small: SmallDataset, publish: Publish, data_home: Path, failure: str
) -> None:
    publish(mirrors.files, mirrors.mirror(f"once-{failure}"))
    assert_loads(small)
    assert Counter(mirrors.asked) == {f"/once-{failure}/{name}": 2 for name in mirrors.files}
    assert set(contents(data_home / "fashion-mnist")) == set(mirrors.files)


def test_the_failure_of_every_mirror_is_listed_and_nothing_is_left(
    mirrors: Mirrors, publish: Publish, data_home: Path
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    bad = [mirrors.mirror(kind) for kind in ("missing", "refusing", "wrong", "short", "dropping")]
    publish(mirrors.files, *bad, closed)

    with pytest.raises(DownloadError) as caught:
        lenet.load_dataset("fashion-mnist")

    first, *tried, last = str(caught.value).splitlines()
    name = "train-images-idx3-ubyte.gz"
    assert first == f"Could not download `{name}` of `fashion-mnist`:"
    assert [line.strip().partition(": ")[0] for line in tried] == [*bad, closed]
    for line, words in zip(
        tried, ["404", "503", "not the published file", "", "no connection", "refused"], strict=True
    ):
        assert words in line
    assert f"`{data_home / 'fashion-mnist'}`" in last
    assert set(mirrors.asked) == {
        f"/{kind}/{name}" for kind in ("missing", "refusing", "wrong", "short", "dropping")
    }
    assert contents(data_home) == {}


def test_without_a_network_the_error_comes_after_one_round(
    publish: Publish, small: SmallDataset, data_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LENET_OFFLINE")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def no_pause(seconds: float) -> None:
        pytest.fail("waited for a network that is not there")

    monkeypatch.setattr("lenet.datasets._cache.time.sleep", no_pause)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    publish(small.compressed_files(), closed)
    with pytest.raises(DownloadError, match="no connection"):
        lenet.load_dataset("fashion-mnist")


def test_a_cache_folder_that_can_not_be_made_is_a_storage_error(
    mirrors: Mirrors, publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-file").write_text("in the way")
    monkeypatch.setenv("LENET_DATA", str(tmp_path / "a-file" / "data"))
    publish(mirrors.files, mirrors.mirror("good"))
    with pytest.raises(StorageError, match=r"Could not write .*a-file.*not a directory"):
        lenet.load_dataset("fashion-mnist")
    assert mirrors.asked == []
    assert (tmp_path / "a-file").read_text() == "in the way"


def test_a_disk_that_takes_no_more_is_a_storage_error_and_nothing_is_left(
    mirrors: Mirrors, publish: Publish, data_home: Path
) -> None:
    resource = pytest.importorskip("resource")
    name = "train-images-idx3-ubyte.gz"
    mirrors.files[name] = os.urandom(3_000_000)
    publish(mirrors.files, mirrors.mirror("good"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(StorageError, match=name):
            lenet.load_dataset("fashion-mnist")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert contents(data_home) == {}


@pytest.mark.parametrize("place", ["fashion-mnist", "FashionMNIST/raw"])
@pytest.mark.parametrize("damage", [b"", b"no gzip", "half"])
def test_a_damaged_file_is_fetched_again(
    mirrors: Mirrors,
    small: SmallDataset,
    publish: Publish,
    data_home: Path,
    damage: bytes | str,
    place: str,
) -> None:
    publish(mirrors.files, mirrors.mirror("good"))
    (data_home / place).mkdir(parents=True)
    for name, content in mirrors.files.items():
        (data_home / place / name).write_bytes(content)
    name = "t10k-images-idx3-ubyte.gz"
    whole = mirrors.files[name]
    damaged = damage if isinstance(damage, bytes) else whole[: len(whole) // 2]
    (data_home / place / name).write_bytes(damaged)
    assert_loads(small)
    assert_loads(small)
    assert mirrors.asked == [f"/good/{name}"]
    assert (data_home / "fashion-mnist" / name).read_bytes() == whole


def test_a_damaged_file_that_can_not_be_had_again_is_named(
    mirrors: Mirrors, small: SmallDataset, publish: Publish, data_home: Path
) -> None:
    publish(mirrors.files, mirrors.mirror("missing"))
    (data_home / "fashion-mnist").mkdir()
    for name, content in mirrors.files.items():
        (data_home / "fashion-mnist" / name).write_bytes(content[:-1])
    before = contents(data_home)
    with pytest.raises(DataFileError, match=r"fashion-mnist/t.*` is truncated"):
        lenet.load_dataset("fashion-mnist")
    assert contents(data_home) == before


def test_without_a_home_nothing_is_kept_where_the_person_is(
    mirrors: Mirrors, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(mirrors.files, mirrors.mirror("good"))
    for name in ("LENET_DATA", "LENET_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: Path("~/.cache") / name)
    with pytest.raises(StorageError, match="Set `LENET_DATA` to a folder that can be written"):
        lenet.load_dataset("fashion-mnist")
    assert cached_datasets() == prepared_datasets() == []
    assert list(Path.cwd().iterdir()) == []
