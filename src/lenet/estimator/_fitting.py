"""What `fit` trains: which network, by which recipe, on images of which size."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenet.core import Settings, field_types
from lenet.datasets import Dataset
from lenet.errors import ArrayError, ModelError, SettingError
from lenet.models import MODELS, model_config
from lenet.runs import Plan, make_plan
from lenet.training import Recipe

if TYPE_CHECKING:
    from torch import nn

_ENLARGED = (28, 28)


def setting_names() -> list[str]:
    """The fields of the recipe and of the settings of every network that there is."""
    classes: list[type[Settings]] = [Recipe, *MODELS.values()]
    return list(dict.fromkeys(name for cls in classes for name in field_types(cls)))


def plan_fit(
    recipe: str | Recipe | None,
    model: str | nn.Module | None,
    settings: dict[str, Any],
    data: Dataset,
) -> Plan:
    """What the classifier's settings of these names ask for, and what suits the images."""
    if not isinstance(recipe, (str, Recipe, type(None))):
        message = f"`recipe` must be a preset's name, a `Recipe` or none, not {recipe!r}."
        raise SettingError(message)
    if not (model is None or isinstance(model, str) or _is_module(model)):
        message = f"`model` must be a network's name, a network or none, not {model!r}."
        raise SettingError(message)
    plain = {name: _plain(value) for name, value in settings.items()}
    if recipe is None and "early_stopping" not in plain:
        # Choosing the epoch by held-out images costs more than it gives (figures stand in
        # docs/guides/scikit-learn.md), and who wants to choose has scikit-learn's tools.
        plain = {"validation": 0.0, **plain}
    preset = recipe if isinstance(recipe, str) else None
    own = recipe if isinstance(recipe, Recipe) else None
    return make_plan("", model, own, preset, plain, data, are_own=recipe is None)


def once_through(recipe: Recipe, images: int) -> Recipe:
    """A recipe for one pass over some images, at a rate that does not change.

    >>> recipe = once_through(Recipe(schedule="cosine", validation=0.1, batch_size=64), 33)
    >>> recipe.epochs, recipe.schedule, recipe.validation, recipe.batch_size
    (1, 'constant', 0.0, 33)
    """
    batch_size = min(recipe.batch_size, images)
    while images > 1 and images % batch_size == 1:  # which batch normalisation can't work on
        batch_size += 1
    return recipe.replace(
        epochs=1,
        batch_size=batch_size,
        schedule="constant",
        validation=0.0,
        early_stopping=0,
        plain_epochs=0,
    )


def label_examples(y: npt.NDArray[Any], classes: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The class of each image, as its place among some classes."""
    if len(classes) < 2:
        message = f"`y` holds one class only, `{classes[0]}`; it takes two to tell apart."
        raise ArrayError(message)
    order = np.argsort(classes)
    places = np.searchsorted(classes, y, sorter=order).clip(max=len(classes) - 1)
    labels: npt.NDArray[np.int64] = order[places].astype(np.int64)
    if (new := y[classes[labels] != y]).size:
        names = ", ".join(map(str, classes))
        message = f"`y` holds `{new[0]}`, which is none of the classes that are known: {names}."
        raise ArrayError(message)
    return labels


def weigh_examples(
    rows: npt.NDArray[Any],
    y: npt.NDArray[Any],
    sample_weight: npt.ArrayLike | None,
    class_weight: Mapping[Any, float] | str | None,
) -> npt.NDArray[np.float32] | None:
    """How much each image counts, (N,); `None` where nothing is said."""
    from sklearn.utils.class_weight import compute_sample_weight
    from sklearn.utils.validation import _check_sample_weight

    weights = None
    if sample_weight is not None:
        weights = _check_sample_weight(
            sample_weight, rows, dtype=np.float64, ensure_non_negative=True
        )
    if class_weight is not None:
        of_classes = compute_sample_weight(class_weight, y)
        weights = of_classes if weights is None else weights * of_classes
    if weights is None:
        return None
    if not weights.max() > 0:
        message = "All images have the weight 0; there is nothing to learn from."
        raise ArrayError(message)
    return np.asarray(weights, np.float32)


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
