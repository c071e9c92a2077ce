"""Parquet as pandas and the Hugging Face hub write it."""

import builtins
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from own_data import Images, Labels, assert_holds, draw, load
from PIL import Image

import lenet
from lenet.errors import DataFileError, DatasetError, MissingExtraError


def encode(image: Images) -> bytes:
    """An image as PNG."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def hub_table(images: Images, labels: Labels, names: list[str] | None = None) -> pa.Table:
    """A table as the hub's `datasets` writes it."""
    pictures = [{"bytes": encode(image), "path": f"{n}.png"} for n, image in enumerate(images)]
    table = pa.table({"image": pictures, "label": labels})
    if names is None:
        return table
    label: dict[str, Any] = {"names": names, "_type": "ClassLabel"}
    info = {"info": {"features": {"image": {"_type": "Image"}, "label": label}}}
    return table.replace_schema_metadata({"huggingface": json.dumps(info)})


@pytest.mark.parametrize("place", [".", "data", "fashion_mnist"])
def test_the_hubs_shards_are_read_with_their_class_names(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "x" / place
    folder.mkdir(parents=True)
    names = ["zero", "one", "two", "never seen"]
    images, labels = draw(12)
    for shard, span in enumerate((slice(0, 6), slice(6, 12))):
        table = hub_table(images[span], labels[span], names)
        pq.write_table(table, folder / f"train-0000{shard}-of-00002.parquet")
    pq.write_table(hub_table(*draw(9, seed=1), names), folder / "test-00000-of-00001.parquet")
    dataset = load(tmp_path / "x")
    assert dataset.class_names == tuple(names)
    assert_holds(dataset.train, images, labels)
    assert_holds(dataset.test, *draw(9, seed=1))


@pytest.mark.parametrize(
    "odd", ["[" * 100_000, "{", "3", '{"info": 3}', '{"info": {"features": []}}']
)
def test_names_that_are_none_are_passed_over(tmp_path: Path, odd: str) -> None:
    images, labels = draw(12)
    table = hub_table(images, labels).replace_schema_metadata({"huggingface": odd})
    pq.write_table(table, tmp_path / "x.parquet")
    dataset = load(tmp_path / "x.parquet")
    assert dataset.class_names == ("0", "1", "2")
    assert_holds(dataset.train, images, labels)


def test_a_file_that_pandas_wrote_is_read(tmp_path: Path) -> None:
    images, labels = draw(12)
    frame = pd.DataFrame({"picture": [encode(i) for i in images], "class": labels, "row": labels})
    frame.to_parquet(tmp_path / "x.parquet")
    assert_holds(load(tmp_path / "x.parquet").train, images, labels)
    frame["class"] = pd.Series(labels).map({0: "a", 1: "b", 2: "c"})
    frame.to_parquet(tmp_path / "y.parquet")
    assert load(tmp_path / "y.parquet").class_names == ("a", "b", "c")
    frame["class"] = frame["class"].astype("category")
    frame.to_parquet(tmp_path / "z.parquet")
    assert_holds(load(tmp_path / "z.parquet").train, images, labels)


def test_a_picture_that_is_none_is_named_by_its_row(tmp_path: Path) -> None:
    images, labels = draw(12)
    pictures: list[Any] = [{"bytes": encode(image), "path": None} for image in images]
    pictures[3], pictures[5], pictures[7] = None, {"bytes": None, "path": "x"}, {"bytes": b"no"}
    pq.write_table(pa.table({"image": pictures, "label": labels}), tmp_path / "x.parquet")
    with pytest.raises(DataFileError, match=r"3 pictures can't be read:\n.*x.parquet`, row 3"):
        load(tmp_path / "x.parquet")
    assert len(load(tmp_path / "x.parquet", skip_bad=True).train) == 9


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": [1, 2]}, "should have a column of encoded pictures"),
        ({"image": [b"a", b"b"]}, "one of labels"),
        ({"image": [b"a", b"b"], "m": [1, 2], "n": [1, 2]}, "one of labels"),
        ({"image": [b"a", b"b"], "label": [1, None]}, "row 1: the label is missing"),
    ],
)
def test_a_table_without_pictures_or_labels_is_refused(
    tmp_path: Path, columns: dict[str, Any], message: str
) -> None:
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(DataFileError, match=message):
        lenet.load_dataset(tmp_path / "x.parquet")


@pytest.mark.parametrize("keep", [10, 200, -30])
def test_a_cut_file_is_refused(tmp_path: Path, keep: int) -> None:
    pq.write_table(hub_table(*draw(12)), tmp_path / "x.parquet")
    content = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "x.parquet").write_bytes(content[:keep])
    with pytest.raises(DataFileError, match=r"x\.parquet"):
        lenet.load_dataset(tmp_path / "x.parquet")


def test_damaged_pages_are_refused(tmp_path: Path) -> None:
    pq.write_table(hub_table(*draw(12)), tmp_path / "x.parquet")
    content = bytearray((tmp_path / "x.parquet").read_bytes())
    content[4:400] = b"\xff" * 396
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(DatasetError, match=r"x\.parquet"):
        lenet.load_dataset(tmp_path / "x.parquet")


def test_two_columns_of_one_name_are_told(tmp_path: Path) -> None:
    table = hub_table(*draw(12))
    twice = pa.Table.from_arrays([*table.columns, table["label"]], [*table.column_names, "label"])
    pq.write_table(twice, tmp_path / "x.parquet")
    with pytest.raises(DataFileError, match=r"x\.parquet. has more than one column called `label`"):
        lenet.load_dataset(tmp_path / "x.parquet")


def test_without_pyarrow_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(hub_table(*draw(12)), tmp_path / "x.parquet")
    real_import = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"pip install 'lenet\[parquet\]'"):
        lenet.load_dataset(tmp_path / "x.parquet")


def test_large_pictures_are_in_memory_a_few_at_a_time(tmp_path: Path) -> None:
    """Three hundred pictures of 200 kB each: what is held is their images and a batch."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (10, 64, 64), dtype=np.uint8)
    padding = [b"\0" * 200_000] * 300
    pictures = [encode(noise[n % 10]) + more for n, more in enumerate(padding)]
    table = pa.table({"image": pictures, "label": [n % 2 for n in range(300)]})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=100, use_dictionary=False)
    del table, pictures, padding
    tracemalloc.start()
    load(tmp_path / "x.parquet")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6
