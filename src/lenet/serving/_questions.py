"""What the address of a request asks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import parse_qsl

from lenet.errors import SettingError, UnknownNameError
from lenet.serving._http_errors import HttpError
from lenet.serving._messages import Question

_PARAMETERS = ("model", "top", "threshold", "many", "image")
_MOST_CLASSES = 1000
_TRUTH = {"": True, "true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_MOST_KEPT = 256  # of the last queries, most of which are equal


class QuestionReader:
    """Reads queries such as `model=digits&top=3`; equal ones once.

    Args:
        model_names: Of the models that are served; the first is asked where none is named.
    """

    def __init__(self, model_names: Sequence[str]):
        self._names = list(model_names)
        self._read = lru_cache(_MOST_KEPT)(self._read_anew)

    def __call__(self, query: bytes) -> Question:
        """What a query asks.

        Raises:
            HttpError: 404 for a model that is not served, 422 for anything else that is wrong.
        """
        return self._read(query)

    def _read_anew(self, query: bytes) -> Question:
        values: dict[str, str] = {}
        try:
            pairs = parse_qsl(query.decode(), keep_blank_values=True)
            for name, value in pairs:
                if name not in _PARAMETERS:
                    raise UnknownNameError("parameter", name, _PARAMETERS)
                if name in values:
                    message = f"`{name}` stands twice in the address."
                    raise SettingError(message)
                values[name] = value
            return Question(
                self.place_of(values["model"]) if "model" in values else 0,
                _whole_number("top", values.get("top", "3")),
                _share("threshold", values["threshold"]) if "threshold" in values else None,
                _truth("many", values.get("many", "false")),
                _truth("image", values.get("image", "false")),
            )
        except ValueError as error:
            raise HttpError(422, "The address holds bytes that are no text.") from error
        except SettingError as error:
            raise HttpError(422, str(error)) from error

    def place_of(self, model: str) -> int:
        """The place of a model among those that are served.

        Raises:
            HttpError: 404: there is none of that name.
        """
        if model not in self._names:
            raise HttpError(404, str(UnknownNameError("model", model, self._names)))
        return self._names.index(model)


def _whole_number(name: str, text: str) -> int:
    """How many classes to give."""
    if text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= _MOST_CLASSES and len(text) < 5:
        return int(text)
    message = f"`{name}` must be a whole number from 1 to {_MOST_CLASSES}, not `{text}`."
    raise SettingError(message)


def _share(name: str, text: str) -> float:
    """A probability."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if 0 <= value <= 1:
        return value
    message = f"`{name}` must be a number from 0 to 1, not `{text}`."
    raise SettingError(message)


def _truth(name: str, text: str) -> bool:
    """Yes or no."""
    if text.lower() in _TRUTH:
        return _TRUTH[text.lower()]
    message = f"`{name}` must be `true` or `false`, not `{text}`."
    raise SettingError(message)
