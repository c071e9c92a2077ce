"""How a network is trained, as settings and as a TOML file that a person can read and change."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lenet.core import Settings, check_range, check_setting, field_types, open_to_read
from lenet.errors import ModelError, SettingError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from lenet.datasets import Augmentation

_OF_THE_DATA = ("input_shape", "classes")
_SEARCH = "search"
_LARGEST = 3e38  # beyond it a number is infinite for the float32 of the weights
_MOST_EPOCHS = 1_000_000  # weeks on the smallest data; more is a slip, and would not end
_MOST = {
    **dict.fromkeys(("epochs", "step_epochs", "early_stopping", "plain_epochs"), _MOST_EPOCHS),
    "batch_size": 2**31 - 1,
    "shift": 65536,
}


_ONLY_SGD = "`{name}` belongs to the `optimiser` sgd, not to {other}: choose sgd or leave it out."
# A setting, another that decides whether it applies, with which of its values it does, and what is
# said of both together; nothing where the one is merely without effect.
_DEPENDENCES: tuple[tuple[str, str, Callable[[Any], bool], str], ...] = (
    ("momentum", "optimiser", lambda optimiser: optimiser == "sgd", _ONLY_SGD),
    ("nesterov", "optimiser", lambda optimiser: optimiser == "sgd", _ONLY_SGD),
    ("nesterov", "momentum", bool, "`nesterov` needs a `momentum` above 0, such as 0.9."),
    (
        "label_smoothing",
        "loss",
        lambda loss: loss == "cross-entropy",
        "`label_smoothing` belongs to the `loss` cross-entropy, not to {other}: choose "
        "cross-entropy or leave it out.",
    ),
    (
        "early_stopping",
        "validation",
        bool,
        "`early_stopping` chooses on held-out images: it needs a `validation` share above 0, such "
        "as 0.1.",
    ),
    ("step_epochs", "schedule", lambda schedule: schedule == "step", ""),
    ("step_factor", "schedule", lambda schedule: schedule == "step", ""),
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
        answered_right: Which share of the answers is to be right, as measured on the held-out
            images, without which it says nothing; at least 0 and below 1. The network's threshold
            is chosen so, below which an image is none of the classes.

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
    answered_right: float = 0.99

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("epochs", "batch_size", "step_epochs"):
            check_range(name, getattr(self, name), 1, _MOST[name])
        for name in ("early_stopping", "shift", "plain_epochs"):
            check_range(name, getattr(self, name), 0, _MOST[name])
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
            "answered_right",
        ):
            self.require(name, 0 <= getattr(self, name) < 1, "at least 0 and below 1")
        self.require("rotation", 0 <= self.rotation <= 180, "from 0 to 180 degrees")
        for name, other, applies, refusal in _DEPENDENCES:
            decisive = getattr(self, other)
            if refusal and getattr(self, name) and not applies(decisive):
                raise SettingError(refusal.format(name=name, other=decisive))

    @property
    def augmentation(self) -> "Augmentation":
        """How training images are changed at random."""
        from lenet.datasets import Augmentation

        names = [one.name for one in fields(Augmentation)]
        return Augmentation(**{name: getattr(self, name) for name in names})


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
        with open_to_read(path, SettingError) as file:
            content = file.read()
        values = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        message = f"`{path}` is no TOML: {error}."
        raise SettingError(message) from error
    with errors_of_file(path):
        return _checked(values, with_search)


@contextmanager
def errors_of_file(path: Path | None, names: Iterable[str] | None = None) -> Iterator[None]:
    """Say of what is wrong in settings that a file has them.

    Args:
        path: The file, if there is one.
        names: The settings that are the file's, where others may be wrong, too.
    """
    try:
        yield
    except (SettingError, ModelError) as error:
        named = re.findall(r"(?:`|^Unknown )(\w+)\b", str(error))
        own = set(named) if names is None else set(names)
        if isinstance(error, ModelError):  # which names a layer, and not what it is made from
            named += own - field_types(Recipe).keys()
        if path is None or not (names is None or own & set(named)):
            raise
        kind = ModelError if isinstance(error, ModelError) else SettingError
        message = f"In `{path}`: {error}"
        raise kind(message) from error


def _checked(values: dict[str, Any], with_search: bool) -> RecipeFile:
    """The content of a file, with every name and type looked at."""
    from lenet.models import MODELS, unknown_setting

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
    configs = [MODELS[model]] if model in MODELS else list(MODELS.values())
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
        f"{name} = {json.dumps(value, ensure_ascii=False)}"  # what JSON writes of one is TOML too
        for name, value in values.items()
        if name not in _OF_THE_DATA
    ]
    return "\n".join(lines) + "\n"
