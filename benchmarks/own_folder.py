"""How long a folder of 10,000 pictures takes to load, the first time and from the cache.

    python benchmarks/own_folder.py [--pictures 10000]

Half of the pictures are PNG files of 28×28, half are JPEG files of 256×256 in colour, both made
from MNIST's training digits in a temporary folder.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import lenet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=10_000)
    count: int = parser.parse_args().pictures
    digits = lenet.load_dataset("mnist").train
    with tempfile.TemporaryDirectory() as place:
        os.environ["LENET_CACHE"] = f"{place}/cache"
        folder = Path(place) / "pictures"
        for index in range(count):
            write_picture(folder, index, digits.images[index, 0], int(digits.labels[index]))
        for name in ("first time", "from the cache"):
            started = time.perf_counter()
            data = lenet.load_dataset(str(folder))
            seconds = time.perf_counter() - started
            images = sum(len(split) for split in data.splits.values())
            print(f"{name:<15} {seconds:6.2f} s  {images:,} images")


def write_picture(folder: Path, index: int, pixels: np.ndarray, label: int) -> None:
    place = folder / str(label)
    place.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    if index % 2:
        image.resize((256, 256)).convert("RGB").save(place / f"{index}.jpg")
    else:
        image.save(place / f"{index}.png")


if __name__ == "__main__":
    main()
