"""What is to be compared."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lenet.errors import SettingError, UnknownNameError
from lenet.models import MODELS
from lenet.training import PRESETS


@dataclass(frozen=True)
class Contender:
    """A network with its recipe, to be trained with several seeds.

    Attributes:
        label: What it is called in tables and pictures.
        preset: The preset's name; the one that suits network and data where none is given.
        model: The network's name in the registry; the preset's where none is given.
        settings: Fields of the recipe and of the network's settings that are changed.
    """

    label: str
    preset: str | None = None
    model: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)


def make_contenders(
    models: Sequence[str],
    vary: Mapping[str, Sequence[Any]] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> list[Contender]:
    """Every named preset or network with every combination of varied settings.

    Args:
        models: Names of presets or of networks; one without a name is the preset that suits the
            data.
        vary: For each setting the values to try.
        settings: Settings that all have.

    Raises:
        UnknownNameError: A name is neither of a preset nor of a network.
        SettingError: Two are the same, a setting is varied and fixed, or one has no values.

    >>> [contender.label for contender in make_contenders(["lenet"], {"epochs": [1, 2]})]
    ['epochs 1', 'epochs 2']
    """
    vary, settings = vary or {}, dict(settings or {})
    for name, values in vary.items():
        if not values:
            message = f"`{name}` is to be varied, but over no values."
            raise SettingError(message)
        if name in settings:
            message = f"`{name}` can't be both varied and fixed."
            raise SettingError(message)
    contenders = []
    for model in models or [""]:
        for values in itertools.product(*vary.values()):
            changes = dict(zip(vary, values, strict=True))
            label = _label(model if len(models) > 1 or not changes else "", changes)
            contenders.append(Contender(label, *_preset_or_model(model), settings | changes))
    labels = [contender.label for contender in contenders]
    for label in labels:
        if labels.count(label) > 1:
            message = f"`{label}` would be compared with itself."
            raise SettingError(message)
    return contenders


def _preset_or_model(name: str) -> tuple[str | None, str | None]:
    """What a name stands for."""
    if not name:
        return None, None
    if name in PRESETS:
        return name, None
    if name in MODELS:
        return None, name
    raise UnknownNameError("model or preset", name, dict.fromkeys([*MODELS, *PRESETS]))


def _label(model: str, changes: Mapping[str, Any]) -> str:
    """The model's name and what is special about it."""
    parts = [f"{name.replace('_', ' ')} {format_value(value)}" for name, value in changes.items()]
    return ", ".join([model, *parts] if model else parts) or "default"


def format_value(value: Any) -> str:
    """A setting's value as it is typed on the command line."""
    if isinstance(value, (tuple, list)):
        return ",".join(str(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
