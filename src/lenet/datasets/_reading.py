"""How images of one's own are read, and where they lie. No NumPy: commands name it early."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

from lenet.core import Settings, option
from lenet.pictures import Preparation

LABELS_FROM = ("folder", "path", "name", "table")
_MARGIN = 4 / 28  # that MNIST's makers left free around a symbol, of the shorter side


class ReadingOptions(TypedDict, total=False):
    """The fields of `Reading` as keyword arguments; `None` is as good as left out."""

    size: int | tuple[int, int] | None
    colour: bool | None
    prepare: Literal["plain", "symbol", "object"] | None
    skip_bad: bool | None
    test_share: float | None
    pixel_range: tuple[float, ...] | None
    label_column: str | int | None
    label_from: str | None
    group_column: str | int | None
    group_from: str | None


@dataclass(frozen=True, kw_only=True)
class Reading(Settings):
    """How images of one's own are read.

    Attributes:
        size: Pixels of a side that pictures are brought to, or height and width, as `32x48`.
        colour: Keep the colours of pictures.
        prepare: How a picture becomes an image: `plain` fits all of it into the frame; `symbol`
            finds the ink, as the makers of MNIST did; `object` finds the thing, as the makers of
            Fashion-MNIST did.
        skip_bad: Pass over pictures that can't be read; they are an error otherwise.
        test_share: Share of the images kept for testing where the data has no test part; 0 for
            none, below 1.
        pixel_range: Which value of grey pictures of more than 8 bits is white where 0 is black, or
            both, as `-40,85`. It is measured on the training pictures where none is given, and
            empty for pictures that a network is asked about that was taught on 8 bits.
        label_column: Which column of a table holds the labels: its name, its number from 1 on,
            `first` or `last`. Found by itself where none is named.
        label_from: What the label of a picture is, where that is asked: `folder`, the folder of its
            part that it lies in; `path`, that folder and those below, so that every folder with
            pictures is a class; `name`, a part of its file's name, which is found by itself, or a
            pattern that says which: `LABEL`, `#` for a number and `*` for anything else, as in
            `img_#_LABEL`; `table`, what a table beside it says.
        group_column: Which column of a table names the group that a picture belongs to, such as its
            writer; the members of a group stay on one side when images are held out.
        group_from: The same for folders: `folder`, the folder below that of the class, or a
            pattern for the names of files, as in `GROUP-*`.

    Raises:
        SettingError: A value is ill-typed or out of range.

    >>> Reading(size=32).size
    (32, 32)
    """

    size: int | tuple[int, ...] = option(28, metavar="N|N×N")
    colour: bool = option(False, flags=("--colour/--grey",), usual="grey")
    prepare: Literal["plain", "symbol", "object"] = "plain"
    skip_bad: bool = False
    test_share: float = option(0.2, metavar="X")
    pixel_range: tuple[float, ...] | None = option(
        None, flags=("--white",), metavar="N|N,N", usual="as measured"
    )
    label_column: str = option("", metavar="NAME|N")
    label_from: str = option("", metavar="KIND|PATTERN")
    group_column: str = option("", metavar="NAME|N")
    group_from: str = option("", metavar="folder|PATTERN")

    def __post_init__(self) -> None:
        super().__post_init__()
        Preparation(pixel_range=self.pixel_range or ())  # which refuses what is none
        pair = (self.size, self.size) if isinstance(self.size, int) else self.size
        self.require("size", len(pair) == 2, "one number of pixels, or height and width")
        object.__setattr__(self, "size", pair)
        for name in ("height", "width"):
            self.require(name, 1 <= getattr(self, name) <= 1024, "from 1 to 1024")
        self.require("test_share", 0 <= self.test_share < 1, "at least 0 and below 1")
        for name, kinds in (("label_from", LABELS_FROM), ("group_from", ("folder",))):
            given, word = getattr(self, name), name.partition("_")[0].upper()
            is_known = given in ("", *kinds) or given.count(word) == 1
            listed = ", ".join(f"`{kind}`" for kind in kinds)
            self.require(name, is_known, f"{listed}, or a pattern such as `*_{word}`")

    @property
    def height(self) -> int:
        """Of the images that pictures become, in pixels."""
        return self.size if isinstance(self.size, int) else self.size[0]

    @property
    def width(self) -> int:
        """Of the images that pictures become, in pixels."""
        return self.size if isinstance(self.size, int) else self.size[1]

    @property
    def preparation(self) -> Preparation:
        """How pictures become images, before their own range and polarity are known."""
        is_symbol = self.prepare == "symbol"
        return Preparation(
            self.prepare,
            "light-on-dark" if is_symbol else "as-is",
            height=self.height,
            width=self.width,
            channels=3 if self.colour else 1,
            margin=round(_MARGIN * min(self.height, self.width)) if is_symbol else 0,
            pixel_range=self.pixel_range or (),
        )

    def as_options(self) -> list[str]:
        """What is typed to have images read so.

        >>> Reading(size=(32, 28), colour=True, pixel_range=(0, 4095)).as_options()
        ['--size', '32x28', '--colour', '--white', '4095']
        """
        usual = Reading()
        words: list[str] = []
        if self.size != usual.size:
            words += ["--size", f"{self.height}x{self.width}"]
        if self.colour:
            words.append("--colour")
        if self.prepare != usual.prepare:
            words += ["--prepare", self.prepare]
        if self.skip_bad:
            words.append("--skip-bad")
        if self.test_share != usual.test_share:
            words += ["--test-share", f"{self.test_share!r}".removesuffix(".0")]
        if self.pixel_range:
            low, high = (f"{end!r}".removesuffix(".0") for end in self.pixel_range)
            words += ["--white", high if low == "0" else f"{low},{high}"]
        if self.label_column:
            words += ["--label-column", self.label_column]
        if self.label_from:
            words += ["--label-from", self.label_from]
        if self.group_column:
            words += ["--group-column", self.group_column]
        if self.group_from:
            words += ["--group-from", self.group_from]
        return words


@dataclass(frozen=True)
class DataSource(Reading):
    """Where images of one's own lie, and how they are read.

    Attributes:
        path: The folder or file; kept absolute.

    Raises:
        SettingError: A value is ill-typed or out of range.

    >>> DataSource("pictures", size=32).colour
    False
    """

    path: str

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "path", os.path.abspath(os.path.expanduser(self.path)))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "DataSource":
        """Make a source of its fields, or of what `to_dict` gives.

        Raises:
            UnknownNameError: A key is neither.
            SettingError: A value is of the wrong type or out of range.
        """
        values = dict(values)
        usual = Reading()
        size = values.pop("height", usual.height), values.pop("width", usual.width)
        return super().from_dict({"size": size, **values})

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them, and as files have held them from the first version."""
        values = super().to_dict()
        place, size = {"path": values.pop("path")}, values.pop("size")
        return {**place, "height": size[0], "width": size[1], **values}

    @property
    def place(self) -> Path:
        """The folder or file, absolute."""
        return Path(self.path)

    def as_options(self) -> list[str]:
        """What is typed behind `--data` to have the same images read again."""
        return [self.path, *super().as_options()]
