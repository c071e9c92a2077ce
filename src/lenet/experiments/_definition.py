"""All that decides what a sweep tries, and what is known of each trial."""

from __future__ import annotations

import hashlib
import itertools
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from lenet.core import Settings, check_range, field_types, json_text, read_record
from lenet.datasets import Dataset, DataSource
from lenet.errors import LenetError, ModelError, SettingError, SweepError
from lenet.experiments._job import State, hold_out
from lenet.experiments._options import SamplerName, SweepOptions
from lenet.experiments._space import Dimension, choose, parse_space
from lenet.models import MODELS, model_config, unknown_setting
from lenet.runs import Plan, make_plan
from lenet.training import Recipe, override_settings

HELD_OUT = 0.1  # of the training images, where the recipe holds out none
_OF_THE_DATA = ("input_shape", "classes")
_NOT_COMPARED = ("source",)  # images of one's own are told by their fingerprint
_MOST_COMBINATIONS = 500


@dataclass(frozen=True)
class Definition:
    """All that decides what a sweep tries; most of its `sweep.json`.

    Attributes:
        dataset: The dataset's name.
        fingerprint: SHA-256 of its images and labels.
        source: Where images of one's own were read from and how; `None` for other data.
        model: The network's name in the registry.
        preset: The preset that network and recipe began from.
        recipe: The recipe that the search begins from, as `lenet train` would take it.
        settings: The network's settings that differ from its defaults.
        validation: Share of the training images that all trials are scored on; 0 where the data
            came with a validation split and the recipe names no share.
        search: The settings that are searched over, each with its values as typed.
        seed: Decides the held-out images and, with a trial's number, all that is random in it.
        sampler: What chooses the values: `tpe` learns from the trials before (Bergstra et al.
            2011), `random` does not.
        prune: Whether trials that fall behind are stopped.
        warm_up: So many first epochs no trial is stopped in.
    """

    dataset: str
    fingerprint: str
    source: DataSource | None
    model: str
    preset: str
    recipe: Recipe
    settings: dict[str, Any]
    validation: float
    search: dict[str, str]
    seed: int
    sampler: SamplerName
    prune: bool
    warm_up: int

    @property
    def dimensions(self) -> list[Dimension]:
        """What is searched over."""
        return parse_space([Recipe, MODELS[self.model]], self.search)

    @property
    def name(self) -> str:
        """A name that the same sweep always has and another one does not."""
        content = json_text(self._compared(), sort_keys=True)
        return f"{self.dataset}-{self.model}-{hashlib.sha256(content.encode()).hexdigest()[:6]}"

    def recipe_with(self, values: Mapping[str, Any]) -> Recipe:
        """A trial's recipe, with the validation split that all trials have.

        Raises:
            SettingError: The values do not suit each other.
        """
        of_recipe = {name: value for name, value in values.items() if name in field_types(Recipe)}
        of_recipe["validation"] = self.validation
        return Recipe.from_dict(override_settings(self.recipe.to_dict(), of_recipe))

    def network_with(
        self, values: Mapping[str, Any], data: Dataset | None = None
    ) -> dict[str, Any]:
        """All settings of a trial's network but those that come from the data.

        Raises:
            SettingError: A value is out of range.
            ModelError: The layers do not fit each other or the images.
        """
        own = {name: value for name, value in values.items() if name not in field_types(Recipe)}
        if data:
            own |= {"input_shape": data.image_shape, "classes": len(data.class_names)}
        network = model_config(self.model, self.settings | own).to_dict()
        return {name: value for name, value in network.items() if name not in _OF_THE_DATA}

    def hold_out(self, data: Dataset) -> Dataset:
        """The images of a trial: a validation split that all trials have, and no test images."""
        return hold_out(data, self.validation, self.seed)

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Definition:
        """Read the values back, from among others.

        Raises:
            LenetError: One is missing, unknown, ill-typed or out of range.
        """
        kept = read_record(cls, values, passed_over=None)
        config = model_config(kept.model, kept.settings)
        parse_space([Recipe, type(config)], kept.search)
        check_range("seed", kept.seed, 0, 2**63 - 1)
        check_range("warm_up", kept.warm_up, 0, 1_000_000)
        if not 0 <= kept.validation < 1:
            message = f"`validation` must be at least 0 and below 1, not {kept.validation}."
            raise SettingError(message)
        return replace(kept, settings={name: getattr(config, name) for name in kept.settings})

    def require_same(self, other: Definition, where: str) -> None:
        """Raise unless another definition is this one.

        Args:
            other: The one that was found.
            where: Where it was found.

        Raises:
            SweepError: They differ.
        """
        theirs = other._compared()
        for name, value in self._compared().items():
            texts = json_text(theirs[name]), json_text(value)
            if texts[0] != texts[1]:
                found, wanted = (text if len(text) <= 100 else text[:97] + "…" for text in texts)
                message = (
                    f"{where} searches something else: its `{name}` is `{found}`, not `{wanted}`. "
                    "Give this sweep another `--name`."
                )
                raise SweepError(message)

    def _compared(self) -> dict[str, Any]:
        """What makes it the sweep that it is."""
        values = self.to_dict()
        return {name: value for name, value in values.items() if name not in _NOT_COMPARED}


@dataclass(frozen=True)
class SweepTrial:
    """A trial of a sweep.

    Attributes:
        number: Counted from 0, over all workers and machines.
        state: `complete`; `pruned`, as it fell behind the others; `diverged`; `refused`, as its
            settings do not suit each other; `lost`, as its worker was stopped or killed, until it
            is made anew with the same values; `running`.
        settings: The values of the settings that are searched over, but for those that do not
            apply beside the others.
        seed: Of its weights, order and augmentation.
        validation_accuracy: The best epoch's, where an epoch came to its end.
        best_epoch: That epoch, counted from 1.
        epochs: How many epochs were trained.
        seconds: Wall-clock time of its training; `None` where it did not end.
        reason: Why it is not complete.
    """

    number: int
    state: State
    settings: dict[str, Any]
    seed: int
    validation_accuracy: float | None = None
    best_epoch: int | None = None
    epochs: int = 0
    seconds: float | None = None
    reason: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is one of the trials that were asked for."""
        return self.state not in ("lost", "running")

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them."""
        return asdict(self)


def trial_seed(seed: int, number: int) -> int:
    """The seed of a trial, from the sweep's seed and the trial's number.

    >>> trial_seed(0, 0) == trial_seed(0, 0), trial_seed(0, 0) == trial_seed(0, 1)
    (True, False)
    """
    return int(np.random.SeedSequence([seed, number]).generate_state(2)[0])


def define(
    search: Mapping[str, str | Sequence[Any]],
    data: Dataset,
    options: SweepOptions,
    settings: Mapping[str, Any],
) -> Definition:
    """Put a sweep together and look for what can be said against it before anything is trained."""
    message = ""
    for name in search:
        if name in settings:
            message = f"`{name}` can't be both searched over and fixed."
        elif name in _OF_THE_DATA:
            message = f"`{name}` comes from the data; it can't be searched over."
        elif name == "validation":
            message = "All trials are scored on the same images; `validation` can't be searched."
    if not message and settings.get("validation") == 0 and data.validation is None:
        message = "A sweep chooses on held-out images: `validation` must be above 0, such as 0.1."
    if message:
        raise SettingError(message)
    network = make_plan(data.name, options.model, None, options.preset, {}, data).model
    assert isinstance(network, str)
    classes: list[type[Settings]] = [Recipe, MODELS[network]]
    known = [name for cls in classes for name in field_types(cls) if name not in _OF_THE_DATA]
    for name in search:
        if name not in known:
            raise unknown_setting(name, f"`{network}`", dict.fromkeys(known))
    dimensions = parse_space(classes, search)
    plan = _begin(data, options.model, options.preset, dict(settings), dimensions)
    definition = Definition(
        dataset=data.name,
        fingerprint=data.fingerprint(),
        source=data.origin.source if data.origin else None,
        model=network,
        preset=plan.preset,
        recipe=plan.recipe,
        settings=dict(plan.settings),
        validation=plan.recipe.validation or (0.0 if data.validation else HELD_OUT),
        search={dimension.name: dimension.text for dimension in dimensions},
        seed=options.seed,
        sampler=options.sampler,
        prune=options.prune,
        warm_up=options.warm_up,
    )
    _check(definition, settings, dimensions, data)
    return definition


def _begin(
    data: Dataset,
    model: str | None,
    preset: str | None,
    settings: dict[str, Any],
    dimensions: Sequence[Dimension],
) -> Plan:
    """Where the search begins: the preset with what is fixed.

    What is fixed may need what is searched over, as Nesterov's momentum needs one above 0; then it
    begins with the first values that go with it.
    """
    try:
        return make_plan(data.name, model, None, preset, settings, data)
    except SettingError as error:
        for values in _combinations(dimensions):
            asked = choose(dimensions, lambda dimension: values[dimension.name])  # noqa: B023
            with suppress(SettingError):
                return make_plan(data.name, model, None, preset, settings | asked, data)
        raise error


def _combinations(dimensions: Sequence[Dimension]) -> list[dict[str, Any]]:
    """All values and ends of ranges with each other; a sample where they are too many."""
    names = [dimension.name for dimension in dimensions]
    ends = [dimension.ends for dimension in dimensions]
    if _are_few(dimensions):
        chosen: Iterable[tuple[Any, ...]] = itertools.product(*ends)
    else:
        draw = random.Random(0)
        chosen = [tuple(map(draw.choice, ends)) for _ in range(_MOST_COMBINATIONS)]
    return [dict(zip(names, values, strict=True)) for values in chosen]


def _are_few(dimensions: Sequence[Dimension]) -> bool:
    """Whether all combinations can be looked at."""
    return math.prod(len(dimension.ends) for dimension in dimensions) <= _MOST_COMBINATIONS


def _check(
    definition: Definition,
    fixed: Mapping[str, Any],
    dimensions: Sequence[Dimension],
    data: Dataset,
) -> None:
    """Raise if a value is refused whatever stands beside it, or everything is refused."""
    of_recipe = {name: value for name, value in fixed.items() if name in field_types(Recipe)}
    images = len(definition.hold_out(data).train)

    def refusal(values: Mapping[str, Any]) -> LenetError | None:
        try:
            # What a person fixed is not left out of a trial, as what a preset brings is.
            recipe = definition.recipe_with(values).replace(**of_recipe)
            fits = recipe.batch_size <= images
            recipe.require("batch_size", fits, f"at most {images}, the training images")
            definition.network_with(values, data)
        except (SettingError, ModelError) as error:
            return error
        return None

    good: set[tuple[str, Any]] = set()
    refused: dict[tuple[str, Any], LenetError] = {}
    for values in _combinations(dimensions):
        asked = choose(dimensions, lambda dimension: values[dimension.name])  # noqa: B023
        if not (error := refusal(asked)):
            good.update(asked.items())
            # A value that is never asked for is told as what it would be refused for.
            error = refusal(values) if len(asked) < len(values) else None
        if error:
            for pair in values.items():
                refused.setdefault(pair, error)
    for pair, reason in refused.items():
        if not good or (pair not in good and _are_few(dimensions)):
            raise reason
