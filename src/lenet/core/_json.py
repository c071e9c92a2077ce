"""JSON as files have it: read with care, and written with finite numbers."""

import json
import math
from pathlib import Path
from typing import Any

from lenet._version import __version__
from lenet.core._storage import open_to_read
from lenet.core._words import shorten
from lenet.errors import LenetError


def parse_json(text: str | bytes) -> Any:
    """Read JSON as it is meant (RFC 8259); what is no finite number is as good as nothing, `None`.

    Raises:
        ValueError: It is no JSON, nested deeper than anything that lenet writes, or an object has
            two values of one name, of which each reader would take another.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    text = text.removeprefix("\ufeff")  # some editors put one first
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_finite,
            parse_constant=lambda _: None,  # NaN and infinities, which other programs write
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:
        if "integer string conversion" in str(error):  # Python's, with advice to programmers
            raise ValueError("it holds a number of thousands of digits") from None
        raise


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        message = f"it has `{shorten(twice)}` twice"
        raise ValueError(message)
    return found


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def json_text(values: Any, **style: Any) -> str:
    """The JSON of plain values; a number that is not finite, which JSON does not have, is `null`.

    Args:
        values: What JSON can hold.
        style: As `json.dumps` takes it: `indent=2`.
    """
    return json.dumps(finite_values(values), allow_nan=False, **style)


def finite_values(value: Any) -> Any:
    """Plain values as JSON has them (RFC 8259, section 6): NaN and infinities become `None`."""
    if isinstance(value, dict):
        return {key: finite_values(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite_values(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_json_object(path: Path, error_class: type[LenetError]) -> dict[str, Any]:
    """Read a JSON file that holds an object; anything else is an error of a class."""
    try:
        with open_to_read(path, error_class) as file:
            content = file.read()
        values = parse_json(content)
        if not isinstance(values, dict):
            raise ValueError("it holds no object")
        return values
    except ValueError as error:
        message = f"`{path}` is damaged: {error}."
        raise error_class(message) from error


def newer_version(values: Any) -> str | None:
    """The version of lenet that wrote some values, as they have it, if it is newer than this one.

    >>> newer_version({"version": "999.1"}), newer_version({"version": "0.0.1"}), newer_version({})
    ('999.1', None, None)
    """
    from packaging.version import InvalidVersion, Version

    wrote = values.get("version") if isinstance(values, dict) else None
    try:
        return wrote if isinstance(wrote, str) and Version(wrote) > Version(__version__) else None
    except InvalidVersion:
        return None
