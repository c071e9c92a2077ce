"""How a digits model does on pictures as people take them, with and without the preparation.

    python benchmarks/own_pictures.py [--model digits] [--images 10000]

Makes pictures from MNIST's test digits, seeded: inverted, moved, of other sizes, unevenly lit, thin
and thick, on coloured ground, photographed on grid paper, and several of these at once; beside bars
and tables, in circles and borders, on lines, notes and displays, faint and in glare. Prints the
accuracy of the model on each as the picture is (shrunk to 28×28) and as `lenet.pictures.prepare`
makes it.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from picture_kinds import KINDS, LABELLED, ON_PAPER, as_bytes, photographed, unevenly_lit
from PIL import Image

import lenet
from lenet.datasets import Split
from lenet.pictures import Pixels, Preparation, prepare
from lenet.serving import Prediction, TrainedModel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="digits", help="a model for digits")
    parser.add_argument("--images", type=int, default=10_000, help="how many of the test digits")
    parser.add_argument("--sheet", type=Path, help="a PNG with examples of each kind")
    parser.add_argument("--only", help="kinds whose names hold this")
    parser.add_argument("--photos", type=Path, help="write example photos into this folder instead")
    arguments = parser.parse_args()
    if arguments.photos:
        write_photos(arguments.photos)
        return
    model = lenet.open_model(arguments.model)
    test = lenet.load_dataset("mnist").require_test().take(np.arange(arguments.images))
    rows = []
    for name, pictures in pictures_of(test, arguments.only):
        plain = Preparation.plain(model.card.input_shape)
        accuracies = []
        for preparation in (plain, model.card.preparation):
            images = np.stack([prepare(picture, preparation) for picture in pictures])
            given = model.card.decide(model.logits(images)).likeliest
            accuracies.append(float((given == test.labels).mean()))
        print(f"{name:<42} {accuracies[0]:8.4f} {accuracies[1]:8.4f}", flush=True)
        rows.append(example_row(pictures[:12], model.card.preparation))
    if not arguments.only:
        print_doubts(model, test)
    if arguments.sheet:
        Image.fromarray(np.vstack(rows)).save(arguments.sheet)


def pictures_of(test: Split, only: str | None) -> Iterator[tuple[str, list[Pixels]]]:
    """The pictures of each kind, or of those whose names hold something."""
    inks, labels = list(test.images[:, 0] / 255), test.labels.tolist()
    drawn = [(name, draw, inks) for name, draw in (KINDS | ON_PAPER).items()]
    for name, draw, given in [*drawn, *((name, draw, labels) for name, draw in LABELLED.items())]:
        if not only or only in name:
            yield (
                name,
                [draw(one, np.random.default_rng([index, 0])) for index, one in enumerate(given)],
            )


def print_doubts(model: TrainedModel, test: Split) -> None:
    """Print which share of pictures gets an answer, of digits and of what is no digit."""
    garments = lenet.load_dataset("fashion-mnist").require_test().images[: len(test), 0]
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (200, 60, 60), dtype=np.uint8)
    paper = as_bytes(random.normal(200, 4, (200, 60, 60)))
    answers = lenet.predict(model, list(test.images[:, 0]))
    rightly = [
        answer
        for answer, label in zip(answers, test.labels, strict=True)
        if answer.top[0][0] == model.card.class_names[label]
    ]
    print(f"{'answered: test digits, of those it knows':<42} {share_answered(rightly):17.4f}")
    for name, pictures in {"garments": garments, "noise": noise, "empty paper": paper}.items():
        answered = share_answered(lenet.predict(model, list(pictures)))
        print(f"{f'answered: {name}':<42} {answered:17.4f}")


def share_answered(answers: list[Prediction]) -> float:
    """The share of answers that are not "none of these"."""
    return float(np.mean([answer.class_name is not None for answer in answers]))


def write_photos(folder: Path) -> None:
    """The photos of docs/images/photos: single digits, and a page of them."""
    test = lenet.load_dataset("mnist").require_test()
    digits = test.images[:, 0] / 255
    for number, index in enumerate((0, 1, 4, 18, 61)):
        picture = photographed(digits[index], np.random.default_rng(number))
        Image.fromarray(picture).save(folder / f"{'abcde'[number]}.jpg", quality=80)
    random = np.random.default_rng(9)
    page = np.zeros((260, 420))
    for place, index in enumerate(range(7, 15)):
        row, column = divmod(place, 4)
        image = Image.fromarray(digits[index].astype(np.float32)).resize((84, 84))
        top, left = (
            25 + 115 * row + random.integers(0, 12),
            20 + 98 * column + random.integers(0, 9),
        )
        page[top : top + 84, left : left + 84] = np.asarray(image) > 0.4
    Image.fromarray(unevenly_lit(page, random)).save(folder / "page.jpg", quality=80)


def example_row(pictures: list[Pixels], preparation: Preparation) -> Pixels:
    """Pictures above what the network sees of them."""
    columns = []
    for picture in pictures:
        seen = prepare(picture, preparation)[0]
        colour = Image.fromarray(picture).convert("RGB").resize((84, 84))
        grey = Image.fromarray(seen).convert("RGB").resize((84, 84), Image.Resampling.NEAREST)
        columns.append(np.vstack([np.asarray(colour), np.asarray(grey)]))
    return np.hstack(columns)


if __name__ == "__main__":
    main()
