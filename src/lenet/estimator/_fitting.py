"""What `fit` trains: which network, by which recipe, on images of which size."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from lenet.core import Settings, field_types
from lenet.errors import ModelError, SettingError
from lenet.models import MODELS, model_config
from lenet.runs import Plan, make_plan
from lenet.training import Recipe

if TYPE_CHECKING:
    from torch import nn

# Adam and small batches: better than the tutorial's recipe on Fashion-MNIST at every size, from 30
# images to 60,000. docs/guides/scikit-learn.md has the figures.
_PRESET = "digits"
_ENLARGED = (28, 28)
_STEPS = 1000  # a network of sigmoids needs a few hundred before it begins to learn
_VALIDATION_IMAGES = 100  # fewer are too few to choose an epoch by


def setting_names() -> list[str]:
    """The fields of the recipe and of the settings of every network that there is."""
    classes: list[type[Settings]] = [Recipe, *MODELS.values()]
    return list(dict.fromkeys(name for cls in classes for name in field_types(cls)))


def plan_fit(
    recipe: str | Recipe | None,
    model: str | nn.Module | None,
    settings: dict[str, Any],
    images: int,
) -> Plan:
    """What the classifier's settings of these names ask for, and what suits so many images."""
    if not isinstance(recipe, (str, Recipe, type(None))):
        message = f"`recipe` must be a preset's name, a `Recipe` or none, not {recipe!r}."
        raise SettingError(message)
    if not (model is None or isinstance(model, str) or _is_module(model)):
        message = f"`model` must be a network's name, a network or none, not {model!r}."
        raise SettingError(message)
    plain = {name: _plain(value) for name, value in settings.items()}
    preset = recipe if isinstance(recipe, str) else _PRESET
    own = recipe if isinstance(recipe, Recipe) else None
    plan = make_plan("", model, own, preset, plain)
    if recipe is not None:
        return plan
    suited = suit_recipe(plan.recipe, images, plain)
    return Plan(plan.preset, suited, plan.model, plan.settings)


def suit_recipe(recipe: Recipe, images: int, fixed: Collection[str]) -> Recipe:
    """A recipe changed so that it trains on few images as well.

    A batch is not larger than the set; there are so many epochs that 1,000 steps are made; no
    images are held out if that would be fewer than 100. The settings that are `fixed`, which the
    person chose, are left alone.

    >>> recipe = Recipe(epochs=30, batch_size=64, validation=0.1)
    >>> suited = suit_recipe(recipe, 120, {"learning_rate"})
    >>> suited.epochs, suited.batch_size, suited.validation
    (500, 64, 0.0)
    >>> suit_recipe(recipe, 2400, ()) == recipe
    True
    """
    changes: dict[str, float] = {}
    held_out = round(recipe.validation * images)
    chooses = "validation" in fixed or "early_stopping" in fixed
    if held_out < _VALIDATION_IMAGES and not chooses:
        changes["validation"] = 0.0
        held_out = 0
    train_images = max(1, images - held_out)
    batch_size = recipe.batch_size
    if "batch_size" not in fixed:
        changes["batch_size"] = batch_size = min(batch_size, train_images)
    if "epochs" not in fixed:
        steps_per_epoch = -(-train_images // batch_size)
        changes["epochs"] = max(recipe.epochs, -(-_STEPS // steps_per_epoch))
    return recipe.replace(**changes)


def needs_enlarging(plan: Plan, image_shape: tuple[int, int, int], classes: int) -> bool:
    """Whether the network is too large for the images, but not for the same at 28×28.

    A network that is built already, or whose `input_shape` the person said, takes the images as
    they are. An error says that 28×28 pixels do not help either.
    """
    if not isinstance(plan.model, str) or "input_shape" in plan.settings:
        return False
    settings = {"classes": classes, **plan.settings}
    channels, height, width = image_shape
    try:
        model_config(plan.model, {"input_shape": image_shape, **settings})
    except (ModelError, SettingError) as error:
        if height >= _ENLARGED[0] or width >= _ENLARGED[1]:
            raise
        try:
            model_config(plan.model, {"input_shape": (channels, *_ENLARGED), **settings})
        except (ModelError, SettingError):
            raise error from None
        return True
    return False


def _is_module(model: Any) -> bool:
    """Whether it is a network of PyTorch's, which is imported already then."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def _plain(value: Any) -> Any:
    """A setting as the settings classes take it; searches draw numpy's numbers."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return tuple(_plain(item) for item in value)
    return value
