from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from lenet.core import Settings
from lenet.errors import SettingError

if TYPE_CHECKING:
    from lenet.datasets import Augmentation

_LARGEST = 3e38  # beyond it a number is infinite for the float32 of the weights


class _Dependence(NamedTuple):
    """A setting that only applies with some values of another.

    Attributes:
        name: The setting.
        other: The one that decides.
        applies: Whether it does with a value of the other.
        refusal: What is said of both together; nothing where one is merely without effect.
    """

    name: str
    other: str
    applies: Callable[[Any], bool]
    refusal: str = ""


_DEPENDENCES = (
    *(
        _Dependence(
            name,
            "optimiser",
            lambda optimiser: optimiser == "sgd",
            f"`{name}` belongs to the `optimiser` sgd, not to {{}}: choose sgd or leave it out.",
        )
        for name in ("momentum", "nesterov")
    ),
    _Dependence(
        "nesterov", "momentum", bool, "`nesterov` needs a `momentum` above 0, such as 0.9."
    ),
    _Dependence(
        "label_smoothing",
        "loss",
        lambda loss: loss == "cross-entropy",
        "`label_smoothing` belongs to the `loss` cross-entropy, not to {}: choose cross-entropy or "
        "leave it out.",
    ),
    _Dependence(
        "early_stopping",
        "validation",
        bool,
        "`early_stopping` chooses on held-out images: it needs a `validation` share above 0, such "
        "as 0.1.",
    ),
    *(
        _Dependence(name, "schedule", lambda schedule: schedule == "step")
        for name in ("step_epochs", "step_factor")
    ),
)


@dataclass(frozen=True)
class Recipe(Settings):
    """How a network is trained; the defaults are the tutorial's.

    Attributes:
        epochs: How often all training images are gone through.
        batch_size: Images a step.
        optimiser: The rule that turns gradients into new weights.
        learning_rate: Step size of the optimiser; the schedule starts from it, or peaks at it.
        momentum: Share of the last step that is taken again, 0 to below 1; SGD only.
        nesterov: Whether momentum looks ahead (Sutskever et al. 2013); SGD only.
        weight_decay: Pull of the weights towards zero; AdamW applies it apart from the gradient.
        schedule: How the learning rate changes: `step` multiplies it every few epochs, `cosine`
            lowers it to zero, `one-cycle` warms up and then cools down (Smith 2018).
        step_epochs: Epochs between two changes of the `step` schedule.
        step_factor: What the `step` schedule multiplies the learning rate by.
        loss: What is made small: `cross-entropy`, or LeNet-5's `map`, which is the same with one
            more class for what is no digit, at a fixed distance (LeCun et al. 1998, equation 9).
        label_smoothing: Share of the target that is spread over all classes, 0 to below 1.
        gradient_clipping: Largest norm of all gradients together; 0 for no limit.
        early_stopping: Stop after this many epochs without a better validation accuracy; 0 never.
        shift: Augmentation: move each image by up to this many pixels either way.
        flip: Augmentation: mirror each image left to right with probability one half.
        rotation: Augmentation: turn each image by up to this many degrees either way.
        scaling: Augmentation: enlarge or shrink each image by up to this share.
        squeezing: Augmentation: make each image wider and lower, or narrower and higher, by up to
            this share.
        shearing: Augmentation: move the rows of each image sideways, by up to this share of their
            distance from the middle.
        plain_epochs: So many last epochs go without augmentation but mirroring: the network settles
            on images as they are.
        normalisation: What the pixels become: `unit` is 0 to 1, `standard` has mean 0 and
            standard deviation 1 over the training images, `lecun` is -0.1 to 1.175 (LeCun et al.
            1998).
        precision: What the steps compute in: `float32`; `tf32`, where a GPU rounds the factors of
            its products to 10 bits; `bfloat16`, with 7 bits. The weights stay float32, and scores
            are computed in it.
        validation: Share of the training images held out to choose on; then the best epoch's
            weights are kept and the test images are used once, at the end.

    Raises:
        SettingError: A value is ill-typed, out of range or at odds with another.
    """

    epochs: int = 10
    batch_size: int = 256
    optimiser: Literal["sgd", "adam", "adamw"] = "sgd"
    learning_rate: float = 0.9
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    schedule: Literal["constant", "step", "cosine", "one-cycle"] = "constant"
    step_epochs: int = 5
    step_factor: float = 0.1
    loss: Literal["cross-entropy", "map"] = "cross-entropy"
    label_smoothing: float = 0.0
    gradient_clipping: float = 0.0
    early_stopping: int = 0
    shift: int = 0
    flip: bool = False
    rotation: float = 0.0
    scaling: float = 0.0
    squeezing: float = 0.0
    shearing: float = 0.0
    plain_epochs: int = 0
    normalisation: Literal["unit", "standard", "lecun"] = "unit"
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    validation: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("epochs", "batch_size", "step_epochs"):
            self.require(name, getattr(self, name) >= 1, "at least 1")
        for name in ("early_stopping", "shift", "plain_epochs"):
            self.require(name, getattr(self, name) >= 0, "at least 0")
        for name in ("learning_rate", "step_factor"):
            self.require(name, 0 < getattr(self, name) < _LARGEST, "above 0 and finite")
        for name in ("weight_decay", "gradient_clipping"):
            self.require(name, 0 <= getattr(self, name) < _LARGEST, "at least 0 and finite")
        for name in (
            "momentum",
            "label_smoothing",
            "scaling",
            "squeezing",
            "shearing",
            "validation",
        ):
            self.require(name, 0 <= getattr(self, name) < 1, "at least 0 and below 1")
        self.require("rotation", 0 <= self.rotation <= 180, "from 0 to 180 degrees")
        for name, other, applies, refusal in _DEPENDENCES:
            decisive = getattr(self, other)
            if refusal and getattr(self, name) and not applies(decisive):
                raise SettingError(refusal.format(decisive))

    @property
    def augmentation(self) -> "Augmentation":
        """How training images are changed at random."""
        from lenet.datasets import Augmentation

        return Augmentation(
            flip=self.flip,
            rotation=self.rotation,
            scaling=self.scaling,
            squeezing=self.squeezing,
            shearing=self.shearing,
            shift=self.shift,
        )


def override_settings(settings: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a recipe with those in their place that a person chose.

    What was not chosen and does not apply beside what was is left out, as a preset's momentum is
    beside `adam`. Chosen settings are all kept, so that a recipe made of them refuses what is at
    odds.

    Args:
        settings: Of a preset, a recipe or a file, in which nothing is at odds.
        chosen: What is laid over them.

    >>> override_settings({"momentum": 0.9, "epochs": 5}, {"optimiser": "adam"})
    {'epochs': 5, 'optimiser': 'adam'}
    """
    together = {**settings, **chosen}
    for name, other, applies, _ in _DEPENDENCES:
        if name not in chosen and other in chosen and not applies(chosen[other]):
            together.pop(name, None)
    return together


def deciding_settings(name: str) -> set[str]:
    """The settings whose values decide whether a setting applies.

    >>> sorted(deciding_settings("nesterov"))
    ['momentum', 'optimiser']
    """
    return {other for own, other, _, _ in _DEPENDENCES if own == name}


def setting_applies(name: str, settings: Mapping[str, Any]) -> bool:
    """Whether a setting applies beside others, as far as these are known.

    >>> setting_applies("momentum", {"optimiser": "adam"}), setting_applies("momentum", {})
    (False, True)
    """
    return all(
        applies(settings[other])
        for own, other, applies, _ in _DEPENDENCES
        if own == name and other in settings
    )
