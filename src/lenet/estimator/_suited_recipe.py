from collections.abc import Collection

from lenet.training import Recipe

_STEPS = 1000  # a network of sigmoids needs a few hundred before it begins to learn
_VALIDATION_IMAGES = 100  # fewer are too few to choose an epoch by


def suit_recipe(recipe: Recipe, images: int, fixed: Collection[str]) -> Recipe:
    """A recipe changed so that it trains on few images as well.

    A batch is not larger than the set; there are so many epochs that 1,000 steps are made; no
    images are held out if that would be fewer than 100.

    Args:
        recipe: Made for a thousand images or more.
        images: How many there are.
        fixed: The settings that the person chose, which are left alone.

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
