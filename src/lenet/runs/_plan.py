"""What is to be trained and how: everything that can be said before the data is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from lenet.core import field_types
from lenet.datasets import Dataset
from lenet.errors import ModelError, UnknownNameError
from lenet.kernels import KernelChoice
from lenet.models import (
    MODELS,
    ModelConfig,
    Normalisation,
    build_model,
    identify_model,
    model_config,
    recognise_lenet,
    unknown_setting,
)
from lenet.runs._run_config import RunConfig
from lenet.training import Recipe, override_settings, own, preset_for

_LECUN_BACKGROUND, _LECUN_RANGE = -0.1, 1.275  # so that ink is 1.175


@dataclass(frozen=True)
class Plan:
    """What is to be trained and how.

    Attributes:
        preset: The preset that network and recipe begin from.
        recipe: How to train.
        model: The network's name in the registry; or a network that is already built.
        settings: The network's settings that differ from its defaults.
    """

    preset: str
    recipe: Recipe
    model: str | nn.Module
    settings: dict[str, Any]


def make_plan(
    dataset: str,
    model: str | nn.Module | None,
    recipe: Recipe | None,
    preset: str | None,
    settings: dict[str, Any],
    data: Dataset | None = None,
) -> Plan:
    """Put together what was asked for and what the preset brings, as far as that goes with it.

    Args:
        dataset: The dataset's name, which may decide the preset.
        model: A name in the registry, or a network; the preset's where none is given.
        recipe: How to train; the preset's where none is given.
        preset: The preset's name; the one that suits network and data where none is given.
        settings: Fields of the recipe and of the network's settings, together.
        data: The images, where they are known already; those of one's own decide the preset.

    Raises:
        SettingError: Something is unknown, ill-typed or out of range.
    """
    if isinstance(model, str) and model not in MODELS:
        raise UnknownNameError("model", model, MODELS)
    base = preset_for(
        dataset,
        preset,
        model if isinstance(model, str) else None,
        own_images=_own_images(data, settings) if data and data.origin else None,
    )
    model = base.model if model is None else model
    of_recipe = field_types(Recipe)
    of_model = field_types(MODELS[model].config) if isinstance(model, str) else {}
    for name in settings:
        if name not in of_recipe and name not in of_model:
            network = f"`{model}`" if isinstance(model, str) else "a network that is already built"
            raise unknown_setting(name, network, [*of_recipe, *of_model])
    for_recipe = {name: value for name, value in settings.items() if name in of_recipe}
    for_model = {name: value for name, value in settings.items() if name in of_model}
    if model == base.model:
        for_model = base.settings | for_model
    for_recipe = override_settings((recipe or base.recipe).to_dict(), for_recipe)
    return Plan(base.name, Recipe.from_dict(for_recipe), model, for_model)


def _own_images(data: Dataset, settings: dict[str, Any]) -> tuple[int, int]:
    """How many images there are for training, and how many of them will be held out."""
    images = len(data.train)
    validation = settings.get("validation", own(images).recipe.validation)
    learnt_from = data.with_validation(validation).train if validation else data.train
    return images, images - len(learnt_from)


def build_network(plan: Plan, data: Dataset, seed: int) -> tuple[nn.Module, str, ModelConfig]:
    """The network of a plan for some images, with its name in the registry and its settings.

    Raises:
        ModelError: It does not fit the images, or is of a class that is not registered.
        SettingError: One of its settings is ill-typed or out of range.
    """
    shape = {"input_shape": data.image_shape, "classes": len(data.class_names)}
    if isinstance(plan.model, str):
        config = model_config(plan.model, {**shape, **plan.settings})
        network = build_model(config, seed=seed)
    elif type(plan.model) is nn.Sequential:
        network = recognise_lenet(plan.model, data.image_shape) or plan.model
    else:
        network = plan.model
    name, config = identify_model(network)
    values = config.to_dict()
    data.check_fits(values["input_shape"], values["classes"])
    if any(parameter.dtype is not torch.float32 for parameter in network.parameters()):
        message = "The network's weights must be float32."
        raise ModelError(message)
    return network, name, config


def build_and_describe(
    plan: Plan, data: Dataset, *, seed: int, device: str, threads: int, kernels: KernelChoice
) -> tuple[nn.Module, RunConfig]:
    """The network of a plan, and all that decides what its run computes.

    Args:
        plan: What is to be trained and how.
        data: The images, with the validation split that the recipe wants.
        seed: As for `train`.
        device: Where it is trained.
        threads: CPU threads.
        kernels: As for `train`.

    Raises:
        ModelError: As for `build_network`.
        SettingError: As for `build_network`.
    """
    network, name, network_settings = build_network(plan, data, seed)
    config = RunConfig(
        dataset=data.name,
        fingerprint=data.fingerprint(),
        model=name,
        settings=network_settings,
        recipe=plan.recipe,
        preset=plan.preset,
        normalisation=measure_normalisation(plan.recipe, data),
        seed=seed,
        device=device,
        threads=threads,
        kernels=kernels,
        source=data.origin.source if data.origin else None,
    )
    return network, config


def measure_normalisation(recipe: Recipe, data: Dataset) -> Normalisation:
    """How pixels become the network's input, measured on the training images if need be."""
    if recipe.normalisation == "unit":
        return Normalisation()
    if recipe.normalisation == "lecun":
        return Normalisation(mean=-_LECUN_BACKGROUND / _LECUN_RANGE, std=1 / _LECUN_RANGE)
    pixels = data.train.images
    return Normalisation(mean=float(pixels.mean()) / 255, std=float(pixels.std()) / 255 or 1.0)
