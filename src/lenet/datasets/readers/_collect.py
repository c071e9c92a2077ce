"""From what files hold to images of one size with their labels."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lenet.core import escape_name
from lenet.datasets._reading import DataSource
from lenet.datasets.readers._contents import Contents, Label, RawExamples, SplitName
from lenet.errors import ArrayError, DataFileError
from lenet.pictures import (
    Numbers,
    Preparation,
    Spread,
    is_deep,
    pick_range,
    prepare,
    read_values,
    spread_of,
    to_pixels,
)

_NAMED = 5  # unreadable pictures in an error
_TOGETHER = 8  # pictures that a thread reads in one go
_MOST_THREADS = 4  # a picture may take 400 MB while it is decoded
_OTHER_UNIT = 100  # times the range of the training pictures, or a share of it
_BLACK_AND_WHITE = (0.0, 1.0)
_MANY = 2000  # files; fewer are read before anybody wonders


@dataclass(frozen=True, eq=False)
class Examples:
    """Some examples as a network gets them, with what `RawExamples` says of them."""

    split: SplitName | None
    images: npt.NDArray[np.uint8]
    labels: Sequence[Label]
    names: Sequence[str]
    groups: Sequence[str]


Keep = Callable[[Examples], None]


@dataclass
class Collected:
    """What was seen while examples were read."""

    preparation: Preparation  # how pictures became images
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)  # heights and widths
    skipped: list[str] = field(default_factory=list)  # why which pictures were passed over
    counts: Counter[SplitName | None] = field(default_factory=Counter)  # examples, also skipped
    notes: list[str] = field(default_factory=list)
    has_deep: bool = False  # whether a picture has more than 8 bits, or is scaled like these
    has_grey: bool = False  # whether a value of the others is above 1
    has_one: bool = False  # whether one is 1


def collect(
    contents: Contents, source: DataSource, open_store: Callable[[], AbstractContextManager[Keep]]
) -> Collected:
    """Read and prepare all examples, some at a time.

    Pictures of more than 8 bits are brought to pixels by one range for all of them, and so are
    those that hold 0 and 1 alone. That takes a second reading; other pictures of 8 bits, which
    nearly all are, are read once. `open_store` gives, for a reading, what keeps images and labels.
    """
    preparation = source.preparation
    if source.pixel_range is not None:
        collected = _Pass(contents, source, preparation, "check").run(open_store)
        if source.pixel_range and not collected.has_deep and source.pixel_range != _BLACK_AND_WHITE:
            collected.preparation = preparation.replace(pixel_range=())
            collected.notes.append(
                "All pictures have 8 bits and were taken as they are, without `--white` "
                "(`pixel_range`)."
            )
        return collected
    found: tuple[float, ...] = _BLACK_AND_WHITE
    try:
        collected = _Pass(contents, source, preparation, "raise").run(open_store)
        if collected.has_grey or not collected.has_one:
            return collected
    except _UnknownRangeError:
        found = _measure_range(contents, source)
    return _Pass(contents, source, preparation.replace(pixel_range=found), "clip").run(open_store)


class _UnknownRangeError(Exception):
    """There are pictures of more than 8 bits, and what is black and white is not known yet."""


@dataclass(frozen=True)
class _Pass:
    """A reading of all examples.

    `deep` is what is done with pictures of more than 8 bits: raise an `_UnknownRangeError`; cut off
    what lies outside of the range; refuse what lies far outside, as in pictures to be answered.
    """

    contents: Contents
    source: DataSource
    preparation: Preparation
    deep: Literal["raise", "clip", "check"]

    def run(self, open_store: Callable[[], AbstractContextManager[Keep]]) -> Collected:
        found = Collected(self.preparation)
        with (
            open_store() as keep,
            _progress_and_threads(self.contents, self.source) as (tell, pool),
        ):
            for examples in self.contents.read():
                if not len(examples.labels):
                    continue
                images, readable = self._prepare(examples, pool, found)
                if len(images):
                    kept = Examples(
                        examples.split,
                        np.asarray(images),
                        _pick(examples.labels, readable),
                        _pick(self._names(examples, found), readable),
                        _pick(examples.groups, readable),
                    )
                    keep(kept)
                found.counts[examples.split] += len(examples.labels)
                tell(len(examples.labels))
            if found.skipped and not self.source.skip_bad:
                raise DataFileError(_unreadable(found.skipped))
        return found

    def _prepare(
        self, examples: RawExamples, pool: ThreadPoolExecutor, found: Collected
    ) -> tuple[npt.NDArray[np.uint8] | list[npt.NDArray[np.uint8]], Sequence[int]]:
        """The images of some examples, without what can't be read, and which of them those are."""
        if isinstance(examples.pictures, np.ndarray):
            place = examples.places[0] if examples.places else "The data"
            found.sizes[examples.pictures.shape[1:3]] += len(examples.labels)
            images = self._prepare_array(self._pixels(examples.pictures, place, found))
            return images, range(len(images))
        named = list(zip(examples.pictures, examples.places, strict=True))
        chunks = (named[start : start + _TOGETHER] for start in range(0, len(named), _TOGETHER))
        # Decoders let other threads work meanwhile.
        each = pool.map(partial(self._prepare_encoded, found=found), chunks)
        prepared = list(chain.from_iterable(each))
        found.skipped += [one for one in prepared if isinstance(one, str)]
        readable = {index: one for index, one in enumerate(prepared) if not isinstance(one, str)}
        found.sizes.update(size for _, size in readable.values())
        return [image for image, _ in readable.values()], [*readable]

    def _names(self, examples: RawExamples, found: Collected) -> Sequence[str]:
        """What examples are called."""
        if examples.names:
            return examples.names
        place, pictures = self.source.place, examples.pictures
        paths = [picture for picture in pictures if isinstance(picture, Path)]
        if paths:
            folder = str(place if place.is_dir() else place.parent)
            return [os.path.relpath(str(path), folder) for path in paths]
        first, part = found.counts[examples.split], f"{examples.split or ''} no.".strip()
        return [f"{part} {first + index:,}" for index in range(len(examples.labels))]

    def _prepare_array(self, pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Images that have one size already; those of the wished size are taken as they are."""
        channels = 1 if pictures.ndim == 3 else 3
        as_wished = (channels, *pictures.shape[1:3]) == self.preparation.image_shape
        if as_wished and self.preparation.method == "plain":
            return pictures[:, None] if channels == 1 else pictures.transpose(0, 3, 1, 2)
        return np.stack([prepare(picture, self.preparation) for picture in pictures])

    def _prepare_encoded(
        self, named: Sequence[tuple[Path | bytes, str]], found: Collected
    ) -> list[tuple[npt.NDArray[np.uint8], tuple[int, int]] | str]:
        """The images and sizes of pictures with their places; or why one can't be read."""
        prepared: list[tuple[npt.NDArray[np.uint8], tuple[int, int]] | str] = []
        for picture, place in named:
            try:
                pixels = self._pixels(read_values(picture), place, found)
                image = prepare(pixels, self.preparation)
                prepared.append((image, (pixels.shape[0], pixels.shape[1])))
            except DataFileError as error:
                prepared.append(str(error) if place in str(error) else f"{place}: {error}")
        return prepared

    def _pixels(self, values: Numbers, place: str, found: Collected) -> npt.NDArray[np.uint8]:
        if is_deep(values):
            found.has_deep = True
            if self.deep == "raise":
                raise _UnknownRangeError
        elif self.deep == "check" and values.dtype != np.uint8 and values.dtype.kind != "b":
            found.has_deep = True  # numbers that a range is for, as 0 to 16 in a table
        elif not found.has_grey and values.size and values.dtype.kind != "b":
            found.has_grey |= bool(values.max() > 1)
            found.has_one |= bool(values.max() == 1)
        try:
            return to_pixels(values, self.preparation.pixel_range, place, clip=self.deep == "clip")
        except ArrayError as error:
            raise DataFileError(str(error)) from error


def _pick(values: Sequence[Any], indices: Sequence[int]) -> list[Any]:
    return [values[index] for index in indices] if len(values) else []


def _measure_range(contents: Contents, source: DataSource) -> tuple[float, ...]:
    """The one range for all pictures of more than 8 bits, by those to train on that can be read."""
    spreads: dict[SplitName, list[Spread]] = {}
    with _progress_and_threads(contents, source) as (tell, pool):
        for examples in contents.read():
            found = (
                [spread_of(examples.pictures)]
                if isinstance(examples.pictures, np.ndarray)
                else pool.map(_spread_in_file, examples.pictures)
            )
            known = spreads.setdefault(examples.split or "train", [])
            known += [spread for spread in found if spread is not None]
            tell(len(examples.labels))
    ranges = {split: pick_range(known) for split, known in spreads.items() if known}
    if not ranges:
        return ()
    main = "train" if "train" in ranges else next(iter(ranges))
    low, high = ranges[main]
    for split, (lowest, highest) in ranges.items():
        ratio = max(abs(lowest), abs(highest)) / max(abs(low), abs(high))
        if not 1 / _OTHER_UNIT < ratio < _OTHER_UNIT:
            message = (
                f"The {split} pictures hold values from {lowest:g} to {highest:g}, the {main} "
                f"pictures from {low:g} to {high:g}; bring them to the same unit."
            )
            raise DataFileError(message)
    return low, high


def _spread_in_file(picture: Path | bytes) -> Spread | None:
    """Which values a picture of more than 8 bits holds; nothing if it has 8 or can't be read."""
    try:
        return spread_of(read_values(picture))
    except DataFileError:  # which is told when it is prepared
        return None


def _unreadable(failures: list[str]) -> str:
    first = "\n".join(f"  {failure}" for failure in failures[:_NAMED])
    more = f"\n  and {len(failures) - _NAMED:,} more" if len(failures) > _NAMED else ""
    count = "1 picture" if len(failures) == 1 else f"{len(failures):,} pictures"
    return (
        f"{count} can't be read:\n{first}{more}\n"
        "Mend or remove them, or pass over them with `--skip-bad` (`skip_bad=True`)."
    )


@contextmanager
def _progress_and_threads(
    contents: Contents, source: DataSource
) -> Iterator[tuple[Callable[[int], None], ThreadPoolExecutor]]:
    """What tells how many examples more were read, and who reads them."""
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    with (
        reading_progress(source.place.name, len(contents.files)) as tell,
        ThreadPoolExecutor(threads) as pool,
    ):
        yield tell, pool


@contextmanager
def reading_progress(name: str, files: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal for many files; it is told how many more were read."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    if files < _MANY or not console.is_terminal:
        yield lambda count: None
        return
    words = TextColumn("reading {task.description}", markup=False)
    columns = (words, BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(escape_name(name), total=files)
        yield lambda count: progress.advance(task, count)
