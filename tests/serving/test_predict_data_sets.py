"""What `--data` reads is answered, picture by picture, as the arrays in it are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import lenet
from drawn_digits import photo
from lenet.datasets import PackWriter
from lenet.errors import ArrayError, LenetError
from lenet.serving import TrainedModel, open_model, predict_each

LABELS = [3, 1, 4, 1, 5]
IMAGES = np.stack([np.asarray(Image.fromarray(photo(label)).resize((40, 40))) for label in LABELS])
ROWS = IMAGES.reshape(len(IMAGES), -1)


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return open_model("digits")


def write_idx(path: Path, values: np.ndarray) -> None:
    """An IDX file of bytes."""
    head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    path.write_bytes(head + values.astype(np.uint8).tobytes())


def idx_folder(path: Path) -> None:
    path.mkdir()
    write_idx(path / "images", IMAGES)
    write_idx(path / "labels", np.array(LABELS))


def class_folders(path: Path) -> None:
    for number, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
        inner = path / f"{number}-{label}"
        inner.mkdir(parents=True)
        Image.fromarray(image).save(inner / "picture.png")


def flat_folder(path: Path) -> None:
    path.mkdir()
    for number, image in enumerate(IMAGES):
        Image.fromarray(image).save(path / f"{number}.png")


def packed(path: Path) -> None:
    with PackWriter(path, [str(label) for label in range(10)]) as writer:
        writer.write(IMAGES, LABELS)


FORMS: dict[str, Callable[[Path], object]] = {
    "test.csv": lambda path: pd.DataFrame(ROWS).add_prefix("p").to_csv(path, index=False),
    "bare.csv": lambda path: np.savetxt(path, ROWS, "%d", delimiter=","),
    "shares.csv": lambda path: pd.DataFrame(ROWS / 255).add_prefix("p").to_csv(path, index=False),
    "labelled.csv": lambda path: (
        pd.DataFrame(ROWS).add_prefix("p").assign(label=LABELS).to_csv(path, index=False)
    ),
    "test.npz": lambda path: np.savez(path, x_test=IMAGES),
    "both.npz": lambda path: np.savez(path, images=IMAGES, labels=LABELS),
    "X.npy": lambda path: np.save(path, IMAGES[:, None]),
    "shares.npy": lambda path: np.save(path, IMAGES / 255),
    "t10k-images-idx3-ubyte": lambda path: write_idx(path, IMAGES),
    "test.parquet": lambda path: pd.DataFrame(ROWS).add_prefix("p").to_parquet(path),
    "idx": idx_folder,
    "classes": class_folders,
    "flat": flat_folder,
    "packed": packed,
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gets_the_answers_of_its_pictures(
    model: TrainedModel, name: str, tmp_path: Path
) -> None:
    FORMS[name](tmp_path / name)
    expected = lenet.predict(model, IMAGES)
    answers = lenet.predict(model, tmp_path / name)
    assert [one.class_name for one in answers] == [one.class_name for one in expected]
    for one, other in zip(answers, expected, strict=True):
        if "shares" not in name:
            np.testing.assert_array_equal(one.seen.image, other.seen.image)
    is_of_files = name in ("classes", "flat")
    assert all((one.row is None) is is_of_files for one in answers)
    assert len({(one.source, one.row) for one in answers}) == len(answers)


def test_a_dark_row_is_on_the_scale_of_its_table(tmp_path: Path) -> None:
    values = np.zeros((2, 28, 28))
    values[0, 5:20, 10:20], values[1, 5:20, 10:20] = 250, 0.9
    np.save(tmp_path / "x.npy", values)
    light, dark = lenet.predict("fashion", tmp_path / "x.npy", threshold=0)
    assert (light.doubt, dark.doubt) == (None, "blank")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((IMAGES > 100).astype(np.uint8), "holds 0 and 1 alone, .* `--white 1`"),
        (IMAGES.astype(np.uint16) * 16, "If 4095 is white, say so: `--white 4095`"),
        ((IMAGES / 255 - 0.5) / 0.5, "Pixels are expected, not normalised"),
    ],
)
def test_another_scale_is_refused_until_it_is_said(
    model: TrainedModel, values: np.ndarray, message: str, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", values)
    told: list[LenetError] = []
    assert not list(predict_each([tmp_path / "x.npy"], model, on_error=told.append))
    assert len(told) == 1
    with pytest.raises(ArrayError, match=message):
        lenet.predict(model, tmp_path / "x.npy")
    scale = {"u": (0.0, 4095.0 if values.max() > 1 else 1.0), "f": (-1.0, 1.0)}[values.dtype.kind]
    answers = lenet.predict(model, tmp_path / "x.npy", pixel_range=scale)
    assert [one.top[0][0] for one in answers] == [str(label) for label in LABELS]
