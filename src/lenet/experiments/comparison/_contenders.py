"""What is to be compared."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lenet.core import format_setting
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
    models: Sequence[str | Contender],
    vary: Mapping[str, Sequence[Any]] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> list[Contender]:
    """Every named preset or network with every combination of varied settings.

    Args:
        models: Names of presets or of networks; one without a name is the preset that suits the
            data. Or contenders that are put together already.
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
        base = model if isinstance(model, Contender) else Contender(model, *_preset_or_model(model))
        for values in itertools.product(*vary.values()):
            changes = dict(zip(vary, values, strict=True))
            is_named = isinstance(model, Contender) or len(models) > 1 or not changes
            label = _label(base.label if is_named else "", changes)
            changes = base.settings | settings | changes
            contenders.append(replace(base, label=label, settings=changes))
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
    parts = [f"{name.replace('_', ' ')} {format_setting(value)}" for name, value in changes.items()]
    return ", ".join([model, *parts] if model else parts) or "default"
