"""What a model answers to drawn digits, and to what is none of its classes.

    python benchmarks/drawn_pictures.py [--model digits] [--part held-out] [--count 1000] [--seed 0]
    python benchmarks/drawn_pictures.py --part learn --sheet docs/images/drawn-learn.png

Draws so many pictures of each kind (`lenet.datasets.draw_digits`, `draw_strangers`), gives them to
`lenet.predict` as a person would, and prints how many were answered rightly, refused and answered
wrongly; of strangers, how many were refused and answered. To a model for garments, `fashion`, all
digits are strangers. Test images, noise and empty paper are there, too. With `--sheet` it draws
some of each kind into a PNG file instead.
"""

import argparse
from collections.abc import Iterable, Mapping
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
from lenet.pictures import Pixels
from lenet.serving import TrainedModel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="digits", help="for digits, or for garments")
    parser.add_argument("--part", default="held-out", choices=["learn", "held-out"])
    parser.add_argument("--count", type=int, default=1000, help="pictures of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheet", type=Path, help="draw some of each kind into this file instead")
    arguments = parser.parse_args()
    if arguments.sheet:
        draw_sheet(arguments.part, arguments.seed).save(arguments.sheet, optimize=True)
        return
    model = lenet.open_model(arguments.model)
    known, unknown = of_its_classes_and_others(
        model, arguments.part, arguments.count, arguments.seed
    )
    print_known(model, known)
    for kind, reason in undrawable_kinds(arguments.part).items():
        print(f"{kind:<16}{reason}")
    print(f"\n{'strangers':<16}{'n':>7}{'refused':>9}{'answered':>9}")
    drawn = set(drawable_strangers(arguments.part))
    shares = [
        print_refused(model, kind, unknown.pop(kind)) for kind in list(unknown) if kind in drawn
    ]
    print(f"{'mean':<16}{'':>7}{np.mean(shares):>9.4f}{1 - np.mean(shares):>9.4f}")
    for kind, pictures in unknown.items():
        print_refused(model, kind, pictures)


def of_its_classes_and_others(
    model: TrainedModel, part: DrawnPart, count: int, seed: int
) -> tuple[dict[str, Split], dict[str, Pixels]]:
    """Pictures of a model's classes, by kind, and of none of them; drawn strangers come first.

    A model for the ten digits knows drawn ones and MNIST's, any other Fashion-MNIST's garments.
    """
    asked = {"part": part, "preparation": None}
    digits = {
        kind: draw_digits(count, seed, kinds=(kind,), **asked) for kind in drawable_digits(part)
    }
    mnist = lenet.load_dataset("mnist")
    garments = lenet.load_dataset("fashion-mnist").require_test()
    strangers = {
        kind: draw_strangers(count, seed, kinds=(kind,), **asked).images[:, 0]
        for kind in drawable_strangers(part)
    }
    random = np.random.default_rng(seed)
    empty = {
        "noise": random.integers(0, 256, (count, 60, 60), np.uint8),
        "empty paper": random.normal(200, 4, (count, 60, 60)).clip(0, 255).astype(np.uint8),
    }
    if model.card.classes == mnist.class_names:
        others = {"garments": garments.images[:, 0]}
        return {"test digits": mnist.require_test()} | digits, strangers | others | empty
    others = {kind: split.images[:, 0] for kind, split in digits.items()}
    others["MNIST's digits"] = mnist.require_test().images[:, 0]
    return {"test garments": garments}, strangers | others | empty


def print_known(model: TrainedModel, kinds: Mapping[str, Split]) -> None:
    """Print how pictures of the model's classes are answered."""
    print(f"{'of its classes':<16}{'n':>7}{'right':>9}{'refused':>9}{'wrong':>9}")
    for kind, split in kinds.items():
        answers = answer(model, split.images[:, 0])
        labels = [model.card.classes[label] for label in split.labels]
        right = share(given == label for given, label in zip(answers, labels, strict=True))
        refused = share(given is None for given in answers)
        wrong = 1 - right - refused
        print(f"{kind:<16}{len(split):>7,}{right:>9.4f}{refused:>9.4f}{wrong:>9.4f}", flush=True)


def print_refused(model: TrainedModel, kind: str, pictures: Pixels) -> float:
    """Print and give the share of pictures that get no answer."""
    refused = share(given is None for given in answer(model, pictures))
    print(f"{kind:<16}{len(pictures):>7,}{refused:>9.4f}{1 - refused:>9.4f}", flush=True)
    return refused


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


def answer(model: TrainedModel, pictures: Pixels) -> list[str | None]:
    """The class of each picture, or `None` where there is no answer."""
    return [one.class_name for one in lenet.predict(model, list(pictures))]


def share(values: Iterable[bool]) -> float:
    return float(np.mean(list(values)))


if __name__ == "__main__":
    main()
