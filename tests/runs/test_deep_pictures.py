"""What a network learns from 16 bits it is asked about on the same scale, whoever asks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lenet
from lenet.datasets import Dataset, DataSource
from lenet.errors import DatasetError, PictureError
from lenet.results import answer, make_subject
from lenet.runs import Run, load_data_of


@pytest.fixture(scope="module")
def deep(few_digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """128 pictures of 12 bits, none as bright as the next."""
    folder = tmp_path_factory.mktemp("pictures") / "deep"
    for number, (image, label) in enumerate(
        zip(few_digits.train.images[:, 0], few_digits.train.labels, strict=True)
    ):
        path = folder / str(label) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.rint(image / 255 * (500 + 27 * number)).astype(np.uint16)
        Image.fromarray(values).save(path)
    return folder


@pytest.fixture(scope="module")
def run(deep: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return lenet.train(
        dataset=deep, epochs=1, runs_folder=tmp_path_factory.mktemp("runs"), listeners=[]
    )


def values_of(path: Path) -> np.ndarray:
    """What a file holds, by Pillow."""
    with Image.open(path) as image:
        return np.array(image)


def test_whoever_asks_sees_what_the_training_saw(run: Run, deep: Path) -> None:
    model = lenet.open_model(run)
    assert model.card.preparation.pixel_range == (0, 4095)
    path = next((deep / "3").iterdir())
    values = values_of(path)
    expected = np.rint(values * (255 / 4095))
    sources = [path, path.read_bytes(), values, Image.fromarray(values)]
    answers = lenet.predict(model, sources)
    images = [one.seen.image for one in answers] + [make_subject(str(path), model.card).image]
    for image in images:
        np.testing.assert_array_equal(image[0], expected)
    learnt = load_data_of(run)
    taught = np.concatenate([learnt.train.images, learnt.require_test().images])
    assert (taught == images[0]).all(axis=(1, 2, 3)).any()


def seen_by_predict(
    run: Run, folder: Path, pixel_range: tuple[float, float] | None = None
) -> list[bytes]:
    """The images that `lenet.predict` makes of a folder's pictures, in the order of their bytes."""
    answers = lenet.predict(run, sorted(folder.glob("*/*.png")), pixel_range=pixel_range)
    return sorted(answer.seen.image.tobytes() for answer in answers)


def seen_by_evaluate(run: Run, folder: Path | DataSource) -> list[bytes]:
    """Those that they are scored on."""
    return sorted(image.tobytes() for image in answer(run, folder).examples.images)


def test_a_score_on_other_pictures_is_on_the_scale_of_the_network(
    run: Run, deep: Path, tmp_path: Path
) -> None:
    for path in deep.glob("*/*.png"):
        dark = tmp_path / "dark" / path.parent.name / path.name
        dark.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values_of(path) // 16).save(dark)
    images = seen_by_evaluate(run, tmp_path / "dark")
    assert max(map(max, images)) == 15
    assert images == seen_by_predict(run, tmp_path / "dark")
    alone = lenet.load_dataset(tmp_path / "dark")  # which takes the dark set for all there is
    assert alone.train.images.max() > 200


def test_a_run_of_8_bits_takes_16_bits_by_their_full_scale(few_digits: Dataset, deep: Path) -> None:
    run = lenet.train(dataset=few_digits, epochs=1, batch_size=64, listeners=[])
    assert lenet.open_model(run).card.preparation.pixel_range == ()
    with pytest.raises(DatasetError, match=r"If 1023 is white, say so: `--white 1023`"):
        seen_by_evaluate(run, deep)
    images = seen_by_evaluate(run, DataSource(str(deep), pixel_range=(0, 65535)))
    assert max(map(max, images)) == round(3929 / 257)
    assert images == seen_by_predict(run, deep, (0, 65535))


def test_pictures_in_another_unit_are_refused(run: Run, deep: Path, tmp_path: Path) -> None:
    values = values_of(next(deep.glob("*/*.png")))
    shares = (values / 4095).astype(np.float32)
    Image.fromarray(shares).save(tmp_path / "share.tif")
    with pytest.raises(PictureError, match=r"share\.tif` holds .*taught on values from 0 to 4095"):
        lenet.predict(run, tmp_path / "share.tif")
    for label in ("3", "5"):
        (tmp_path / "other" / label).mkdir(parents=True)
        Image.fromarray(shares).save(tmp_path / "other" / label / "share.tif")
    with pytest.raises(DatasetError, match="bring them to the same unit"):
        lenet.evaluate(run, DataSource(str(tmp_path / "other")))
