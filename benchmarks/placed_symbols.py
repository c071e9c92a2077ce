"""What `--prepare symbol` gains where drawn symbols lie in different places and sizes.

MNIST's digits are put into frames of 40×40, moved by up to so many pixels and made larger or
smaller by up to a factor; the first 300 or 3,000 training images are learnt as `plain` and as
`symbol` prepares them, and the first 2,000 test images scored. `lenet data info` has its bounds
from here.

    python benchmarks/placed_symbols.py
"""

import tempfile

import numpy as np
import numpy.typing as npt
from PIL import Image

import lenet
from lenet.datasets import Dataset, Split, examine_dataset
from lenet.pictures import Preparation, prepare

SIDE, DIGIT = 40, 28
SCORED = 2000
SEEDS = (0, 1)
PLACED = ((0, 1), (2, 1), (4, 1), (6, 1), (0, 1.25), (0, 1.5), (4, 1.25), (6, 1.5))
Images = npt.NDArray[np.uint8]


def place(images: Images, moved: int, factor: float, random: np.random.Generator) -> Images:
    """Digits (N, 28, 28) in frames (N, 40, 40)."""
    placed = np.zeros((len(images), SIDE, SIDE), np.uint8)
    for frame, image in zip(placed, images, strict=True):
        side = min(SIDE, max(8, round(DIGIT * factor ** random.uniform(-1, 1))))
        resized = Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR)
        middle = (SIDE - side) / 2
        top, left = (
            int(np.clip(round(middle + random.uniform(-moved, moved)), 0, SIDE - side))
            for _ in range(2)
        )
        frame[top : top + side, left : left + side] = np.asarray(resized)
    return placed


def as_dataset(
    train: Images, test: Images, labels: tuple[npt.NDArray[np.int64], ...], way: Preparation
) -> Dataset:
    """The images as a network gets them."""
    parts = [
        Split(np.stack([prepare(image, way) for image in images]), known)
        for images, known in zip((train, test), labels, strict=True)
    ]
    return Dataset("placed", tuple("0123456789"), *parts)


def accuracy(data: Dataset, seed: int) -> float:
    few = len(data.train) < 1000
    settings = {"batch_size": 16, "epochs": 30} if few else {"batch_size": 32, "epochs": 12}
    with tempfile.TemporaryDirectory() as folder:
        run = lenet.train(
            dataset=data,
            preset="modern",
            seed=seed,
            threads=1,
            validation=0.0,
            runs_folder=folder,
            listeners=[],
            **settings,
        )
        assert run.result.test_accuracy is not None
        return run.result.test_accuracy


def main() -> None:
    mnist = lenet.load_dataset("mnist")
    test = mnist.require_test()
    random = np.random.default_rng(0)
    for count in (300, 3000):
        labels = mnist.train.labels[:count], test.labels[:SCORED]
        for moved, factor in PLACED:
            train, scored = (
                place(images[:, 0], moved, factor, random)
                for images in (mnist.train.images[:count], test.images[:SCORED])
            )
            whole = Dataset("whole", mnist.class_names, Split(train[:, None], labels[0]))
            findings = examine_dataset(whole)
            cells = [f"{count:,}", f"±{moved}", f"×{factor}"]
            cells += [f"{findings.symbol_places:.0%}", f"{findings.symbol_sizes:.2f}"]
            for way in (Preparation(), Preparation("symbol", "light-on-dark", margin=4)):
                data = as_dataset(train, scored, labels, way)
                cells.append(f"{np.mean([accuracy(data, seed) for seed in SEEDS]):.3f}")
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
