"""Small files that unpack to much, and many images: refused before they take the memory."""

import gzip
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from own_data import draw, write_idx

import lenet

# Private: their bounds are made small, so that the files are.
from lenet.datasets import _own
from lenet.datasets.readers import _contents, _csv, _lines, _numpy_files
from lenet.errors import DataFileError, DatasetError, LenetError

BLANK, LABELS = np.zeros((4000, 28, 28), np.uint8), np.arange(4000) % 2


def npz(folder: Path) -> None:
    np.savez_compressed(folder / "x.npz", x=BLANK, y=LABELS)


def idx(folder: Path) -> None:
    write_idx(folder / "images.gz", BLANK)
    write_idx(folder / "labels.gz", LABELS.astype(np.uint8))


def emnist(folder: Path) -> None:
    with zipfile.ZipFile(folder / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for part in ("train", "test"):
            for kind, array in (("images-idx3", BLANK), ("labels-idx1", LABELS.astype(np.uint8))):
                write_idx(folder / "x", array)
                name = f"emnist-digits-{part}-{kind}-ubyte"
                archive.writestr(name, (folder / "x").read_bytes())
    (folder / "x").unlink()


def parquet(folder: Path) -> None:
    rows = pa.FixedSizeListArray.from_arrays(BLANK.ravel(), 784).cast(pa.list_(pa.uint8()))
    table = pa.table({"image": rows, "label": LABELS})
    pq.write_table(table, folder / "x.parquet", use_dictionary=False, compression="gzip")


def table(folder: Path) -> None:
    line = ",".join(["0"] * 784)
    text = "".join(f"{label},{line}\n" for label in LABELS)
    (folder / "x.csv.gz").write_bytes(gzip.compress(text.encode()))


def pixels(folder: Path) -> None:
    np.savez_compressed(folder / "x.npz", x=np.zeros((40_000, 1, 1), "u1"), y=np.arange(40_000) % 2)


def lists(folder: Path) -> None:
    rows = pa.ListArray.from_arrays(np.arange(0, BLANK.size + 1, 784), BLANK.ravel())
    pq.write_table(pa.table({"image": rows, "label": LABELS}), folder / "x.parquet")


@pytest.mark.parametrize("write", [lists, npz, idx, emnist, parquet, table, pixels])
def test_what_unpacks_to_much_more_than_pictures_do_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None]
) -> None:
    write(tmp_path)
    lenet.load_dataset(next(tmp_path.glob("*.zip"), tmp_path))
    monkeypatch.setattr(_contents, "_UNPACKED", 2**20)
    monkeypatch.setattr(_lines, "_LOOK_AFTER", 2**16)
    (tmp_path / "other").mkdir()
    write(tmp_path / "other")
    place = tmp_path / "other"
    tracemalloc.start()
    with pytest.raises(LenetError, match=r"unpacks from .* at most 200 times .* is read"):
        lenet.load_dataset(next(place.glob("*.zip"), place))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**22


def test_an_archive_is_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_numpy_files, "_BLOCK", 100_000)
    images, labels = draw(200, size=56)
    np.savez_compressed(tmp_path / "x.npz", x=images.astype(np.float32) / 255, y=labels)
    np.savez_compressed(tmp_path / "turned.npz", x=np.asfortranarray(images), y=labels)
    np.savez_compressed(tmp_path / "rows.npz", x=images.reshape(200, -1), y=labels)
    whole, turned, rows = (
        lenet.load_dataset(tmp_path / f"{name}.npz", size=56, test_share=0.0).train
        for name in ("x", "turned", "rows")
    )
    for split in (whole, turned, rows):
        np.testing.assert_array_equal(split.images[:, 0], images)
        np.testing.assert_array_equal(split.labels, labels)
        assert split.images.flags.writeable
    assert list(whole.names)[198:] == ["no. 198", "no. 199"]


def test_images_that_are_made_smaller_are_not_all_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_numpy_files, "_BLOCK", 2**18)
    images, labels = draw(200, size=256)
    np.savez_compressed(tmp_path / "x.npz", x=images, y=labels)
    tracemalloc.start()
    lenet.load_dataset(tmp_path / "x.npz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < images.nbytes / 2


def test_few_long_lines_are_in_memory_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_csv, "_CELLS_AT_ONCE", 100_000)
    line = ",".join(["0"] * 128**2)
    (tmp_path / "x.csv.gz").write_bytes(
        gzip.compress("".join(f"{number % 2},{line}\n" for number in range(100)).encode())
    )
    tracemalloc.start()
    dataset = lenet.load_dataset(tmp_path / "x.csv.gz", test_share=0.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(dataset.train) == 100
    assert peak < 16e6


def test_images_for_which_there_is_no_memory_are_refused_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_own, "_LOOK_AFTER", 2**16)
    monkeypatch.setattr(_own, "free_memory", lambda: 2**20)
    content = io.BytesIO()
    np.savez(content, x=BLANK, y=LABELS)
    (tmp_path / "x.npz").write_bytes(content.getvalue())
    with pytest.raises(DatasetError, match=r"more memory than is free.*`lenet data pack .*x\.npz"):
        lenet.load_dataset(tmp_path / "x.npz")


def test_what_is_large_without_compression_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_contents, "_UNPACKED", 2**20)
    np.savez(tmp_path / "x.npz", x=BLANK, y=LABELS)
    assert len(lenet.load_dataset(tmp_path / "x.npz", test_share=0.0).train) == 4000


def test_an_archive_that_ends_too_early_is_told(tmp_path: Path) -> None:
    images, labels = draw(12)
    np.save(tmp_path / "x.npy", images)
    np.save(tmp_path / "y.npy", labels)
    content = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(content[:-1])
    with pytest.raises(DataFileError, match=r"x\.npy. declares \d+ bytes and holds"):
        lenet.load_dataset(tmp_path)
