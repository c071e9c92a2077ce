"""What a digits model answers to drawn digits, and to what is none.

    python benchmarks/drawn_pictures.py [--model digits] [--part held-out] [--count 1000] [--seed 0]
    python benchmarks/drawn_pictures.py --part learn --sheet docs/images/drawn-learn.png

Draws so many pictures of each kind (`lenet.datasets.draw_digits`, `draw_strangers`), gives them to
`lenet.predict` as a person would, and prints how many were answered rightly, refused and answered
wrongly; of strangers, how many were refused and answered. With `--sheet` it draws some of each kind
into a PNG file instead.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

import lenet
from lenet.datasets import (
    DrawnPart,
    Split,
    draw_digits,
    draw_strangers,
    drawable_digits,
    drawable_strangers,
    undrawable_kinds,
)
from lenet.serving import TrainedModel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="digits", help="a model for digits")
    parser.add_argument("--part", default="held-out", choices=["learn", "held-out"])
    parser.add_argument("--count", type=int, default=1000, help="pictures of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheet", type=Path, help="draw some of each kind into this file instead")
    arguments = parser.parse_args()
    if arguments.sheet:
        draw_sheet(arguments.part, arguments.seed).save(arguments.sheet, optimize=True)
        return
    model = lenet.open_model(arguments.model)
    asked = {"part": arguments.part, "preparation": None}
    print(f"{'digits':<16}{'n':>7}{'right':>9}{'refused':>9}{'wrong':>9}")
    for kind in drawable_digits(arguments.part):
        drawn = draw_digits(arguments.count, arguments.seed, kinds=(kind,), **asked)
        answers, labels = answer(model, drawn), drawn.labels.astype(str)
        right = share(given == label for given, label in zip(answers, labels, strict=True))
        refused = share(given is None for given in answers)
        wrong = share(
            given not in (None, label) for given, label in zip(answers, labels, strict=True)
        )
        print(f"{kind:<16}{len(drawn):>7,}{right:>9.4f}{refused:>9.4f}{wrong:>9.4f}", flush=True)
    for kind, reason in undrawable_kinds(arguments.part).items():
        print(f"{kind:<16}{reason}")
    print(f"\n{'strangers':<16}{'n':>7}{'refused':>9}{'answered':>9}")
    shares = []
    for kind in drawable_strangers(arguments.part):
        drawn = draw_strangers(arguments.count, arguments.seed, kinds=(kind,), **asked)
        shares.append(share(given is None for given in answer(model, drawn)))
        print(f"{kind:<16}{len(drawn):>7,}{shares[-1]:>9.4f}{1 - shares[-1]:>9.4f}", flush=True)
    print(f"{'mean':<16}{'':>7}{np.mean(shares):>9.4f}{1 - np.mean(shares):>9.4f}")


def draw_sheet(part: DrawnPart, seed: int) -> Image.Image:
    """A row of twenty for each kind, at half size and in sixteen greys."""
    draws = [(draw_digits, drawable_digits(part)), (draw_strangers, drawable_strangers(part))]
    rows = []
    for draw, kinds in draws:
        for kind in kinds:
            images = draw(20, seed, part=part, kinds=(kind,), preparation=None).images[:, 0]
            small = [Image.fromarray(image).reduce(2) for image in images]
            rows.append(np.hstack([np.pad(image, 1, constant_values=128) for image in small]))
    return Image.fromarray(np.vstack(rows)).quantize(16)


def answer(model: TrainedModel, drawn: Split) -> list[str | None]:
    """The class of each picture, or `None` where the model is not sure enough."""
    return [one.class_name for one in lenet.predict(model, list(drawn.images[:, 0]))]


def share(values: Iterable[bool]) -> float:
    return float(np.mean(list(values)))


if __name__ == "__main__":
    main()
