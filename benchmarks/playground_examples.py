"""The test images of Fashion-MNIST that come with the playground.

    python benchmarks/playground_examples.py

Draws two of each class with seed 0 and puts their sheet into the package.
"""

from lenet.datasets import load_dataset
from lenet.playground import choose_examples
from lenet.playground._examples import FASHION_SHEET
from lenet.playground._packing import sheet_png


def main() -> None:
    examples = choose_examples(load_dataset("fashion-mnist").require_test())
    FASHION_SHEET.write_bytes(sheet_png(examples.images))
    print(f"{FASHION_SHEET}  {FASHION_SHEET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
