"""A network and its recipe as a file that a person can read and change: TOML, a setting a line."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lenet.core import Settings, check_setting, field_types, reading_errors
from lenet.errors import LenetError, SettingError
from lenet.models import MODELS, unknown_setting
from lenet.training._recipe import Recipe

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_OF_THE_DATA = ("input_shape", "classes")
_SEARCH = "search"


@dataclass(frozen=True)
class RecipeFile:
    """What a recipe file holds.

    Attributes:
        model: The network's name in the registry; `None` where the file has none.
        preset: The preset's name; `None` where the file has none.
        settings: Fields of `Recipe` and of the network's settings, each of its own type.
        search: The table `[search]` as it stands there; only in a file for `lenet sweep`.
    """

    model: str | None = None
    preset: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    search: dict[str, Any] = field(default_factory=dict)


def read_recipe_file(path: Path | str, *, with_search: bool = False) -> RecipeFile:
    """Read a recipe file: `model`, `preset` and settings by their names, a line each.

    Args:
        path: The file, TOML.
        with_search: Whether there may be a table `[search]`.

    Raises:
        SettingError: The file is not there or is no TOML, or a name or value in it is wrong.
            Whether the values suit each other shows when they are used.
    """
    path = Path(path)
    try:
        with reading_errors(path, SettingError):
            content = path.read_bytes()
        values = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        message = f"`{path}` is no TOML: {error}."
        raise SettingError(message) from error
    try:
        return _checked(values, with_search)
    except LenetError as error:
        message = f"In `{path}`: {error}"
        raise SettingError(message) from error


def _checked(values: dict[str, Any], with_search: bool) -> RecipeFile:
    """The content of a file, with every name and type looked at."""
    values = dict(values)
    search = values.pop(_SEARCH, {})
    if search and not with_search:
        message = f"`[{_SEARCH}]` is for `lenet sweep --space`; a recipe has a value each."
        raise SettingError(message)
    if not isinstance(search, dict):
        message = f"`{_SEARCH}` must be a table, which begins with the line `[{_SEARCH}]`."
        raise SettingError(message)
    names = {name: _text(name, values.pop(name, None)) for name in ("model", "preset")}
    model = names["model"]
    configs = [MODELS[model].config] if model in MODELS else [e.config for e in MODELS.values()]
    classes: list[type[Settings]] = [Recipe, *configs]
    settings = {}
    for name, value in values.items():
        if name in _OF_THE_DATA:
            message = f"`{name}` comes from the data; leave it out."
            raise SettingError(message)
        owner = next((cls for cls in classes if name in field_types(cls)), None)
        if owner is None:
            known = [known for cls in classes for known in field_types(cls)]
            known = [known for known in known if known not in _OF_THE_DATA]
            network = f"`{model}`" if model else "the network"
            raise unknown_setting(name, network, dict.fromkeys(["model", "preset", *known]))
        settings[name] = check_setting(owner, name, value)
    return RecipeFile(**names, settings=settings, search=search)


def _text(name: str, value: Any) -> str | None:
    """A name that a file gives."""
    if value is None or isinstance(value, str):
        return value
    message = f"`{name}` must be text, not {value!r}."
    raise SettingError(message)


def recipe_text(model: str, recipe: Recipe, settings: Mapping[str, Any], comment: str = "") -> str:
    """The content of a recipe file that leaves nothing open.

    Args:
        model: The network's name in the registry.
        recipe: How it is trained.
        settings: The network's settings.
        comment: What stands above, any number of lines.

    >>> print(recipe_text("softmax", Recipe(epochs=3), {"initialisation": "normal"}, "Mine."))
    # Mine.
    model = "softmax"
    initialisation = "normal"
    epochs = 3
    ...
    """
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    values = {"model": model} | dict(settings) | recipe.to_dict()
    lines += [
        f"{name} = {_as_toml(value)}" for name, value in values.items() if name not in _OF_THE_DATA
    ]
    return "\n".join(lines) + "\n"


def _as_toml(value: Any) -> str:
    """A setting's value; every one that JSON writes is TOML too."""
    return json.dumps(value, ensure_ascii=False)
