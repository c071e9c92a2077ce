"""The `lenet data` commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

import typer

from lenet.cli._command import READING, Given, Printed, command, print_written
from lenet.cli._console import print_json, print_line, print_notice, print_table, save_figure
from lenet.core import Settings, check_ending, escape_name, option
from lenet.errors import Interrupted, SettingError

if TYPE_CHECKING:
    from lenet.datasets import Dataset, PackedIndex

app: typer.Typer = typer.Typer(
    help="List, fetch, look at, draw, convert and pack datasets, also your own.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@dataclass(frozen=True)
class _Source(Settings):
    """Which dataset.

    Attributes:
        data: A dataset's name, or a folder or file.
    """

    data: str = option(argument=True, metavar="NAME|PATH")


@dataclass(frozen=True)
class _Sheet(Settings):
    """The picture that is made.

    Attributes:
        output: The PNG file.
        per_class: Images of each class, 1 to 100.
    """

    output: Path | None = option(None, flags=("--output", "-o"), usual="the dataset's name")
    per_class: int = 10


@dataclass(frozen=True)
class _Converted(Settings):
    """What is written.

    Attributes:
        target: What is written; it must not be there yet.
        to: A folder of pictures, IDX files, an NPZ file, or Parquet.
    """

    target: Path = option(argument=True)
    to: Literal["folder", "idx", "npz", "parquet"] = option()


@dataclass(frozen=True)
class _Drawn(Settings):
    """What is drawn.

    Attributes:
        target: What is written; it must not be there yet.
        to: A folder of pictures, IDX files, an NPZ file, or Parquet.
        count: How many digits, 1 to 10,000,000.
        seed: Decides all that is random; the same one gives the same again.
        part: Hands, fonts and kinds to `learn` from, or those `held-out` for testing.
        kinds: Kinds of digits with commas between them.
        strangers: How many pictures of what is no digit, in the class `_none`.
        stranger_kinds: Kinds of those with commas between them.
        beside: A dataset, by name or path, whose training images the drawings are put beside; its
            test images stay as they are. Digits are strangers where they are none of its classes.
        pictures: The pictures themselves, dark on light, 96×96, instead of images as MNIST's.
    """

    target: Path = option(argument=True)
    to: Literal["folder", "idx", "npz", "parquet"] = "folder"
    count: int = 1000
    seed: int = 0
    part: Literal["learn", "held-out"] = "learn"
    kinds: str | None = option(
        None, metavar="NAME,NAME,…", usual="all that can be drawn here, most of them strokes"
    )
    strangers: int = 0
    stranger_kinds: str | None = option(
        None, metavar="NAME,NAME,…", usual="all that can be drawn here"
    )
    beside: str | None = option(None, metavar="NAME|PATH", usual="the drawings alone")
    pictures: bool = False


@dataclass(frozen=True)
class _Cut(Settings):
    """What is cut, and how its pictures are labelled.

    Attributes:
        sheets: Scans or photos of sheets.
        output: The folder that is made; it must not be there yet.
        labels: What names a cell's class: its row, its column, or the page that it is on.
        classes: Names of the rows, columns or pages with commas between them; an empty one leaves
            its row, column or page out.
        empty: The class of cells that nothing is in.
        grid: Whether lines may say where cells are; else each symbol is one, as on squared paper.
    """

    sheets: tuple[Path, ...] = option(argument=True, metavar="SHEET…")
    output: Path = option(flags=("--output", "-o"))
    labels: Literal["row", "column", "page"] = "row"
    classes: str | None = option(
        None, metavar="NAME,NAME,…", usual="numbers from 0; for pages the files' names"
    )
    empty: str | None = option(None, metavar="NAME", usual="they are left out")
    grid: bool = True


@dataclass(frozen=True)
class _Packed(Settings):
    """The packed set that is made.

    Attributes:
        target: The folder that is made; it must not be there yet.
        shard_mib: Size of a file of pixels in MiB, 1 to 4096.
    """

    target: Path = option(argument=True)
    shard_mib: int = 64


@app.command("list")
@command(Printed)
def list_datasets(given: Given) -> None:
    """List the datasets that have a name, and your own that were read before."""
    from lenet import datasets

    here, names = {*datasets.cached_datasets(), "digits"}, datasets.dataset_names()
    kept = datasets.prepared_datasets()
    if given.of(Printed).json:
        own = [
            {"name": one.name, **one.source.to_dict(), "images": one.images, "classes": one.classes}
            for one in kept
        ]
        named = [{"name": name, "here": name in here} for name in names]
        print_json({"named": named, "own": own})
        return
    rows = [["name", "where"]]
    for name in names:
        place = "bundled" if name == "digits" else "here"
        rows.append([name, place if name in here else f"`lenet data get {name}`"])
    print_table(rows, left_columns=2)
    print_line(f"\nThey lie in {datasets.data_folder()}")
    if kept:
        print_line("\nYour own, kept as they were read:")
        table = [["name", "path", "images", "classes", "MB"]]
        for one in kept:
            sizes = f"{one.images:,}", str(one.classes), f"{one.size / 1e6:.1f}"
            table.append([one.name, one.source.path, *sizes])
        print_table(table, left_columns=2)
        print_line(f"\nThey are kept in {datasets.cache_folder()}")


@dataclass(frozen=True)
class _Fetched(Settings):
    """What is fetched.

    Attributes:
        names: Names of datasets.
    """

    names: tuple[str, ...] = option(argument=True, metavar="NAME...")


@app.command()
@command(_Fetched, Printed)
def get(given: Given) -> None:
    """Fetch datasets that have a name, and check their files."""
    from lenet.datasets import data_folder, dataset_names, load_dataset
    from lenet.errors import UnknownNameError

    names, found = given.of(_Fetched).names, list[dict[str, Any]]()
    for name in names:
        if name not in dataset_names():
            raise UnknownNameError("dataset", name, dataset_names())
    for name in names:
        dataset = load_dataset(name)
        images = sum(len(split) for split in dataset.splits.values())
        classes, place = len(dataset.class_names), str(data_folder())
        found.append({"name": name, "images": images, "classes": classes})
        found[-1]["folder"] = None if name == "digits" else place
        if not given.of(Printed).json:
            where = "is bundled" if name == "digits" else f"is in {place}"
            print_line(f"{name} {where}: {images:,} images in {classes} classes")
    if given.of(Printed).json:
        print_json(found)


@dataclass(frozen=True)
class _Listed(Settings):
    """How much is told.

    Attributes:
        list: Name every image that was found fault with.
    """

    list: bool = False


@app.command()
@command(_Source, _Listed, Printed, READING)
def info(given: Given) -> None:
    """Say what a dataset holds and what would harm a training: nothing is trained."""
    from lenet.datasets import describe_dataset, examine_dataset

    dataset = _load(given)
    findings = examine_dataset(dataset)
    if given.of(Printed).json:
        values: dict[str, Any] = {"name": dataset.name, "class_names": dataset.class_names}
        values |= {"image_shape": dataset.image_shape, **asdict(findings)}
        values["preparation"] = dataset.preparation.to_dict() if dataset.preparation else None
        values["origin"] = dataset.origin.to_dict() if dataset.origin else None
        print_json(values)
        return
    print_line(describe_dataset(dataset, findings, given.of(_Listed).list))


@app.command()
@command(_Source, _Sheet, Printed, READING)
def show(given: Given) -> None:
    """Draw training images of every class, as the network gets them, into a PNG file."""
    from lenet.datasets import draw_contact_sheet

    wanted, dataset = given.of(_Sheet), _load(given)
    path = wanted.output or Path(f"{dataset.name}.png")
    check_ending(path, "The drawing", ".png")
    save_figure(draw_contact_sheet(dataset, wanted.per_class), path, dpi="figure")
    print_written([path], f"Drawn in {path}", given)


@app.command()
@command(_Source, _Converted, Printed, READING)
def convert(given: Given) -> None:
    """Write a dataset in a form that other programs read, and `lenet` reads again."""
    from lenet.datasets import convert_dataset

    wanted, dataset = given.of(_Converted), _load(given)
    with _cleaning_up_on_signals():
        path = convert_dataset(dataset, wanted.target, wanted.to)
    parts = ", ".join(f"{len(split):,} {name}" for name, split in dataset.splits.items())
    told = f"Written to {path}: {parts} images of {dataset.name}"
    counts = {name: len(split) for name, split in dataset.splits.items()}
    print_written([path], told, given, name=dataset.name, images=counts)
    if dataset.image_shape != (1, 28, 28):
        channels, height, width = dataset.image_shape
        colour_flag = " --colour" if channels == 3 else ""
        flags = f"--size {height}x{width}{colour_flag}"
        print_notice(f"To read the same images again: `--data {path} {flags}`")


@app.command()
@command(_Drawn, Printed)
def draw(given: Given) -> None:
    """Draw digits as people, presses and displays make them, and what is no digit.

    Kinds of digits are strokes, bordered, ruled, printed, script, segments and dots; those of
    strangers differ between the parts, and a name that is none tells them.
    """
    from lenet.datasets import DIGIT_KINDS, convert_dataset, undrawable_kinds

    wanted = given.of(_Drawn)
    dataset = _drawn(wanted)
    with _cleaning_up_on_signals():
        path = convert_dataset(dataset, wanted.target, wanted.to)
    others = int((dataset.train.labels == dataset.none_index).sum())
    images = len(dataset.train) - others
    what = "digits" if wanted.beside is None else "images"
    told = f"Written to {path}: {images:,} {what}"
    if others:
        told += f", {others:,} strangers in the class `{dataset.class_names[-1]}`"
    print_written([path], told, given, digits=images, strangers=others)
    for kind, reason in undrawable_kinds(wanted.part).items():
        is_digit = kind in DIGIT_KINDS[wanted.part]
        if (wanted.kinds if is_digit else wanted.stranger_kinds or not wanted.strangers) is None:
            print_notice(f"Without the kind `{kind}`: {reason}")
    if wanted.pictures:
        print_notice(f"To train on them: `--data {path} --prepare symbol`")


def _drawn(wanted: _Drawn) -> "Dataset":
    """The drawings, alone or beside another dataset's images."""
    from lenet.datasets import draw_beside, drawn_dataset, load_dataset

    asked: dict[str, Any] = {
        "kinds": wanted.kinds and wanted.kinds.split(","),
        "strangers": wanted.strangers,
        "stranger_kinds": wanted.stranger_kinds and wanted.stranger_kinds.split(","),
    }
    if wanted.beside is None:
        if wanted.pictures:
            asked["preparation"] = None
        return drawn_dataset(wanted.count, wanted.seed, part=wanted.part, **asked)
    if wanted.pictures or wanted.part != "learn":
        message = "`--beside` takes images to learn from: leave out `--pictures` and `--part`."
        raise SettingError(message)
    return draw_beside(load_dataset(wanted.beside), wanted.count, wanted.seed, **asked)


@app.command()
@command(_Cut, Printed)
def cut(given: Given) -> None:
    """Cut scanned sheets of digits or signs into pictures of each, without lines, by class.

    Cells are what lies between the lines of a grid or in boxes; without, each symbol is a cell, and
    its line is its row. A drawing of what was cut lies beside the folder.
    """
    from lenet.datasets import cut_sheets

    wanted = given.of(_Cut)
    names = [] if wanted.classes is None else wanted.classes.split(",")
    sheets = cut_sheets(
        wanted.sheets,
        wanted.output,
        labels=wanted.labels,
        classes=names,
        empty=wanted.empty,
        grid=wanted.grid,
    )
    if given.of(Printed).json:
        found = [
            asdict(one) | {"path": str(one.path), "drawing": str(one.drawing)} for one in sheets
        ]
        print_json({"written": [str(wanted.output)], "sheets": found})
        return
    for sheet in sheets:
        form = "in a grid" if sheet.has_grid else "by their symbols"
        left = f", {sheet.empty} empty" if sheet.empty else ""
        size = f"{sheet.rows} rows of up to {sheet.columns} cells {form}"
        print_line(f"{escape_name(str(sheet.path))}: {size}; {sheet.written:,} cut out{left}")
        print_line(f"Look at {escape_name(str(sheet.drawing))}")
    count = sum(sheet.written for sheet in sheets)
    print_line(f"Written to {wanted.output}: {count:,} pictures; `lenet data info {wanted.output}`")


@app.command()
@command(_Source, _Packed, Printed, READING)
def pack(given: Given) -> None:
    """Write a dataset as a packed set, which a training reads piece by piece as it goes."""
    from lenet.datasets import pack_dataset

    source, wanted = given.dataset(), given.of(_Packed)
    assert source is not None
    with _cleaning_up_on_signals():
        index = pack_dataset(source, wanted.target, shard_mib=wanted.shard_mib)
    told = f"Packed into {wanted.target}: {_counted(index)}, read back and whole"
    print_written([wanted.target], told, given, **_facts(index))


@dataclass(frozen=True)
class _Checked(Settings):
    """What is read.

    Attributes:
        folder: The folder of a packed set.
    """

    folder: Path = option(argument=True)


@app.command()
@command(_Checked, Printed)
def check(given: Given) -> None:
    """Read every byte of a packed set and compare it with the checksums."""
    from lenet.datasets import check_packed

    folder = given.of(_Checked).folder
    index = check_packed(folder)
    if given.of(Printed).json:
        print_json({"folder": str(folder), **_facts(index)})
        return
    print_line(f"{folder} is whole: {_counted(index)}")


@contextmanager
def _cleaning_up_on_signals() -> Iterator[None]:
    """Let the signals that end a process be exceptions, once what is half written is removed."""
    from lenet.core import answer_signals

    def interrupt(number: int, frame: FrameType | None, before: Any) -> None:
        raise Interrupted("Interrupted; nothing is left.", number=number)

    with answer_signals(interrupt):
        yield


def _facts(index: "PackedIndex") -> dict[str, Any]:
    counts = {name: part.images for name, part in index.parts.items()}
    size = sum(file.size for file in index.files)
    return {"images": counts, "files": len(index.files), "bytes": size}


def _counted(index: "PackedIndex") -> str:
    parts = ", ".join(f"{part.images:,} {name}" for name, part in index.parts.items())
    size = sum(file.size for file in index.files)
    return f"{parts} images in {len(index.files):,} files, {size / 1e6:,.1f} MB"


def _load(given: Given) -> "Dataset":
    from lenet.datasets import load_dataset

    source = given.dataset()
    assert source is not None
    return load_dataset(source, for_training=False)
