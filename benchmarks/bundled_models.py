"""The models that come with the package: digits of the world's hands, and Fashion-MNIST.

    python benchmarks/bundled_models.py [digits] [fashion]

Trains networks of LeNet's size with seed 0 on MNIST or Fashion-MNIST, with drawings beside them,
and puts the model files into the package. They say themselves what they reached. Printed digits are
drawn from the fonts that are installed: see docs/guides/drawn-digits.md.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import lenet
from lenet.core import NONE_CLASS
from lenet.datasets import Dataset, Split, draw_beside
from lenet.models import BUNDLED
from lenet.pictures import Pixels, prepare

_RUNS = Path("runs/bundled")
_GARMENTS = 5000  # strangers to digits
_REPEATED = 5  # times that each of the bundled digits is there


def digits() -> tuple[Dataset, str]:
    """MNIST, drawn and bundled digits, and strangers, garments among them; with the preset."""
    mnist = draw_beside(lenet.load_dataset("mnist"), 100_000, strangers=80_000)
    garments = lenet.load_dataset("fashion-mnist").train.images[:_GARMENTS, 0]
    taught, small = with_strangers(mnist, garments), lenet.load_dataset("digits").train
    # Coarse as they are, they are read wrongly where only prepared pictures were learnt.
    return replace(taught, train=taught.train.joined(*[small] * _REPEATED)), "hands"


def fashion() -> tuple[Dataset, str]:
    """Fashion-MNIST, and strangers, drawn digits among them; with the preset."""
    return draw_beside(lenet.load_dataset("fashion-mnist"), 5000, strangers=15_000), "modern"


# Nearly all digits are read rightly at any threshold, and one that promises more keeps more letters
# out. Of a hundred garments seven are taken for others, and for 99 % a quarter would get no answer.
_ANSWERED_RIGHT = {"digits": 0.997, "fashion": 0.95}


def with_strangers(dataset: Dataset, pictures: Pixels) -> Dataset:
    """A dataset with more pictures, uint8 (N, H, W), in its class `_none`."""
    preparation = dataset.preparation
    assert preparation is not None
    images = np.stack([prepare(picture, preparation) for picture in pictures])
    none = np.full(len(images), dataset.class_names.index(NONE_CLASS))
    return replace(dataset, train=dataset.train.joined(Split(images, none)))


MAKERS: dict[str, Callable[[], tuple[Dataset, str]]] = {"digits": digits, "fashion": fashion}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(MAKERS), help="digits, fashion, or both")
    for name in parser.parse_args().names:
        dataset, preset = MAKERS[name]()
        run = lenet.train(
            dataset=dataset,
            preset=preset,
            answered_right=_ANSWERED_RIGHT[name],
            seed=0,
            reuse=True,
            runs_folder=_RUNS,
        )
        path = BUNDLED[name]
        path.write_bytes(run.model_path.read_bytes())
        _, card = lenet.load_model(path)
        accuracy = card.results["test_accuracy"]
        size = path.stat().st_size
        print(f"{name:<8} test acc {accuracy:.4f}  {size:,} bytes  {card.calibration}")


if __name__ == "__main__":
    main()
