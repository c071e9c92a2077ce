"""The options that say how a dataset of one's own is read."""

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lenet.errors import SettingError

if TYPE_CHECKING:
    from lenet.datasets import DataSource

_PANEL = "Your own images"

ScoredData = Annotated[
    str | None,
    typer.Option(
        "--data",
        "--dataset",
        metavar="NAME|PATH",
        help="The dataset, or a folder or file of your own. [default: what the network was trained "
        "on]",
        show_default=False,
    ),
]
Size = Annotated[
    str | None,
    typer.Option(
        "--size",
        metavar="N|N×N",
        help="Pixels of a side that pictures are brought to, or height and width, as `32x48`. "
        "[default: 28]",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
Colour = Annotated[
    bool | None,
    typer.Option(
        "--colour/--grey",
        help="Keep the colours of pictures. [default: grey]",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
Prepare = Annotated[
    Literal["plain", "symbol", "object"] | None,
    typer.Option(
        "--prepare",
        help="How a picture becomes an image: fitted into the frame as a whole; the ink in it, as "
        "in MNIST; the thing in it, as in Fashion-MNIST. [default: plain]",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
SkipBad = Annotated[
    bool | None,
    typer.Option(
        "--skip-bad",
        help="Pass over pictures that can't be read; they are an error otherwise.",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
TestShare = Annotated[
    float | None,
    typer.Option(
        "--test-share",
        metavar="X",
        help="Share of the images kept for testing where the data has no test part. [default: 0.2]",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        "--label-column",
        metavar="NAME|N",
        help="Which column of a table holds the labels: its name, its number from 1 on, `first` or "
        "`last`. [default: found by itself]",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]


def reading_options(
    size: str | None,
    colour: bool | None,
    prepare: str | None,
    skip_bad: bool | None,
    test_share: float | None,
    label_column: str | None,
) -> dict[str, Any]:
    """The options by the names that `load_dataset` takes; `None` where one was not given.

    Raises:
        SettingError: The size is none.
    """
    return {
        "size": None if size is None else _parse_size(size),
        "colour": colour,
        "prepare": prepare,
        "skip_bad": skip_bad,
        "test_share": test_share,
        "label_column": label_column,
    }


def choose_data(data: str | None, reading: dict[str, Any]) -> "str | DataSource | None":
    """The dataset that the options name; one of one's own with how it is read.

    Args:
        data: A name or a path, if one was given.
        reading: The options of `reading_options`.

    Raises:
        UnknownNameError: It is neither a known name nor a path.
        SettingError: An option is out of range, or there is no dataset of one's own to read so.
    """
    from lenet.datasets import find_source

    if data is None:
        given = [name for name, value in reading.items() if value is not None]
        if given:
            flag = given[0].replace("_", "-")
            message = f"`--{flag}` is for folders and files of your own; name one with `--data`."
            raise SettingError(message)
        return None
    return find_source(data, **reading) or data


def _parse_size(text: str) -> int | tuple[int, int]:
    """A side, or height and width: `32`, `32x48`."""
    match = re.fullmatch(r"(\d{1,4})(?:[x×](\d{1,4}))?", text.strip())
    if match is None:
        message = f"`--size` must be a number of pixels, or two as in `32x48`, not `{text}`."
        raise SettingError(message)
    height, width = match.groups()
    return (int(height), int(width)) if width else int(height)
