"""The common part of the frozen dataclasses that hold settings.

A class of settings checks the types of its values when it is made, so that a mistake is named
where it was made and not ten minutes into a training. Its docstring explains each field on a line
of its own; the command line takes its help texts from there.
"""

import dataclasses
import inspect
import re
import types
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from math import isfinite
from operator import index
from pathlib import Path
from typing import Any, Literal, SupportsIndex, TypeVar, Union, get_args, get_origin, get_type_hints

from lenet.core._words import shorten
from lenet.errors import SettingError, UnknownNameError

_TRUTH = {"yes": True, "true": True, "no": False, "false": False}
_TOO_LARGE = 2**1023  # for a float
_TOO_LARGE_A_RECORD = 2**63  # for a whole number of a record, with which others compute
SettingsType = TypeVar("SettingsType", bound="Settings")
RecordType = TypeVar("RecordType")
_OLD_NAMES = {"kernels": "engine"}
_field_types: dict[type, Mapping[str, Any]] = {}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Base of the frozen dataclasses that hold settings."""

    def __post_init__(self) -> None:
        for name, annotation in field_types(type(self)).items():
            value = _checked(name, getattr(self, name), annotation)
            object.__setattr__(self, name, value)

    @classmethod
    def from_dict(cls: type[SettingsType], values: Mapping[str, Any]) -> SettingsType:
        """Make the settings from plain values, as read from a file.

        Raises:
            UnknownNameError: A key is not a field of this class.
            SettingError: A value is of the wrong type or out of range.
        """
        if not isinstance(values, Mapping):
            raise _no_object(values)
        values = _by_new_names(cls, values)
        for name in values:
            if name not in field_types(cls):
                raise UnknownNameError("setting", name, field_types(cls))
        _require_all(cls, values)
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values that JSON can hold."""
        return dataclasses.asdict(self)

    def replace(self: SettingsType, **changes: Any) -> SettingsType:
        """A copy with some settings changed."""
        return self.from_dict({**self.to_dict(), **changes})

    def require(self, name: str, holds: bool, rule: str) -> None:
        """Raise the `SettingError` for a field whose value breaks a rule."""
        if not holds:
            message = f"`{name}` must be {rule}, not {getattr(self, name)!r}."
            raise SettingError(message)


def option(
    default: Any = dataclasses.MISSING,
    *,
    flags: Sequence[str] = (),
    metavar: str | None = None,
    usual: str = "",
    names: Iterable[str] = (),
    argument: bool = False,
    variable: str | None = None,
) -> Any:
    """A field of settings with how it is typed on a command line, where its name does not say it.

    Args:
        default: The field's default; it must be given where there is none.
        flags: The flags, if they are others than the field's name, as `--colour/--grey`.
        metavar: What stands for the value in the help.
        usual: What the help calls the default.
        names: Values that the help names.
        argument: Whether it is typed without a flag, by its place.
        variable: The variable of the environment that it is read from, too.
    """
    typed: dict[str, Any] = {"flags": flags, "metavar": metavar, "usual": usual, "names": names}
    typed |= {"argument": argument, "variable": variable}
    return dataclasses.field(default=default, metadata=typed)


def take_settings(
    cls: type[SettingsType], values: Mapping[str, Any]
) -> tuple[SettingsType, dict[str, Any]]:
    """The settings of a class among others by their names, and the others.

    Raises:
        SettingError: A value is of the wrong type or out of range.
    """
    values = _by_new_names(cls, values)
    own = {name: value for name, value in values.items() if name in field_types(cls)}
    return cls(**own), {name: value for name, value in values.items() if name not in own}


def _by_new_names(cls: type[Settings], values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Values by the names that a class's settings have now."""
    for old, new in _OLD_NAMES.items():
        if old in values and new in field_types(cls):
            values = {new if name == old else name: value for name, value in values.items()}
    return values


def field_types(cls: type[Any]) -> Mapping[str, Any]:
    """The names of a dataclass's fields with their types, in order."""
    if cls not in _field_types:  # which Python reads from texts each time, anew
        hints = get_type_hints(cls)
        _field_types[cls] = {field.name: hints[field.name] for field in dataclasses.fields(cls)}
    return _field_types[cls]


def _require_all(cls: type[Any], values: Mapping[str, Any]) -> None:
    for field in dataclasses.fields(cls):
        has_none = field.default is field.default_factory is dataclasses.MISSING
        if field.name not in values and has_none:
            message = f"`{field.name}` is missing."
            raise SettingError(message)


def _no_object(values: object) -> SettingError:
    return SettingError(f"There should be an object, not {shortened(values)}.")


def read_record(
    cls: type[RecordType], values: object, *, passed_over: Iterable[str] | None = ()
) -> RecordType:
    """Make a dataclass of plain values of what a file holds, each of its field's type.

    Args:
        cls: The class; its fields may be dataclasses themselves, or hold some.
        values: An object as JSON has it; what is made already may stand in it.
        passed_over: Keys of it that are not the class's; any, where it is `None`.

    Raises:
        UnknownNameError: A key is not a field of the class.
        SettingError: A value is missing, of the wrong type or out of range.
    """
    if not isinstance(values, dict):
        raise _no_object(values)
    types = field_types(cls)
    if passed_over is not None:
        for name in values:
            if name not in types and name not in passed_over:
                raise UnknownNameError("key", name, types)
    _require_all(cls, values)
    own = {name: value for name, value in values.items() if name in types}
    return cls(**{name: _checked(name, own[name], types[name], True) for name in own})


def field_help(cls: type[Settings]) -> dict[str, str]:
    """The explanation of each field, from the `Attributes:` of the docstrings of a class's line."""
    explained: dict[str, str] = {}
    for one in reversed(cls.__mro__):
        _, _, attributes = (inspect.cleandoc(one.__doc__ or "")).partition("Attributes:\n")
        attributes = attributes.partition("\n\n")[0]
        entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", attributes, flags=re.MULTILINE)
        explained |= {name: re.sub(r"\s+", " ", text).strip() for name, text in entries}
    return explained


def parse_setting(cls: type[Settings], name: str, text: str) -> Any:
    """Read the value of a field from text, as typed on a command line.

    Raises:
        SettingError: The text is not a value of the field's type.
    """
    annotation = field_types(cls)[name]
    value: Any = text
    for kind in _alternatives(annotation):
        try:
            if get_origin(kind) is tuple:
                item = get_args(kind)[0]
                parts = text.strip().removesuffix(",").split(",") if text.strip() else []
                value = tuple(item(part) for part in parts)
            elif kind in (int, float):
                value = kind(text)
            elif kind is bool:
                value = _TRUTH[text.lower()]
        except (ValueError, KeyError):
            message = f"`{name}` must be {_describe(annotation)}, not `{shorten(text)}`."
            raise SettingError(message) from None
    return _checked(name, value, annotation)


def parse_values(cls: type[Settings], name: str, text: str) -> list[Any]:
    """Read several values of a field: `sigmoid,relu`, and lists after slashes, `6,16/16,32`.

    Raises:
        SettingError: A text is not a value of the field's type.
    """
    separator = "/" if get_origin(field_types(cls)[name]) is tuple else ","
    parts = [part.strip() for part in text.split(separator)]
    return [parse_setting(cls, name, part) for part in parts if part]


def format_setting(value: object, digits: int = 6) -> str:
    """A setting's value as a person reads and types it.

    Args:
        value: Of any field's type.
        digits: Of a number that is not whole.

    >>> format_setting((6, 16)), format_setting(True), format_setting(0.05)
    ('6,16', 'yes', '0.05')
    """
    if isinstance(value, (tuple, list)):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def check_setting(cls: type[Any], name: str, value: Any) -> Any:
    """A value that came from a file, in its field's type.

    Raises:
        SettingError: It is not a value of the field's type.
    """
    return _checked(name, value, field_types(cls)[name])


def check_range(name: str, value: int, lowest: int, highest: int) -> None:
    """Raise the `SettingError` for what is no whole number, or one too small or too large."""
    message = ""
    if not isinstance(value, (int, SupportsIndex)):  # the protocol takes long to ask
        message = f"`{name}` must be a whole number, not {value!r}."
    elif value < lowest:
        message = f"`{name}` must be at least {lowest}, not {value}."
    elif value > highest:
        message = f"`{name}` must be at most {highest}, not {value}."
    if message:
        raise SettingError(message)


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the annotation itself as the only one."""
    is_union = get_origin(annotation) in (Union, types.UnionType)
    return get_args(annotation) if is_union else (annotation,)


def _checked(name: str, value: Any, annotation: Any, is_record: bool = False) -> Any:
    """The value in its field's type; an int may stand for a float and a list for a tuple.

    A name may stand for a tuple of one, and a whole number may be NumPy's. In a record no name
    does, and an object stands for a dataclass.
    """
    for kind in _alternatives(annotation):
        origin, inner = get_origin(kind), get_args(kind)
        if kind is Any or (_is_record(kind) and isinstance(value, kind)):
            return value
        if origin is Literal:
            if isinstance(value, str) and value in inner:
                return value
            if isinstance(value, str):
                raise UnknownNameError(name.replace("_", " "), value, inner)
        elif origin is tuple:
            if isinstance(value, str) and inner[0] is str and not is_record:
                return (value,)
            if isinstance(value, (tuple, list)) and (inner[-1] is ... or len(inner) == len(value)):
                try:
                    return tuple(_checked(name, item, inner[0], is_record) for item in value)
                except SettingError:
                    if _is_record(inner[0]):  # else the message below says more
                        raise
        elif origin is dict:
            if isinstance(value, dict):
                return {key: _checked(key, value[key], inner[1], is_record) for key in value}
        elif kind is float and type(value) is int and abs(value) < _TOO_LARGE:
            return float(value)
        elif kind is int and isinstance(value, SupportsIndex) and not isinstance(value, bool):
            if not is_record or abs(index(value)) < _TOO_LARGE_A_RECORD:
                return index(value)
        elif kind is Path and isinstance(value, (str, Path)):
            return Path(value)
        elif is_record and _is_record(kind) and isinstance(value, dict):
            make = getattr(kind, "from_dict", partial(read_record, kind))
            return make(value)
        elif type(value) is kind and not (is_record and kind is float and not isfinite(value)):
            return value
    message = f"`{name}` must be {_describe(annotation, is_record)}, not {shortened(value)}."
    raise SettingError(message)


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and dataclasses.is_dataclass(kind)


def _describe(annotation: Any, is_record: bool = False) -> str:
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    words[Path] = "a path"
    many = {int: "whole numbers such as 6,16", float: "numbers such as 0,4095", str: "names"}
    if is_record:
        many = {int: "a list of whole numbers", float: "a list of numbers", str: "a list of texts"}
    described = []
    for kind in _alternatives(annotation):
        if kind is type(None):
            described.append("none")
        elif get_origin(kind) is tuple:
            inner = get_args(kind)[0]
            of_lists = "a list of lists of numbers" if get_origin(inner) is tuple else "a list"
            described.append(many.get(inner, of_lists))
        elif get_origin(kind) is Literal:
            described.append("one of " + ", ".join(f"`{choice}`" for choice in get_args(kind)))
        else:
            described.append(words.get(kind, "an object"))
    return " or ".join(described)


def shortened(value: object) -> str:
    """A value of any kind as a message can have it: on one line, and none too long.

    >>> shortened("text"), shortened(10**9999)
    ("'text'", 'a huge number')
    """
    try:
        return shorten(repr(value))
    except ValueError:  # a whole number of thousands of digits
        return "a huge number"
    except RecursionError:
        return "lists in lists without end"


EngineName = Literal["auto", "native", "torch", "numpy"]


@dataclasses.dataclass(frozen=True)
class Compute(Settings):
    """Where something is computed, and by what; what comes out is the same up to rounding.

    Attributes:
        device: `cpu`, `cuda`, `mps`, …; `auto` takes the best.
        threads: CPU threads.
        engine: What computes on a CPU: `native` for lenet's compiled kernels, with an error where
            they do not serve; `torch` for PyTorch; `numpy` for NumPy, slowly, in code to be read;
            `auto` for the kernels where they serve, else PyTorch, or NumPy where that is not
            installed.

    Raises:
        SettingError: A value is ill-typed or out of range.
    """

    device: str = "auto"
    threads: int | None = option(None, usual="the cores")
    engine: EngineName = option("auto", flags=("--engine", "--kernels"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threads is not None:
            check_range("threads", self.threads, 1, 1024)
