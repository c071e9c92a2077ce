"""Named couples of a network and a recipe that are known to work together."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from lenet.errors import UnknownNameError
from lenet.training._recipe import Recipe


@dataclass(frozen=True)
class Preset:
    """A network with the recipe that trains it.

    Attributes:
        name: What the preset is called.
        recipe: How to train.
        model: The network's name in the registry.
        settings: The network's settings, where they differ from its defaults.
    """

    name: str
    recipe: Recipe
    model: str = "lenet"
    settings: dict[str, Any] = field(default_factory=dict)


def tutorial() -> Preset:
    """*Dive into Deep Learning*, second Chinese edition, section 6.6.

    Sigmoid, average pooling, weights by Xavier's rule, SGD at 0.9. It shows the test accuracy after
    every epoch, as the tutorial does, and chooses nothing by it.
    """
    return Preset("tutorial", Recipe())


def digits() -> Preset:
    """The tutorial's network for 1,437 images, where it needs smaller batches and Adam.

    With the tutorial's batches of 256 an epoch would be 6 steps, and a network of sigmoids needs
    a few hundred before it begins to learn; at small batches, SGD's steps are too noisy for it.
    """
    recipe = Recipe(epochs=30, batch_size=64, optimiser="adam", learning_rate=0.005, validation=0.1)
    return Preset("digits", recipe)


def softmax() -> Preset:
    """*Dive into Deep Learning*, section 4.5: softmax regression by SGD at 0.1.

    Like the tutorial, it shows the test accuracy after every epoch and chooses nothing by it.
    """
    return Preset("softmax", Recipe(learning_rate=0.1), "softmax")


def mlp() -> Preset:
    """*Dive into Deep Learning*, section 5.2: one hidden layer of 256 units, by SGD at 0.1.

    Like the tutorial, it shows the test accuracy after every epoch and chooses nothing by it.
    """
    return Preset("mlp", Recipe(learning_rate=0.1), "mlp")


def lenet5() -> Preset:
    """LeNet-5 as LeCun et al. published it in 1998, with their loss and their input.

    They took one image a step, with a learning rate for each weight from second derivatives; here
    it is AdamW on small batches. The task is MNIST.
    """
    recipe = Recipe(
        epochs=20,
        batch_size=64,
        optimiser="adamw",
        learning_rate=0.003,
        weight_decay=0.1,
        schedule="one-cycle",
        loss="map",
        normalisation="lecun",
        validation=0.05,
    )
    return Preset("lenet5", recipe, "lenet5")


def lenet5_distorted() -> Preset:
    """LeNet-5 with distorted images to learn from: shifted, scaled, squeezed and sheared."""
    recipe = lenet5().recipe.replace(
        epochs=30, weight_decay=0.05, shift=1, scaling=0.1, squeezing=0.1, shearing=0.15
    )
    return Preset("lenet5-distorted", recipe, "lenet5")


def modern() -> Preset:
    """LeNet's layers with what has been learnt since: the best accuracy in 30 epochs.

    ReLU and batch normalisation, the tutorial's average pooling, SGD with Nesterov's momentum in
    one cycle, and images that are shifted by a pixel until the last epochs. It was chosen on
    validation images; docs/results.md has what else was tried.
    """
    recipe = Recipe(
        epochs=30,
        batch_size=128,
        learning_rate=0.08,
        momentum=0.9,
        nesterov=True,
        weight_decay=5e-4,
        schedule="one-cycle",
        shift=1,
        flip=True,
        plain_epochs=8,
        normalisation="standard",
        validation=0.05,
    )
    settings = {"activation": "relu", "batch_norm": True, "initialisation": "kaiming"}
    return Preset("modern", recipe, "lenet", settings)


def hands() -> Preset:
    """For MNIST with drawn digits and strangers beside it, such as `draw_beside` makes.

    Three blocks of 3 x 3 convolutions, where LeNet has two of 5 x 5, and `modern`'s recipe, but for
    images that are distorted until the last three epochs: so many that are all alike would be
    learnt by heart.
    """
    recipe = modern().recipe.replace(
        flip=False,
        rotation=8,
        scaling=0.1,
        squeezing=0.1,
        shearing=0.1,
        plain_epochs=3,
    )
    settings = {
        **modern().settings,
        "channels": (16, 32, 64),
        "kernel_size": 3,
        "padding": 1,
        "dense_widths": (120,),
    }
    return replace(modern(), name="hands", recipe=recipe, settings=settings)


# Below so many images: batch size, learning rate, share held out.
_OWN_SIZES = ((1000, 16, 0.02, 0.0), (10_000, 32, 0.04, 0.1), (math.inf, 128, 0.08, 0.05))
_OWN_STEPS, _OWN_EPOCHS = 1000, 300  # so many steps at least, in so many epochs at most


def own(images: int, held_out: int = 0) -> Preset:
    """`modern` for images of one's own: for few, smaller batches and more epochs.

    They are not mirrored, as nobody knows whether they would still be what they are. Of fewer than
    a thousand none are held out: choosing an epoch by a few images costs more than it gives.

    Args:
        images: How many there are for training.
        held_out: How many of them are held out to choose on.

    >>> own(500).recipe.batch_size, own(500).recipe.epochs, own(60_000).recipe.epochs
    (16, 32, 30)
    """
    preset = modern()
    _, batch_size, rate, validation = next(size for size in _OWN_SIZES if images < size[0])
    learnt_from = max(2, images - held_out)
    batch_size = min(batch_size, learnt_from)
    while learnt_from % batch_size == 1:  # batch normalisation can't work on one image
        batch_size += 1
    wanted = min(_OWN_EPOCHS, math.ceil(_OWN_STEPS * batch_size / learnt_from))
    epochs = max(preset.recipe.epochs, wanted)
    recipe = preset.recipe.replace(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=rate,
        plain_epochs=round(epochs / 4),
        validation=validation,
        flip=False,
    )
    return replace(preset, recipe=recipe)


def fast() -> Preset:
    """LeNet's layers with ReLU and max pooling: the best accuracy after one epoch."""
    recipe = Recipe(
        epochs=1,
        batch_size=64,
        learning_rate=0.05,
        momentum=0.9,
        nesterov=True,
        schedule="one-cycle",
        normalisation="standard",
        validation=0.05,
    )
    settings = {"activation": "relu", "pooling": "max", "initialisation": "kaiming"}
    return Preset("fast", recipe, "lenet", settings)


PRESETS: dict[str, Callable[[], Preset]] = {
    "tutorial": tutorial,
    "digits": digits,
    "softmax": softmax,
    "mlp": mlp,
    "lenet5": lenet5,
    "lenet5-distorted": lenet5_distorted,
    "modern": modern,
    "hands": hands,
    "fast": fast,
}
_MIRRORED_ARE_THE_SAME = {"fashion-mnist"}  # a mirrored garment is one, a mirrored digit is not


def preset_for(
    dataset: str,
    name: str | None = None,
    model: str | None = None,
    *,
    own_images: tuple[int, int] | None = None,
) -> Preset:
    """The preset of a name, or the one that suits a network and a dataset.

    Images are mirrored at random only where that leaves them what they are.

    Args:
        dataset: The dataset's name.
        name: The preset's name, if one is wanted.
        model: The network's name in the registry, if one is wanted.
        own_images: How many images of one's own there are for training, and how many of them are
            held out; `None` for other data.

    Raises:
        UnknownNameError: There is no preset of that name.

    >>> preset_for("fashion-mnist").name, preset_for("digits").name
    ('tutorial', 'digits')
    >>> preset_for("fashion-mnist", model="mlp").name
    'mlp'
    """
    if name is None and model in PRESETS:
        name = model
    elif name is None and own_images is not None:
        return own(*own_images)
    elif name is None:
        name = "digits" if dataset == "digits" else "tutorial"
    if name not in PRESETS:
        raise UnknownNameError("preset", name, PRESETS)
    preset = PRESETS[name]()
    if own_images is not None:  # a batch can't be larger than the set
        images, held_out = own_images
        batch_size = min(preset.recipe.batch_size, max(1, images - held_out))
        preset = replace(preset, recipe=preset.recipe.replace(batch_size=batch_size))
    if dataset in _MIRRORED_ARE_THE_SAME:
        return preset
    return replace(preset, recipe=preset.recipe.replace(flip=False))
