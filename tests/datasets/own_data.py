"""Small images with a class each, and ways to write them that are not ours."""

import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

import lenet
from lenet.datasets import Dataset
from small_dataset import pack_idx

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


def draw(count: int, classes: int = 3, size: int = 28, seed: int = 0) -> tuple[Images, Labels]:
    """Light noise on black, no two alike: uint8 (N, size, size) and labels that go round."""
    random = np.random.default_rng(seed)
    images = np.zeros((count, size, size), np.uint8)
    inner = slice(size // 4, size - size // 4)
    shape = images[:, inner, inner].shape
    images[:, inner, inner] = random.integers(100, 256, shape, dtype=np.uint8)
    return images, np.arange(count) % classes


def write_pictures(folder: Path, images: Images, names: list[str], suffix: str = ".png") -> None:
    """Every image as a picture in the folder of its class, by Pillow."""
    for number, (image, name) in enumerate(zip(images, names, strict=True)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / name / f"{number}{suffix}")


def write_idx(path: Path, array: npt.NDArray[np.uint8]) -> None:
    """An array as an IDX file, packed where the name ends in `.gz`."""
    content = pack_idx(0x08, array.shape, array.tobytes())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def load(path: Path, **options: object) -> Dataset:
    """The dataset in a folder or file, without a test part of our making."""
    return lenet.load_dataset(path, test_share=0.0, **options)  # type: ignore[arg-type]


def assert_holds(split: lenet.Split | None, images: Images, labels: Labels) -> None:
    """A split holds these grey images with these labels, in this order."""
    assert split is not None
    np.testing.assert_array_equal(split.images[:, 0], images)
    np.testing.assert_array_equal(split.labels, labels)


def put(folder: Path, *places: str) -> Path:
    """Two pictures, no two of all alike, in every place."""
    images = iter(draw(2 * len(places))[0])
    for place in places:
        (folder / place).mkdir(parents=True, exist_ok=True)
        for number in range(2):
            Image.fromarray(next(images)).save(folder / place / f"{number}.png")
    return folder


def counts(dataset: lenet.Dataset) -> dict[str, list[int]]:
    """How many images of each class every part has."""
    return {name: np.bincount(split.labels).tolist() for name, split in dataset.splits.items()}


def notes(dataset: lenet.Dataset) -> str:
    """What a person is told of how a folder was read."""
    assert dataset.origin is not None
    return "\n".join(dataset.origin.notes)
