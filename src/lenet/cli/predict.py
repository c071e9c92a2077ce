"""The `lenet predict` command."""

import csv
import io
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lenet.cli._command import Given, command, parse_white
from lenet.cli._console import print_error, print_json, print_line, print_notice, save_figure
from lenet.core import Settings, escape_name, option, write_atomically
from lenet.errors import DatasetError, PictureError, SettingError

if TYPE_CHECKING:
    from lenet.pictures import Pixels
    from lenet.serving import Prediction

_MOST_DRAWN = 64  # answers in a picture
_BAR_FROM = 50  # pictures
_NONE = "none of these"
_COLUMNS = (
    *("source", "class_name", "probability", "doubt", "likeliest", "box", "row"),
    *("threshold", "none_probability", "distance", "reach"),
)
_SEVERAL = "several symbols? `--many` reads them one by one"


@dataclass(frozen=True)
class _Question(Settings):
    """What is looked at, and how the answer is told.

    Attributes:
        names: Files, folders, patterns, URLs, or `-` for standard input; tables, archives and
            datasets, with labels or without; before them, if you like, a run's folder or name,
            `latest`, a model file, `digits` or `fashion`.
        model: The model, if it does not stand before the pictures.
        top: How many classes to give.
        threshold: The least probability of an answer; below it is none of the classes. 0 answers
            all but empty pictures.
        many: Cut pictures into symbols and read one by one.
        white: Which value of pictures of more than 8 bits is white where 0 is black, or both.
        show: Draw in the terminal what the network saw.
        picture: A PNG file that is made: each picture beside what the network saw.
        json: Print a JSON object a line.
        csv: The table of the answers that is written, `answers.csv`; `-` prints it.
        columns: The names of the only two columns of that table: for what a picture is called, or
            for its number, and for its class, as `ImageId,Label`.
        label_column: Which column of a table holds labels, which are left aside.
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
    csv: str | None = option(None, metavar="FILE|-")
    columns: str | None = option(None, metavar="NAME,NAME")
    label_column: str = option("", metavar="NAME|N", usual="found by itself")
    runs_folder: Path = Path("runs")


@command(_Question)
def predict(given: Given) -> None:
    """Say what pictures show: photos, scans, drawings.

    Each picture is brought into the form that the network was taught on: for `digits` the ink is
    found on its ground, whatever their colours are, and fitted into 28×28 as in MNIST. `--show` and
    `--picture` let you see it.

    A picture that can't be read is named, and the others are answered all the same.
    """
    from lenet.datasets import find_pictures, holds_many
    from lenet.serving import image_text, is_model, open_model, predict_each

    asked = given.of(_Question)
    table = _table_of(asked)
    if asked.json + (table is not None) + asked.show > 1:
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
    errors: list[DatasetError] = []

    def note(error: DatasetError) -> None:
        errors.append(error)
        print_error(str(error))

    # The first name may be a mistyped model, and another one must not answer for it.
    is_known = model is not None or Path(names[0]).suffix or Path(names[0]).exists()
    goes_on = len(names) > 1 and is_known
    sources = list(find_pictures(names, on_error=note if goes_on else None))
    tables = {name for name in map(_name_of, sources) if holds_many(name)}
    if asked.csv and os.path.realpath(asked.csv) in map(os.path.realpath, tables):
        message = f"`{asked.csv}` is what is read; name another table for `--csv` to write."
        raise SettingError(message)
    read = map(os.path.realpath, map(_name_of, sources))
    if asked.picture is not None and os.path.realpath(asked.picture) in read:
        message = f"`{asked.picture}` is what is read; name another file for `--picture` to write."
        raise SettingError(message)
    answers = predict_each(
        _with_progress(sources),
        opened,
        top=asked.top,
        threshold=asked.threshold,
        many=asked.many,
        pixel_range=scale,
        label_column=asked.label_column,
        on_error=note if len(sources) + len(errors) > 1 or tables else None,
    )
    if asked.json:
        answers = _print_json(answers)
    elif table is not None:
        answers = table.rows(answers)
    else:
        answers = _print_table(answers, sources, opened.card.classes)
    drawn: list[Prediction] = []
    answered: set[tuple[str, str | None]] = set()
    for answer in answers:
        answered.add((answer.source, answer.row))
        if asked.show:
            picture = image_text(answer.seen.image, colour=sys.stdout.isatty())
            sys.stdout.write(f"{picture}\n")  # its control characters are its colours
        if asked.picture is not None and len(drawn) < _MOST_DRAWN:
            drawn.append(answer)
    if asked.picture is not None and drawn:
        _save_picture(drawn, sources, asked.picture, scale or opened.card.preparation.pixel_range)
    if table is not None and (answered or not errors):
        table.write()
    for source in map(_name_of, sources if asked.many else ()):
        if (
            source not in tables
            and (source, None) not in answered
            and not any(source in str(error) for error in errors)
        ):
            print_notice(f"{escape_name(source)}: nothing to be seen")
    if errors:
        total = len(answered) + len(errors)
        message = f"{len(errors)} of {total:,} pictures can't be read."
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
            "threshold": answer.threshold,
            "none_probability": answer.none_probability,
            "distance": answer.distance,
            "reach": answer.reach,
            "top": [{"class_name": name, "probability": share} for name, share in answer.top],
            "row": answer.row,
            "box": dict(zip(("top", "left", "bottom", "right"), answer.seen.box, strict=True)),
            "several": answer.seen.is_several,
        }
        print_json(values, ensure_ascii=False, indent=None)
        yield answer


class _Table:
    """The answers as CSV, on standard output or in a file that is there once all are known."""

    def __init__(self, path: Path | None, columns: tuple[str, ...]):
        self._path, self._columns = path, columns
        self._file = io.StringIO() if path else sys.stdout
        self._count = self._none = 0

    def rows(self, answers: "Iterable[Prediction]") -> "Iterator[Prediction]":
        """The answers, each of which is written as it comes."""
        writer = csv.writer(self._file, lineterminator="\n")
        writer.writerow(self._columns or _COLUMNS)
        for answer in answers:
            self._count += 1
            self._none += answer.class_name is None
            writer.writerow(self._short(answer) if self._columns else self._whole(answer))
            if answer.seen.is_several:
                print_notice(f"{escape_name(answer.source)}: {_SEVERAL}")
            yield answer

    def _short(self, answer: "Prediction") -> list[str]:
        name = Path(answer.source).name if answer.row is None else answer.row
        return [escape_name(name), escape_name(answer.class_name or "")]

    def _whole(self, answer: "Prediction") -> list[str]:
        box = " ".join(f"{edge:.4f}" for edge in answer.seen.box)
        likeliest = answer.top[0][0] if answer.top else ""
        names = answer.source, answer.class_name or "", likeliest, answer.row or ""
        source, given, likeliest, row = map(escape_name, names)
        numbers = (
            *(answer.probability, answer.threshold, answer.none_probability),
            *(answer.distance, answer.reach),
        )
        probability, *others = (f"{number:.6f}" for number in numbers)
        return [source, given, probability, answer.doubt or "", likeliest, box, row, *others]

    def write(self) -> None:
        """Put the file in its place, and say what it holds."""
        if self._path is None or not isinstance(self._file, io.StringIO):
            return
        write_atomically(self._path, self._file.getvalue().encode(errors="surrogateescape"))
        counts = f"{self._count:,} answers, {self._none:,} of them none of the classes"
        print_line(f"Written to {self._path}: {counts}")
        if self._columns and self._none:
            print_notice("Their cells are empty; `--threshold 0` answers all but empty pictures.")


def _table_of(asked: _Question) -> _Table | None:
    """The table that was asked for."""
    columns = tuple(name.strip() for name in asked.columns.split(",")) if asked.columns else ()
    if asked.columns is not None and (len(columns) != 2 or not all(columns) or asked.csv is None):
        message = (
            f"`--columns` names the two columns of the table that `--csv` writes, as in "
            f"`--csv answers.csv --columns ImageId,Label`, not `{asked.columns}`."
        )
        raise SettingError(message)
    if asked.csv is None:
        return None
    if asked.csv == "-":
        return _Table(None, columns)
    if not asked.csv.lower().endswith(".csv"):
        message = (
            f"`--csv` wants the name of the table to write, which ends in `.csv`, or `-` to print "
            f"it, not `{asked.csv}`."
        )
        raise SettingError(message)
    return _Table(Path(asked.csv), columns)


def _print_table(
    answers: "Iterable[Prediction]", sources: "list[str | BinaryIO]", class_names: tuple[str, ...]
) -> "Iterator[Prediction]":
    """A line for each answer as soon as it is there."""
    from lenet.serving import doubt_in_words

    first = max((len(escape_name(_name_of(source))) for source in sources), default=0)
    second = max(len(_NONE), *(len(escape_name(name)) for name in class_names))
    for answer in answers:
        place = answer.source if answer.row is None else f"{answer.source} {answer.row}"
        source, given = escape_name(place), escape_name(answer.class_name or _NONE)
        top = ", ".join(f"{escape_name(name)} {share:.1%}" for name, share in answer.top)
        several = _SEVERAL if answer.seen.is_several else ""
        rest = "; ".join(filter(None, (top, doubt_in_words(answer), several)))
        print_line(f"{source:<{first}}  {given:<{second}}  {rest}")
        yield answer


def _as_picture(image: "Pixels") -> "Pixels":
    """What a network got, as a picture (H, W) or (H, W, 3)."""
    shown: Pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    return shown


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
    for name in {answer.source for answer in answers if answer.row is None}:
        source = by_name[name]
        if not isinstance(source, str):
            source.seek(0)
        pictures[name] = read_picture(source, pixel_range=pixel_range)
    shown = [pictures.get(answer.source, _as_picture(answer.seen.image)) for answer in answers]
    figure = draw_predictions(answers, shown)
    save_figure(figure, path, dpi=90)
    print_notice(f"Drawn in {path}")
