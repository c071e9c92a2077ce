"""What is searched over: for each setting its values, or a range of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, get_origin

from lenet.core import Settings, check_setting, field_types, parse_setting, shorten
from lenet.errors import SettingError, UnknownNameError
from lenet.models import unknown_setting
from lenet.training import deciding_settings, setting_applies

if TYPE_CHECKING:
    from optuna import Trial

_MOST_STEPS = 1_000_000_000
_PREFIXES = ("log", "int")
_EXAMPLES = "`0.8,0.9,0.95`, `log:0.01..1` or `64..512:64`"


@dataclass(frozen=True)
class Dimension:
    """A setting with the values that it may have in a sweep.

    Attributes:
        name: The setting.
        choices: The values, where they are listed; none for a range.
        low: The least value of a range.
        high: The greatest value of a range.
        step: What lies between two values of a range; 0 for any number.
        log: Whether a range is searched by ratios, so that 0.01 to 0.1 weighs as 0.1 to 1 does.
        text: How it is typed.
    """

    name: str
    choices: tuple[Any, ...] = ()
    low: float = 0
    high: float = 0
    step: float = 0
    log: bool = False
    text: str = ""

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values that show whether the setting may have them: all choices, or both ends."""
        return self.choices or (self.low, self.high)

    def suggest(self, trial: Trial) -> Any:
        """Let Optuna choose a value."""
        if self.choices:
            labels = [_label(choice) for choice in self.choices]
            return self.value_of(trial.suggest_categorical(self.name, labels))
        if isinstance(self.low, int):
            return trial.suggest_int(
                self.name, int(self.low), int(self.high), step=int(self.step), log=self.log
            )
        return trial.suggest_float(
            self.name, self.low, self.high, step=self.step or None, log=self.log
        )

    def holds(self, label: Any) -> bool:
        """Whether what a storage holds is one of the values."""
        if self.choices:
            return any(type(one) is type(self.value_of(label)) and one == self.value_of(label)
                       for one in self.choices)  # fmt: skip
        return type(label) in (int, float) and self.low <= label <= self.high

    def value_of(self, label: Any) -> Any:
        """The value that a storage holds, in the setting's own type."""
        return next((choice for choice in self.choices if _label(choice) == label), label)


def parse_dimension(
    classes: Sequence[type[Settings]], name: str, values: str | Sequence[Any]
) -> Dimension:
    """The values of a setting, as they are typed or listed.

    Args:
        classes: The classes that may have the setting, each with its type.
        name: The setting.
        values: A list of values; or a text: values after commas, as `0.8,0.9,0.95`, lists after
            slashes, as `6,16/16,32`; a range as `0.1..0.9`, after `log:` for one that is searched
            by ratios, with `:` and a step behind it where not any number is meant.

    Raises:
        UnknownNameError: There is no such setting.
        SettingError: The values are of the wrong type, too few, or twice the same, or the range is
            none.

    >>> from lenet.training import Recipe
    >>> parse_dimension([Recipe], "learning_rate", "log:0.01..1").ends
    (0.01, 1.0)
    >>> parse_dimension([Recipe], "momentum", [0, 0.9]).choices
    (0.0, 0.9)
    """
    owner = next((cls for cls in classes if name in field_types(cls)), None)
    if owner is None:
        known = dict.fromkeys(field for cls in classes for field in field_types(cls))
        raise unknown_setting(name, "the network", known)
    if isinstance(values, str) and ".." in values:
        return _parse_range(field_types(owner)[name], name, values)
    if isinstance(values, str):
        separator = "/" if get_origin(field_types(owner)[name]) is tuple else ","
        parts = [part.strip() for part in values.split(separator) if part.strip()]
        choices = [parse_setting(owner, name, part) for part in parts]
    elif isinstance(values, Sequence):
        choices = [check_setting(owner, name, value) for value in values]
    else:
        message = f"`{name}` is searched over values or a range, as {_EXAMPLES}, not {values!r}."
        raise SettingError(message)
    if len(choices) < 2:
        message = f"`{name}` needs at least two values to search over, or a range as `0.1..0.9`."
        raise SettingError(message)
    labels = [_label(choice) for choice in choices]
    for label in labels:
        if labels.count(label) > 1:
            message = f"`{name}` is to be searched over `{_typed(label)}` twice."
            raise SettingError(message)
    separator = "/" if isinstance(choices[0], tuple) else ","
    return Dimension(name, tuple(choices), text=separator.join(map(_typed, labels)))


def parse_space(
    classes: Sequence[type[Settings]], search: Mapping[str, str | Sequence[Any]]
) -> list[Dimension]:
    """All dimensions of a search.

    Raises:
        SettingError: One is wrong, or there is none.
    """
    if not search:
        message = (
            "There is nothing to search over. Name settings with their values, such as "
            "`--search learning_rate=log:0.01..1`."
        )
        raise SettingError(message)
    return [parse_dimension(classes, name, values) for name, values in search.items()]


def choose(dimensions: Sequence[Dimension], value_of: Callable[[Dimension], Any]) -> dict[str, Any]:
    """Ask for a value for each setting that applies beside those chosen before.

    >>> from lenet.training import Recipe
    >>> space = parse_space([Recipe], {"momentum": "0,0.9", "optimiser": "sgd,adam"})
    >>> choose(space, lambda dimension: dimension.choices[1])
    {'optimiser': 'adam'}
    """
    names = {dimension.name for dimension in dimensions}

    def depth(name: str) -> int:
        return max((1 + depth(other) for other in deciding_settings(name) & names), default=0)

    chosen: dict[str, Any] = {}
    for dimension in sorted(dimensions, key=lambda dimension: depth(dimension.name)):
        if setting_applies(dimension.name, chosen):
            chosen[dimension.name] = value_of(dimension)
    return chosen


def _parse_range(annotation: Any, name: str, text: str) -> Dimension:
    """`0.1..0.9`, `log:0.01..1`, `int:64..512`, `64..512:64`."""
    if annotation not in (int, float):
        message = f"`{name}` is no number, so it has no range; list its values: `{name}=A,B`."
        raise SettingError(message)
    *prefixes, low_text = text.partition("..")[0].split(":")
    high_text, _, step_text = text.partition("..")[2].partition(":")
    for prefix in prefixes:
        if prefix.strip() not in _PREFIXES:
            raise UnknownNameError("kind of range", prefix.strip(), _PREFIXES)
    kinds = {prefix.strip() for prefix in prefixes}
    if "int" in kinds and annotation is float:
        message = f"`{name}` is not a whole number; leave out `int:`, or add a step as `0..1:0.1`."
        raise SettingError(message)
    low, high = (_number(annotation, name, part) for part in (low_text, high_text))
    step = _number(annotation, name, step_text) if step_text else int(annotation is int)
    log = "log" in kinds
    wrong = ""
    if low >= high:
        wrong = "begins at or above its end"
    elif log and low <= 0:
        wrong = "begins at or below 0, which no ratio leads to"
    elif log and step_text:
        wrong = "is searched by ratios, so it can't have steps"
    elif step_text and (step <= 0 or _steps(low, high, step).denominator > 1):
        wrong = f"does not come to its end in steps of {step:g}"
    elif step_text and _steps(low, high, step) > _MOST_STEPS:
        wrong = f"has more than {_MOST_STEPS:,} steps of {step:g}"
    if wrong:
        message = f"`{name}`: the range `{text}` {wrong}."
        raise SettingError(message)
    typed = f"{'log:' * log}{low!r}..{high!r}" + (f":{step!r}" if step_text else "")
    return Dimension(name, low=low, high=high, step=step, log=log, text=typed)


def _steps(low: float, high: float, step: float) -> Fraction:
    """How many steps a range has, as it is typed: 0 to 0.3 has three of 0.1."""
    return (Fraction(str(high)) - Fraction(str(low))) / Fraction(str(step))


def _number(annotation: Any, name: str, text: str) -> float:
    try:
        if not re.fullmatch(r"\s*[-+.\deE]+\s*", text):
            raise ValueError
        number: float = annotation(text)
        if not math.isfinite(number):
            raise ValueError
    except (ValueError, OverflowError):
        kind = "a whole number" if annotation is int else "a number"
        message = f"`{name}` has a range from one number to another, as {_EXAMPLES}: "
        message += f"`{shorten(text)}` is not {kind}."
        raise SettingError(message) from None
    return number


def _label(value: Any) -> Any:
    """A value as a storage can hold it."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else value


def _typed(value: Any) -> str:
    """A value as it is typed on the command line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, float) else str(value)
