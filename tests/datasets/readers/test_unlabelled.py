"""Pictures without labels: told where they are given to train on, read where they are answered."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from own_data import draw, load, write_idx, write_pictures
from PIL import Image

from lenet.datasets import open_unlabelled
from lenet.errors import DataFileError

IMAGES, LABELS = draw(12)
ROWS = IMAGES.reshape(12, -1)


def kaggle(path: Path) -> None:
    pd.DataFrame(ROWS).add_prefix("pixel").to_csv(path, index=False)


def bare(path: Path) -> None:
    np.savetxt(path, ROWS, "%d", delimiter=",")


def archive(path: Path) -> None:
    np.savez(path, x_test=IMAGES)


def array(path: Path) -> None:
    np.save(path, IMAGES[:, None])


def idx(path: Path) -> None:
    write_idx(path, IMAGES)


def parquet(path: Path) -> None:
    frame = pd.DataFrame(ROWS).add_prefix("pixel")
    pq.write_table(pa.Table.from_pandas(frame), path)


@pytest.mark.parametrize(
    ("name", "write", "first"),
    [
        ("test.csv", kaggle, "1"),
        ("bare.csv", bare, "1"),
        ("test.npz", archive, "0"),
        ("X_test.npy", array, "0"),
        ("t10k-images-idx3-ubyte.gz", idx, "0"),
        ("test.parquet", parquet, "0"),
    ],
)
def test_pictures_without_labels_are_for_predict(
    tmp_path: Path, name: str, write: Callable[[Path], None], first: str
) -> None:
    write(tmp_path / name)
    with pytest.raises(DataFileError, match=r"labels?.*`lenet predict |give the folder"):
        load(tmp_path / name)
    found = list(open_unlabelled(tmp_path / name).read())
    images = np.concatenate([np.asarray(part.pictures) for part in found])
    np.testing.assert_array_equal(images, IMAGES)
    assert found[0].names[0] == first
    assert all(len(part.names) == len(part.places) == len(part.pictures) for part in found)
    assert all(part.labels is None for part in found)


def test_labels_beside_images_in_an_archive_are_no_pictures(tmp_path: Path) -> None:
    column, one_hot = np.zeros((len(IMAGES), 1), np.uint8), np.eye(9, dtype=np.uint8)[: len(IMAGES)]
    np.savez(tmp_path / "x.npz", train_images=IMAGES, train_labels=column, y_test=one_hot)
    found = list(open_unlabelled(tmp_path / "x.npz").read())
    assert [name for part in found for name in part.names] == [
        f"{number}" for number in range(len(IMAGES))
    ]
    np.testing.assert_array_equal(np.concatenate([part.pictures for part in found]), IMAGES)


def test_a_table_names_its_pictures_and_may_say_what_they_are(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS).add_prefix("pixel")
    frame.insert(0, "ImageId", np.arange(101, 113))
    frame.to_csv(tmp_path / "test.csv", index=False)
    (part,) = open_unlabelled(tmp_path / "test.csv").read()
    assert part.names[:2] == ["101", "102"]
    frame["label"] = LABELS
    frame.to_csv(tmp_path / "test.csv", index=False)
    (part,) = open_unlabelled(tmp_path / "test.csv").read()
    np.testing.assert_array_equal(part.pictures, IMAGES)
    assert part.labels == LABELS.tolist()
    write_pictures(tmp_path / "images", IMAGES, ["all"] * 12)
    pd.DataFrame({"file": [f"all/{number}.png" for number in range(12)]}).to_csv(
        tmp_path / "list.csv"
    )
    (part,) = open_unlabelled(tmp_path / "list.csv").read()
    assert part.names[3] == "all/3.png"
    np.testing.assert_array_equal(np.asarray(Image.open(part.pictures[3])), IMAGES[3])


def test_a_folder_with_labels_is_read_too(tmp_path: Path) -> None:
    write_pictures(tmp_path / "x", IMAGES, [str(label) for label in LABELS])
    parts = list(open_unlabelled(tmp_path / "x").read())
    assert sum(len(part.names) for part in parts) == 12
    assert parts[0].names[0].endswith("0.png")


def test_kaggles_test_table_beside_the_training_table_is_passed_over(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS).add_prefix("pixel")
    frame.to_csv(tmp_path / "test.csv", index=False)
    frame.insert(0, "label", LABELS)
    frame.to_csv(tmp_path / "train.csv", index=False)
    pd.DataFrame({"ImageId": range(1, 13), "Label": 0}).to_csv(
        tmp_path / "sample_submission.csv", index=False
    )
    dataset = load(tmp_path)
    assert len(dataset.train) == 12
    assert dataset.test is None
    assert dataset.origin is not None
    assert dataset.origin.notes == (
        f"Passed over: `test.csv`, without labels; `lenet predict {tmp_path / 'test.csv'}` "
        "answers it.",
        "Passed over: `sample_submission.csv`.",
    )


def test_what_holds_no_pictures_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", LABELS)
    write_idx(tmp_path / "labels", LABELS.astype(np.uint8))
    for name in ("y.npy", "labels", "gone.csv"):
        with pytest.raises(DataFileError, match=name):
            open_unlabelled(tmp_path / name)
