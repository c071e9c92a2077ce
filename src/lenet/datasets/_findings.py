"""A look at a dataset: what would harm a training, in words; and a sheet of its images."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenet.core import check_range, escape_name
from lenet.datasets._dataset import Dataset, Split
from lenet.datasets._dividing import image_keys
from lenet.datasets._own import measure_polarity, training_problem
from lenet.datasets.readers._contents import name_some
from lenet.pictures import Preparation, look_at

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FEW = 10  # training images of a class
_GIANT = 0.8  # share of one class in a set of three classes or more
_DARK = 128  # a set whose brightest pixel is below has probably another range than 0 to 255
_LISTED, _MOST_LISTED = 5, 10**9
_NAMED = 3  # images in a sentence
_SAMPLED, _SAMPLED_BYTES = 20_000, 2**26  # of a packed split are looked at, at most
_LOOKED_AT = 200
_FOUND = 0.9  # of the images hold something drawn that does not fill them
# `benchmarks/placed_symbols.py`: below these little is gained. MNIST as it is has 0.067 and 1.02.
_WANDERS = 0.08  # of the symbols' size, the standard deviation of their middles
_VARIES = 1.2  # the standard deviation of the symbols' sizes, as a factor
_GAP = 2  # pixels between images, before they are enlarged
_LEAST_SIDE = 56  # pixels that an image has on the sheet
_DOTS = 100  # an inch
_GROUND = (222, 222, 226)  # on which black and white images stand out
_MARGIN = 15  # dots around all


@dataclass(frozen=True)
class Example:
    """Which of a dataset's images one is.

    Attributes:
        split: The part that it is in.
        name: What it is called: its file, or its number in the part.
        class_name: What it is said to be.
    """

    split: str
    name: str
    class_name: str


@dataclass(frozen=True)
class Findings:
    """What a look at a dataset tells.

    Attributes:
        counts: Images of each class, in the order of the classes, by split.
        polarity: Whether things are lighter than their ground, darker, or either.
        duplicates: How many test images are training images too, to the last pixel.
        contradictions: How many images occur under two labels or more.
        blank: How many images are of one grey level alone.
        unfitted_symbols: Whether the images look like drawings of one symbol each, in different
            places or sizes, and were not prepared as such.
        symbol_places: How far the middles of such drawings vary, as a share of their size; the
            standard deviation. `None` where the images are no such drawings.
        symbol_sizes: How far their sizes vary, as a factor.
        warnings: What is likely to harm a training or its score, a sentence each.
        examples: Which images were found, those that belong together in one tuple: `duplicates`,
            a test image with the training image that it equals, and `validation_duplicates`;
            `contradictions`, an image under all its labels; `blank`; and `groups`, images to test
            or choose on of whose group others are trained on.
    """

    counts: dict[str, tuple[int, ...]]
    polarity: str
    duplicates: int
    contradictions: int
    blank: int
    unfitted_symbols: bool
    warnings: tuple[str, ...]
    symbol_places: float | None = None
    symbol_sizes: float | None = None
    examples: dict[str, tuple[tuple[Example, ...], ...]] = field(default_factory=dict, repr=False)


def examine_dataset(dataset: Dataset) -> Findings:
    """Look for what harms a training or its score.

    Of a packed split that is not in memory, all labels are counted and up to 20,000 images
    looked at, evenly spread.

    >>> from lenet.datasets import load_dataset
    >>> findings = examine_dataset(load_dataset("digits"))
    >>> findings.polarity, findings.duplicates, findings.warnings
    ('light-on-dark', 0, ())
    """
    classes = len(dataset.class_names)
    counts: dict[str, tuple[int, ...]] = {
        name: tuple(np.bincount(split.labels, minlength=classes).tolist())
        for name, split in dataset.splits.items()
    }
    problem = training_problem(dataset)
    sampled: dict[str, Any] = {
        name: _some_of(split, name) for name, split in dataset.splits.items()
    }
    dataset = replace(dataset, **sampled)
    found = _look_for_copies(dataset)
    blank = np.concatenate([_are_blank(split.images) for split in dataset.splits.values()])
    found["blank"] = [(_example(dataset, index),) for index in np.flatnonzero(blank).tolist()]
    is_plain = dataset.preparation is None or dataset.preparation.method == "plain"
    drawn = _measure_symbols(dataset.train.images) if is_plain else None
    findings = Findings(
        counts=counts,
        polarity=measure_polarity(dataset.train.images),
        duplicates=len(found["duplicates"]),
        contradictions=len(found["contradictions"]),
        blank=len(found["blank"]),
        unfitted_symbols=drawn is not None and (drawn[0] > _WANDERS or drawn[1] > _VARIES),
        warnings=(),
        symbol_places=drawn and drawn[0],
        symbol_sizes=drawn and drawn[1],
        examples={kind: tuple(sets) for kind, sets in found.items()},
    )
    warnings = (*((problem,) if problem else ()), *_warnings(dataset, findings))
    return replace(findings, warnings=warnings)


def _example(dataset: Dataset, index: int) -> Example:
    """One of all images, counted through the parts."""
    for name, split in dataset.splits.items():
        if index < len(split):
            class_name = dataset.class_names[split.labels[index]]
            return Example(name, split.name_of(index, name), class_name)
        index -= len(split)
    raise IndexError(index)


def _are_blank(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which images are of one grey level alone."""
    blank: npt.NDArray[np.bool_] = (images.reshape(len(images), -1) == images[:, 0, :1, 0]).all(
        axis=1
    )
    return blank


def _look_for_copies(dataset: Dataset) -> dict[str, list[tuple[Example, ...]]]:
    """Images that stand in two parts or under two labels, and groups that stand in two parts."""
    splits = dataset.splits
    keys = image_keys(np.concatenate([split.images for split in splits.values()]))
    labels = np.concatenate([split.labels for split in splits.values()])
    pairs = np.unique(np.stack([keys, labels]), axis=1)
    under_several, counts = np.unique(pairs[0], return_counts=True)
    contradictory: dict[int, list[Example]] = {}
    for index in np.flatnonzero(np.isin(keys, under_several[counts > 1])).tolist():
        contradictory.setdefault(int(keys[index]), []).append(_example(dataset, index))
    found: dict[str, list[tuple[Example, ...]]] = {
        "duplicates": [],
        "validation_duplicates": [],
        "contradictions": [tuple(own) for own in contradictory.values()],
        "groups": [],
    }
    # The training images come first, so a key below their number is one of theirs.
    first = start = len(dataset.train)
    for part, kind in (("test", "duplicates"), ("validation", "validation_duplicates")):
        split: Split | None = getattr(dataset, part)
        if split is None:
            continue
        for index in range(start, start + len(split)):
            if keys[index] < first:
                pair = _example(dataset, index), _example(dataset, int(keys[index]))
                found[kind].append(pair)
        if split.groups is not None and dataset.train.groups is not None:
            shared = np.flatnonzero(np.isin(split.groups, dataset.train.groups))
            found["groups"] += [(_example(dataset, start + index),) for index in shared.tolist()]
        start += len(split)
    return found


def _some_of(split: Split, name: str) -> Split:
    """A split itself, or of a packed one as much as can be looked at."""
    packed = split.packed
    if packed is None:
        return split
    count = min(len(split), _SAMPLED, max(1, _SAMPLED_BYTES // packed.image_bytes))
    chosen = np.linspace(0, len(split) - 1, count).astype(np.int64)
    names = [split.name_of(index, name) for index in chosen.tolist()]
    return Split(packed.read(chosen), split.labels[chosen], names)


def _warnings(dataset: Dataset, findings: Findings) -> Iterator[str]:
    named = {kind: _named(sets) for kind, sets in findings.examples.items()}
    if findings.duplicates:
        yield (
            f"{findings.duplicates:,} of {len(dataset.require_test()):,} test images are training "
            f"images too; the test score will be too good: {named['duplicates']}."
        )
    if dataset.validation and (copies := findings.examples.get("validation_duplicates")):
        yield (
            f"{len(copies):,} of {len(dataset.validation):,} validation images are training images "
            "too; the epoch is chosen by what was learnt by heart: "
            f"{named['validation_duplicates']}."
        )
    if shared := len(findings.examples.get("groups", ())):
        yield (
            f"{shared:,} images to test or choose on are of groups that are trained on too; scores "
            f"on them will be too good: {named['groups']}."
        )
    if findings.contradictions:
        yield (
            f"{findings.contradictions:,} images occur under more than one label: "
            f"{named['contradictions']}."
        )
    if findings.blank:
        yield f"{findings.blank:,} images are blank: {named['blank']}."
    train = findings.counts["train"]
    few = [name for name, count in zip(dataset.class_names, train, strict=True) if count < _FEW]
    if few:
        yield f"Fewer than {_FEW} training images have {name_some(few, _LISTED)}."
    if len(train) > 2 and max(train) > _GIANT * sum(train):
        largest = dataset.class_names[train.index(max(train))]
        share = max(train) / sum(train)
        yield f"{share:.0%} of the training images are of `{largest}`; accuracy says little then."
    if findings.unfitted_symbols:
        yield (
            "The pictures look like drawn symbols. Their places vary by "
            f"{findings.symbol_places:.0%} of their size, their sizes by a factor of "
            f'{findings.symbol_sizes:.2f}. `--prepare symbol` (`prepare="symbol"`) fits each into '
            "a box, which helps the more the fewer images there are. Train both ways to know."
        )
    brightest = int(dataset.train.images.max())
    if brightest < _DARK:
        yield (
            f"No pixel is brighter than {brightest} of 255; do the values have another range? "
            "`--white` (`pixel_range`) says which value of a table or an array is white."
        )


def _named(sets: tuple[tuple[Example, ...], ...]) -> str:
    """The first of some images; those that belong together as equal."""
    names = [_equal(some) for some in sets[:_NAMED]]
    more = f" and {len(sets) - _NAMED:,} more" if len(sets) > _NAMED else ""
    return f"{', '.join(names)}{more}"


def _equal(some: tuple[Example, ...]) -> str:
    """Images that belong together, the first of them by name."""
    more = f" and {len(some) - _NAMED:,} more like it" if len(some) > _NAMED else ""
    return " = ".join(f"`{example.name}`" for example in some[:_NAMED]) + more


def describe_dataset(dataset: Dataset, findings: Findings, listed: bool = False) -> str:
    """What a dataset is and what was found in it, as text for a person.

    Args:
        dataset: The images.
        findings: What `examine_dataset` found in them.
        listed: Whether every image that was found is named, with its part and class.
    """
    lines = _description(dataset, findings, _MOST_LISTED if listed else _LISTED)
    more = _lists(findings) if listed else ()
    return "\n".join(escape_name(line) for line in (*lines, *more))


_TITLES = {
    "duplicates": "Test images that are training images too",
    "validation_duplicates": "Validation images that are training images too",
    "groups": "Images of groups that are trained on too",
    "contradictions": "Images under more than one label",
    "blank": "Blank images",
}


def _lists(findings: Findings) -> Iterator[str]:
    for kind, title in _TITLES.items():
        sets = findings.examples.get(kind, ())
        if sets:
            yield f"{title}, {len(sets):,} in all:"
        for some in sets:
            yield "  " + " = ".join(f"{one.name} ({one.split}, {one.class_name})" for one in some)


def _description(dataset: Dataset, findings: Findings, listed: int) -> Iterator[str]:
    channels, height, width = dataset.image_shape
    origin = dataset.origin
    yield f"{dataset.name}: {origin.format}, {origin.source.path}" if origin else dataset.name
    colours = "grey" if channels == 1 else "colour"
    images = ", ".join(f"{len(split):,} {name}" for name, split in dataset.splits.items())
    yield f"images: {images}; {height}×{width} {colours}, {_POLARITIES[findings.polarity]}"
    if origin and origin.sizes:
        yield f"pictures were {_sizes(origin.sizes)}"
    if dataset.preparation and dataset.preparation.pixel_range:
        low, high = dataset.preparation.pixel_range
        yield f"values from {low:g} to {high:g} became 0 to 255, one scale for all pictures"
    yield from _class_table(dataset, findings)
    yield from origin.notes if origin else ()
    if origin and origin.skipped:
        yield f"Can't be read and passed over, {len(origin.skipped):,} in all:"
        yield from (f"  {reason}" for reason in origin.skipped[:listed])
        if len(origin.skipped) > listed:
            yield f"  and {len(origin.skipped) - listed:,} more"
    for warning in findings.warnings:
        yield f"Look here: {warning}"


_POLARITIES = {
    "light-on-dark": "light on dark",
    "dark-on-light": "dark on light",
    "as-is": "neither light on dark nor dark on light throughout",
}


def _sizes(sizes: tuple[tuple[int, int, int], ...]) -> str:
    if len(sizes) == 1:
        return f"{sizes[0][0]}×{sizes[0][1]}"
    if len(sizes) <= 3:
        return ", ".join(f"{height}×{width} ({count:,})" for height, width, count in sizes)
    heights, widths = [size[0] for size in sizes], [size[1] for size in sizes]
    return f"{min(heights)}×{min(widths)} to {max(heights)}×{max(widths)}, {len(sizes):,} sizes"


def _class_table(dataset: Dataset, findings: Findings) -> Iterator[str]:
    """A line a class: its number, its name, the label in the files if that is another, counts."""
    labels = [str(label) for label in dataset.origin.labels] if dataset.origin else None
    rows: list[list[Any]] = [["", "class", *findings.counts]]
    for number, name in enumerate(dataset.class_names):
        counts = [f"{counts[number]:,}" for counts in findings.counts.values()]
        known = labels is None or labels[number] in (name, str(number))
        shown = name if known else f"{name} (label {labels[number]})" if labels else name
        rows.append([str(number), escape_name(shown), *counts])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if index == 1 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  " + "  ".join(cells).rstrip()


def _measure_symbols(images: npt.NDArray[np.uint8]) -> tuple[float, float] | None:
    """How places and sizes vary where images (N, C, H, W) look like drawings of one symbol each."""
    _, channels, height, width = images.shape
    if channels not in (1, 3):
        return None
    symbol = Preparation("symbol", "light-on-dark", height, width, channels)
    chosen = np.linspace(0, len(images) - 1, min(_LOOKED_AT, len(images))).astype(int)
    looks = [look_at(images[index].transpose(1, 2, 0), symbol) for index in chosen]
    boxes = np.array([look.box for look in looks if not look.is_blank])
    if not len(boxes):
        return None
    tops, lefts, bottoms, rights = boxes.T
    sizes = np.maximum(bottoms - tops, rights - lefts)
    if (sizes < 1).sum() < _FOUND * len(looks):
        return None
    wander = max(np.std((tops + bottoms) / 2), np.std((lefts + rights) / 2)) / sizes.mean()
    return float(wander), float(np.exp(np.std(np.log(sizes))))


def draw_contact_sheet(dataset: Dataset, per_class: int = 10, seed: int = 0) -> Figure:
    """Draw training images of every class, a row a class.

    Args:
        dataset: The images.
        per_class: How many images a row has at most, from 1 to 100.
        seed: Decides which are drawn from a class.

    Returns:
        A figure that belongs to no window; `figure.savefig` writes it.

    Raises:
        SettingError: `per_class` is out of range.
    """
    check_range("per_class", per_class, 1, 100)
    sheet = _compose(dataset, per_class, seed)
    from lenet.core import Drawing

    row_height = dataset.image_shape[1] + _GAP
    factor = max(1, round(_LEAST_SIDE / dataset.image_shape[1]))
    counts = np.bincount(dataset.train.labels, minlength=len(dataset.class_names))
    escaped = map(escape_name, dataset.class_names)
    shortened = (name if len(name) <= 24 else f"{name[:23]}…" for name in escaped)
    names = [f"{name} ({count:,})" for name, count in zip(shortened, counts, strict=True)]
    sheet = sheet.repeat(factor, axis=0).repeat(factor, axis=1)
    height, width = sheet.shape[:2]
    figure = Drawing(figsize=(width / _DOTS, height / _DOTS), dpi=_DOTS)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(sheet, interpolation="nearest")
    axes.set_frame_on(False)
    axes.set_xticks([])
    middles = (np.arange(len(names)) + 0.5) * row_height * factor
    axes.set_yticks(middles, names, fontsize=9, parse_math=False)
    axes.tick_params(length=0)
    title = f"{escape_name(dataset.name)}: training images"
    axes.set_title(title, fontsize=10, loc="left", parse_math=False)
    words = figure.get_tightbbox()
    # In whole dots, so that no pixel of an image is wider than another.
    left, below = (math.ceil(_MARGIN - _DOTS * end) for end in words.min)
    right, above = (math.ceil(_MARGIN + _DOTS * end) for end in words.max)
    whole = left + right, below + above
    figure.set_size_inches(whole[0] / _DOTS, whole[1] / _DOTS)
    axes.set_position((left / whole[0], below / whole[1], width / whole[0], height / whole[1]))
    return figure


def _compose(dataset: Dataset, per_class: int, seed: int) -> npt.NDArray[np.uint8]:
    """The images on their ground, uint8 (H, W, 3)."""
    generator = np.random.default_rng(seed)
    _, height, width = dataset.image_shape
    labels = dataset.train.labels
    columns = min(per_class, int(np.bincount(labels).max()))
    cell = height + _GAP, width + _GAP
    shape = (len(dataset.class_names) * cell[0], columns * cell[1], 3)
    sheet = np.full(shape, _GROUND, np.uint8)
    for row in range(len(dataset.class_names)):
        members = np.flatnonzero(labels == row)
        chosen = np.sort(generator.permutation(members)[:columns])
        for column, index in enumerate(chosen):
            image = dataset.train.images[index].transpose(1, 2, 0)
            top, left = row * cell[0] + _GAP // 2, column * cell[1] + _GAP // 2
            sheet[top : top + height, left : left + width] = image
    return sheet
