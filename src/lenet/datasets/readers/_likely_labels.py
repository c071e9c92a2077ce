"""Whether a column of numbers that nobody named looks like labels, or rather like a pixel."""

import re
from collections import Counter
from typing import Literal

_WHOLE = re.compile(r"\d{1,3}(\.0*(e\+00)?)?|\d\.\d*0*e\+0[12]")
_HIGHEST_LABEL = 100  # that a column may hold and look like labels; pixels go further
_LEAST_LINES = 8  # that a column must have to look like anything
_MOSTLY = 0.9  # of its lines hold one value: a pixel at the edge, rather than labels
_MOST_CLASSES = 1000
_FAR_FEWER = 4  # times fewer values than the other end of the line

End = Literal["first", "last"]


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, as NumPy reads it: Python's `1_0` is none.

    >>> is_number(" 1.5e3"), is_number("1_0"), is_number("\u0661")
    (True, False, False)
    """
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii() and "_" not in cell


def judge_ends(table: str, first: Counter[str], last: Counter[str]) -> tuple[End | None, str]:
    """Which end of a table's lines holds the label, `None` where either may; and how sure that is.

    Args:
        table: What the table is called.
        first: How often the first column holds which value.
        last: The same of the last column.
    """
    # A text further down is no pixel.
    numeric = [all(is_number(value) for value in values if value) for values in (first, last)]
    if numeric == [True, False]:
        return "last", ""
    if not numeric[0]:
        return "first", ""
    found = _more_like_labels(first, last)
    if found is None:
        return None, ""
    other = "last" if found == "first" else "first"
    held, beside = (first, last) if found == "first" else (last, first)
    note = (
        f"`{table}` does not name its columns; its {found} one is taken for the label: "
        f"{_what_is_held(held)} there, {_what_is_held(beside)} in its {other} one. "
        f"`--label-column {other}` takes that."
    )
    return found, note


def _what_is_held(values: Counter[str]) -> str:
    """What a column holds, in words."""
    numbers = sorted(map(float, filter(is_number, values)))
    if not numbers:
        return "no numbers"
    if len(values) == 1:
        return f"{numbers[0]:g} alone"
    return f"{len(values):,} values from {numbers[0]:g} to {numbers[-1]:g}"


def _more_like_labels(first: Counter[str], last: Counter[str]) -> End | None:
    """The end of a line that looks more like labels; `None` where either does."""
    plain = _look_like_labels(first), _look_like_labels(last)
    if all(plain):
        shares = [max(values.values()) / values.total() for values in (first, last)]
        if shares[0] < _MOSTLY < shares[1]:
            return "first"
        return "last" if shares[1] < _MOSTLY < shares[0] else None
    if any(plain):
        return "first" if plain[0] else "last"
    may_be = _may_be_labels(first), _may_be_labels(last)
    if all(may_be):
        if _FAR_FEWER * len(first) <= len(last):
            return "first"
        return "last" if _FAR_FEWER * len(last) <= len(first) else None
    return "last" if may_be[1] else "first"


def _look_like_labels(values: Counter[str]) -> bool:
    """Whether they count classes: few whole numbers from 0 or 1 on without gaps, each repeated."""
    if values.total() < max(_LEAST_LINES, 2 * len(values)):
        return False
    if not all(map(_WHOLE.fullmatch, values)):
        return False
    numbers = {int(float(value)) for value in values}
    lowest, highest = min(numbers), max(numbers)
    has_no_gaps = highest + 1 - lowest == len(numbers) > 1
    return has_no_gaps and lowest <= 1 and highest <= _HIGHEST_LABEL


def _may_be_labels(values: Counter[str]) -> bool:
    """Whether they may be classes of any numbers: several, each repeated, none nearly all."""
    if values.total() < max(_LEAST_LINES, 2 * len(values)) or not 1 < len(values) <= _MOST_CLASSES:
        return False
    is_varied = max(values.values()) < _MOSTLY * values.total()
    return is_varied and all(float(value).is_integer() for value in values if is_number(value))
