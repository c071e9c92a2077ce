"""What the names of a table's columns say about them."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain

from lenet.datasets.readers._arrays import image_shape
from lenet.datasets.readers._likely_labels import is_number

LABEL_NAMES: tuple[str, ...] = ("label", "labels", "class", "target", "category", "y")
LABEL_NAMES += ("class_label", "class_name", "classid", "class_id", "label_name", "emotion")
FILE_NAMES: tuple[str, ...] = ("path", "file", "filename", "file_name", "filepath", "file_path")
FILE_NAMES += ("image", "img", "image_path", "image_name", "picture", "filenames", "fname")
ID_NAMES = ("id", "image_id", "imageid", "img_id", "id_code")  # a file's without its ending
ROW_NAMES = ("", "id", "index", "unnamed: 0", "image_id", "imageid", "row_id")  # number the lines
PART_NAMES = ("split", "usage", "subset", "partition", "part")
PIXEL_NAME = re.compile(
    r"(pixels?|px|p|x|r|g|b|red|green|blue)?[ _.-]?\d+([x_. -]\d+){0,2}[ _.-]?"
    r"(r|g|b|red|green|blue)?",
    re.IGNORECASE,
)
_CHANNEL = re.compile(r"(?:^|[\d _.-])(r|g|b|red|green|blue)(?=$|[\d _.-])")
ONE_OF = re.compile(r"(label|class|target|category|y)[ _.:-](.+)", re.IGNORECASE)
LEAST_PIXELS = 4


def column_names(first: Sequence[str]) -> list[str] | None:
    """The names in a table's first line, in lower case; `None` where it is a line as others are."""
    names = [cell.strip().lower() for cell in first]
    texts = [name for name in names if not is_number(name)]
    has_pixels = len(first) > LEAST_PIXELS
    known = {*LABEL_NAMES, *FILE_NAMES, *ID_NAMES} & set(names)
    if has_pixels and len(texts) == 1:
        known.discard("y")  # it is a letter's label, if what follows does not number the pixels
    numbered = texts and counts_up([name for name in names if is_number(name)])
    is_pixels = all(PIXEL_NAME.fullmatch(name) for name in texts)
    is_header = known or numbered or (has_pixels and (len(texts) > 1 or (texts and is_pixels)))
    return names if is_header else None


def counts_up(cells: Sequence[str]) -> bool:
    """Whether cells number the columns, as programs do that have no names for them.

    So does what pandas makes of a line of pixels that it took for names: of 0, 0 and 0 come 0, 0.1
    and 0.2.

    >>> counts_up(["0", "1", "2", "3"]), counts_up(["5", "0", "0.1", "0.2", "7", "0.3"])
    (True, True)
    >>> counts_up(["5", "0", "0", "0", "7", "0"])
    False
    """
    if len(cells) < LEAST_PIXELS:
        return False
    cells = [cell.strip() for cell in cells]
    if all(cell.isdecimal() for cell in cells):
        numbers = list(map(int, cells))
        return numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    met: Counter[str] = Counter()
    for cell in cells:
        base, point, copy = cell.partition(".")
        if not base.isdecimal() or (point and copy != str(met[base])) or (not point and met[base]):
            return False
        met[base] += 1
    return len(met) < len(cells)


def named_shape(names: Sequence[str]) -> tuple[int, int, int] | None:
    """The shape of a grey picture whose pixels are called by their rows and columns."""
    places = [tuple(map(int, re.findall(r"\d+", name))) for name in names]
    if not places or any(len(place) != 2 for place in places) or len(set(places)) < len(places):
        return None
    height, width = (len({place[axis] for place in places}) for axis in range(2))
    is_in_order = sorted(places) == places
    if 1 in (height, width) and image_shape(len(places)):
        return None  # `set1_0`, `set1_1`: the same number in every name is no row
    return (height, width, 1) if is_in_order and height * width == len(places) else None


def in_order(names: Sequence[str], pixels: list[int]) -> list[int]:
    """The columns of pixels as their names number them, where these tell one order.

    A program that sorts names as texts puts `pixel10` before `pixel2`.

    >>> in_order(sorted(f"pixel{number}" for number in range(11)), [*range(11)])
    [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 2]
    """
    places = {column: tuple(map(int, re.findall(r"\d+", names[column]))) for column in pixels}
    beginnings = {re.split(r"\d", names[column], maxsplit=1)[0] for column in pixels}
    lengths = {len(place) for place in places.values()}
    if len(beginnings) > 1 or not lengths <= {1, 2} or len(lengths) > 1:
        return pixels
    ordered = sorted(pixels, key=places.__getitem__)
    found = [places[column] for column in ordered]
    if lengths == {1}:
        is_whole = [at for (at,) in found] == list(range(found[0][0], found[0][0] + len(found)))
        return ordered if is_whole else pixels
    rows, columns = (sorted({place[axis] for place in found}) for axis in range(2))
    is_whole = found == [(row, column) for row in rows for column in columns]
    by_columns = sorted(pixels, key=lambda column: places[column][::-1])
    # Where the second number changes last, `0_1` may as well be an x and a y.
    return ordered if is_whole and pixels != by_columns else pixels


def in_planes(names: Sequence[str], pixels: list[int]) -> tuple[list[int], bool | None]:
    """The columns of red, green and blue pixels, plane after plane where their names say which."""
    matches = [_CHANNEL.search(names[column]) for column in pixels]
    channels = [match[1][0] for match in matches if match]
    if len(channels) == len(pixels) and Counter(channels) == dict.fromkeys("rgb", len(pixels) // 3):
        paired = list(zip(channels, pixels, strict=True))
        return list(chain(*([c for channel, c in paired if channel == one] for one in "rgb"))), True
    numbers = [tuple(map(int, re.findall(r"\d+", names[column]))) for column in pixels]
    if all(len(one) == 3 for one in numbers):
        for axis, is_planar in ((2, False), (0, True)):
            if len({one[axis] for one in numbers}) == 3:
                return pixels, is_planar
    return pixels, None
