"""The `lenet predict` command."""

import csv
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lenet.cli._command import Given, command, parse_white
from lenet.cli._console import print_error, print_json, print_line, print_notice, save_figure
from lenet.core import Settings, escape_name, option
from lenet.errors import DatasetError, PictureError, SettingError

if TYPE_CHECKING:
    from lenet.serving import Prediction

_MOST_DRAWN = 64  # answers in a picture
_BAR_FROM = 50  # pictures
_NONE = "none of these"
_SEVERAL = 3  # pieces that do not hang together: no digit and hardly a letter has so many


@dataclass(frozen=True)
class _Question(Settings):
    """What is looked at, and how the answer is told.

    Attributes:
        names: Files, folders, patterns, URLs, or `-` for standard input; before them, if you like,
            a run's folder or name, `latest`, a model file, `digits` or `fashion`.
        model: The model, if it does not stand before the pictures.
        top: How many classes to give.
        threshold: The least probability of an answer; below it is none of the classes.
        many: Cut pictures into symbols and read one by one.
        white: Which value of pictures of more than 8 bits is white where 0 is black, or both.
        show: Draw in the terminal what the network saw.
        picture: A PNG file that is made: each picture beside what the network saw.
        json: Print a JSON object a line.
        csv: Print CSV.
        runs_folder: Where names of runs are looked for.
    """

    names: tuple[str, ...] = option(argument=True, metavar="[RUN|MODEL] PICTURE…")
    model: str | None = option(None, usual="digits")
    top: int = 3
    threshold: float | None = option(None, usual="as measured on the model's validation images")
    many: bool = False
    white: str | None = option(None, metavar="N|N,N", usual="as the network was taught")
    show: bool = False
    picture: Path | None = None
    json: bool = False
    csv: bool = False
    runs_folder: Path = Path("runs")


@command(_Question)
def predict(given: Given) -> None:
    """Say what pictures show: photos, scans, drawings.

    Each picture is brought into the form that the network was taught on: for `digits` the ink is
    found on its ground, whatever their colours are, and fitted into 28×28 as in MNIST. `--show` and
    `--picture` let you see it.

    A picture that can't be read is named, and the others are answered all the same.
    """
    from lenet.serving import find_pictures, image_text, is_model, open_model, predict_each

    asked = given.of(_Question)
    if asked.json + asked.csv + asked.show > 1:
        message = "Of `--json`, `--csv` and `--show` only one can be had."
        raise SettingError(message)
    model, names = asked.model, list(asked.names)
    if model is None and is_model(names[0], asked.runs_folder):
        model, *names = names
    if not names:
        message = f"Say which pictures `{model}` should look at: `lenet predict {model} photo.png`."
        raise SettingError(message)
    scale = parse_white(asked.white) if asked.white else None
    opened = open_model(model or "digits", runs_folder=asked.runs_folder)
    sources = list(find_pictures(names))
    errors: list[DatasetError] = []

    def note(error: DatasetError) -> None:
        errors.append(error)
        print_error(str(error))

    answers = predict_each(
        _with_progress(sources),
        opened,
        top=asked.top,
        threshold=asked.threshold,
        many=asked.many,
        pixel_range=scale,
        on_error=note if len(sources) > 1 else None,
    )
    if asked.json:
        answers = _print_json(answers)
    elif asked.csv:
        answers = _print_csv(answers)
    else:
        answers = _print_table(answers, sources, opened.card.class_names)
    drawn: list[Prediction] = []
    answered: set[str] = set()
    for answer in answers:
        answered.add(answer.source)
        if asked.show:
            picture = image_text(answer.seen.image, colour=sys.stdout.isatty())
            sys.stdout.write(f"{picture}\n")  # its control characters are its colours
        if asked.picture is not None and len(drawn) < _MOST_DRAWN:
            drawn.append(answer)
    if asked.picture is not None and drawn:
        _save_picture(drawn, sources, asked.picture, scale or opened.card.preparation.pixel_range)
    for source in map(_name_of, sources if asked.many else ()):
        if source not in answered and not any(source in str(error) for error in errors):
            print_notice(f"{escape_name(source)}: nothing to be seen")
    if errors:
        message = f"{len(errors)} of {len(sources)} pictures can't be read."
        raise PictureError(message)


def _name_of(source: "str | BinaryIO") -> str:
    return str(getattr(source, "name", source))


def _with_progress(sources: "list[str | BinaryIO]") -> "Iterator[str | BinaryIO]":
    """The sources, with a bar on stderr where there are many and it does not disturb a table."""
    if len(sources) < _BAR_FROM or not sys.stderr.isatty() or sys.stdout.isatty():
        yield from sources
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(sources, "Reading pictures", console=Console(stderr=True), transient=True)


def _print_json(answers: "Iterable[Prediction]") -> "Iterator[Prediction]":
    for answer in answers:
        values = {
            "source": answer.source,
            "class_name": answer.class_name,
            "probability": answer.probability,
            "doubt": answer.doubt,
            "top": [{"class_name": name, "probability": share} for name, share in answer.top],
            "box": dict(zip(("top", "left", "bottom", "right"), answer.seen.box, strict=True)),
        }
        print_json(values, ensure_ascii=False, indent=None)
        yield answer


def _print_csv(answers: "Iterable[Prediction]") -> "Iterator[Prediction]":
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["source", "class_name", "probability", "doubt", "likeliest", "box"])
    for answer in answers:
        box = " ".join(f"{edge:.4f}" for edge in answer.seen.box)
        names = answer.source, answer.class_name or "", answer.top[0][0] if answer.top else ""
        source, given, likeliest = map(escape_name, names)
        probability = f"{answer.probability:.6f}"
        writer.writerow([source, given, probability, answer.doubt or "", likeliest, box])
        yield answer


def _print_table(
    answers: "Iterable[Prediction]", sources: "list[str | BinaryIO]", class_names: tuple[str, ...]
) -> "Iterator[Prediction]":
    """A line for each answer as soon as it is there."""
    first = max(len(escape_name(_name_of(source))) for source in sources)
    second = max(len(_NONE), *(len(escape_name(name)) for name in class_names))
    for answer in answers:
        source, given = escape_name(answer.source), escape_name(answer.class_name or _NONE)
        if answer.doubt == "blank":
            rest = "nothing to be seen"
        else:
            rest = ", ".join(f"{escape_name(name)} {share:.1%}" for name, share in answer.top)
        if answer.doubt == "unsure" and answer.seen.parts >= _SEVERAL:
            rest += "; several symbols? `--many` reads them one by one"
        print_line(f"{source:<{first}}  {given:<{second}}  {rest}")
        yield answer


def _save_picture(
    answers: "list[Prediction]",
    sources: "list[str | BinaryIO]",
    path: Path,
    pixel_range: tuple[float, ...],
) -> None:
    from lenet.pictures import read_picture
    from lenet.serving import draw_predictions

    by_name = {_name_of(source): source for source in sources}
    pictures = {}
    for name in {answer.source for answer in answers}:
        source = by_name[name]
        if not isinstance(source, str):
            source.seek(0)
        pictures[name] = read_picture(source, pixel_range=pixel_range)
    figure = draw_predictions(answers, [pictures[answer.source] for answer in answers])
    save_figure(figure, path, dpi=90)
    print_notice(f"Drawn in {path}")
