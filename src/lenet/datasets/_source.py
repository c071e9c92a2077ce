import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lenet.core import Settings
from lenet.pictures import Preparation

_MOST_CHARACTERS = 60  # of a name


@dataclass(frozen=True)
class DataSource(Settings):
    """Where images of one's own lie and how they are read.

    Attributes:
        path: The folder or file.
        height: Of the images that pictures become, in pixels.
        width: Of the images that pictures become, in pixels.
        colour: Keep red, green and blue; grey otherwise.
        prepare: How a picture becomes an image: `plain` fits all of it into the frame; `symbol`
            finds the ink, as the makers of MNIST did; `object` finds the thing, as the makers of
            Fashion-MNIST did.
        skip_bad: Pass over pictures that can't be read; they are an error otherwise.
        test_share: Share of the images kept for testing where the data has no test part; 0 for
            none, below 1.
        pixel_range: Which values of grey pictures of more than 8 bits become 0 and 255; where none
            is given, it is measured on the training pictures. Empty for pictures that a network is
            asked about that was taught on 8 bits, see `Preparation`.
        label_column: Of a table: the column of the labels by its name, its number from 1 on, or
            `first` or `last`. Found by itself where it is empty.

    Raises:
        SettingError: A value is ill-typed or out of range.

    >>> DataSource("pictures", height=32, width=32).colour
    False
    """

    path: str
    height: int = 28
    width: int = 28
    colour: bool = False
    prepare: Literal["plain", "symbol", "object"] = "plain"
    skip_bad: bool = False
    test_share: float = 0.2
    pixel_range: tuple[float, ...] | None = None
    label_column: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        Preparation(pixel_range=self.pixel_range or ())  # which refuses what is none
        for name in ("height", "width"):
            self.require(name, 1 <= getattr(self, name) <= 1024, "from 1 to 1024")
        self.require("test_share", 0 <= self.test_share < 1, "at least 0 and below 1")
        object.__setattr__(self, "path", os.path.abspath(os.path.expanduser(self.path)))

    @property
    def place(self) -> Path:
        """The folder or file, absolute."""
        return Path(self.path)

    def as_options(self) -> list[str]:
        """What is typed behind `--data` to have the same images read again.

        A `pixel_range` can't be typed.

        >>> DataSource("/pictures", height=32, colour=True).as_options()
        ['/pictures', '--size', '32x28', '--colour']
        """
        usual = DataSource(self.path)
        words = [self.path]
        if (self.height, self.width) != (usual.height, usual.width):
            words += ["--size", f"{self.height}x{self.width}"]
        if self.colour:
            words.append("--colour")
        if self.prepare != usual.prepare:
            words += ["--prepare", self.prepare]
        if self.skip_bad:
            words.append("--skip-bad")
        if self.test_share != usual.test_share:
            words += ["--test-share", f"{self.test_share!r}".removesuffix(".0")]
        if self.label_column:
            words += ["--label-column", self.label_column]
        return words


def is_path(text: str, known_names: Collection[str]) -> bool:
    """Whether a dataset that was asked for is a folder or file, not a name.

    A known name stays one, even where a folder is called the same: `./mnist` means the folder.

    >>> is_path("./mnist", ["mnist"]), is_path("mnist", ["mnist"]), is_path("minst", ["mnist"])
    (True, False, False)
    """
    if text in known_names:
        return False
    separators = {os.sep, os.altsep or os.sep}
    return text.startswith("~") or any(s in text for s in separators) or os.path.exists(text)


def name_of(path: Path, known_names: Collection[str]) -> str:
    """What a dataset of one's own is called in run folders, pictures and model files.

    >>> name_of(Path("My pictures (2).npz"), ["mnist"]), name_of(Path("data/mnist"), ["mnist"])
    ('My-pictures-2', 'own-mnist')
    """
    stem = re.sub(r"\.(csv|npz|parquet|zip|txt|tsv)$", "", path.name, flags=re.IGNORECASE)
    name = re.sub(r"[^\w.-]+", "-", stem).strip("-.")[:_MOST_CHARACTERS] or "own"
    return f"own-{name}" if name in known_names else name
