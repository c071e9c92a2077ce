"""Options that several commands have."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lenet.cli._command import Given, Panel
from lenet.core import Settings, option
from lenet.errors import SettingError

if TYPE_CHECKING:
    from lenet.datasets import DataSource


def data_option(usual: str) -> Any:
    """The field `data` of a command, with what it is where nothing is typed."""
    return option(None, flags=("--data", "--dataset"), metavar="NAME|PATH", usual=usual)


@dataclass(frozen=True)
class Data(Settings):
    """What a command works on.

    Attributes:
        data: The dataset: `fashion-mnist`, `mnist`, `kmnist`, `emnist-letters`, `digits`, …, or
            your own: a folder of pictures, a CSV, NPZ or Parquet file, IDX files.
    """

    data: str | None = data_option("fashion-mnist")


@dataclass(frozen=True)
class Reading(Settings):
    """How a dataset of one's own is read.

    Attributes:
        size: Pixels of a side that pictures are brought to, or height and width, as `32x48`.
        colour: Keep the colours of pictures.
        prepare: How a picture becomes an image: fitted into the frame as a whole; the ink in it, as
            in MNIST; the thing in it, as in Fashion-MNIST.
        skip_bad: Pass over pictures that can't be read; they are an error otherwise.
        test_share: Share of the images kept for testing where the data has no test part.
        label_column: Which column of a table holds the labels: its name, its number from 1 on,
            `first` or `last`.
    """

    size: str | None = option(None, metavar="N|N×N", usual="28")
    colour: bool | None = option(None, flags=("--colour/--grey",), usual="grey")
    prepare: Literal["plain", "symbol", "object"] | None = option(None, usual="plain")
    skip_bad: bool | None = None
    test_share: float | None = option(None, metavar="X", usual="0.2")
    label_column: str | None = option(None, metavar="NAME|N", usual="found by itself")


READING = Panel(Reading, "Your own images")
READING_TO_SCORE = Panel(Reading, "Your own images", only=("skip_bad", "label_column"))


@dataclass(frozen=True)
class Trained(Data):
    """A trained network and the images to look at it with.

    Attributes:
        model: A run's folder or name, `latest`, a model file, `digits` or `fashion`.
        runs_folder: Where names of runs are looked for.
    """

    model: str = option("latest", argument=True, metavar="RUN|MODEL")
    data: str | None = data_option("what the network was trained on")
    runs_folder: Path = Path("runs")


@dataclass(frozen=True)
class Printed(Settings):
    """How a command answers.

    Attributes:
        json: Print JSON.
    """

    json: bool = False


def choose_data(given: Given) -> "str | DataSource | None":
    """The dataset that was typed; one of one's own with how it is read.

    Raises:
        UnknownNameError: It is neither a known name nor a path.
        SettingError: An option is out of range, or there is no dataset of one's own to read so.
    """
    from lenet.datasets import find_source

    data, reading = given.typed.get("data"), given.typed_of(Reading)
    if data is None and reading:
        flag = next(iter(reading)).replace("_", "-")
        message = f"`--{flag}` is for folders and files of your own; name one with `--data`."
        raise SettingError(message)
    if "size" in reading:
        reading["size"] = _parse_size(reading["size"])
    return None if data is None else find_source(data, **reading) or data


def _parse_size(text: str) -> int | tuple[int, int]:
    """A side, or height and width: `32`, `32x48`."""
    match = re.fullmatch(r"(\d{1,4})(?:[x×](\d{1,4}))?", text.strip())
    if match is None:
        message = f"`--size` must be a number of pixels, or two as in `32x48`, not `{text}`."
        raise SettingError(message)
    height, width = match.groups()
    return (int(height), int(width)) if width else int(height)


def split_setting(text: str, example: str) -> tuple[str, str]:
    """The name of a setting and its values, as typed: `activation=sigmoid,relu`.

    Raises:
        SettingError: There is no `=`.
    """
    name, equals, values = text.partition("=")
    if not equals:
        message = f"`{text}` should be a setting with its values, such as `{example}`."
        raise SettingError(message)
    return name.strip().lstrip("-").replace("-", "_"), values.strip()
