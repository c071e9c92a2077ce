"""A model in one file: safetensors, with a header that says what it is; known without PyTorch.

The header holds everything needed to build the network and to use it: architecture, class names,
input shape, normalisation, the recipe it was trained with and the scores it reached.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenet._version import __version__
from lenet.core import (
    NONE_CLASS,
    Settings,
    json_text,
    none_index,
    pack_arrays,
    parse_json,
    read_record,
    real_classes,
    shortened,
    write_atomically,
)
from lenet.errors import ModelFileError
from lenet.models._array_network import (
    ArrayNetwork,
    arrays_of,
    check_numbers,
    identify,
    require_memory,
)
from lenet.models._configs import ModelConfig
from lenet.models._decision import Calibration, Decisions, decide
from lenet.models._network import Network, check_input_shape
from lenet.models._registry import CUSTOM, SEQUENTIAL, settings_from
from lenet.models.layers import layers_from_dicts, layers_to_dicts
from lenet.pictures import Preparation

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import nn

_FOLDER = Path(__file__).parent / "bundled"

# The models that come with the package; `benchmarks/bundled_models.py` makes them.
BUNDLED: dict[str, Path] = {name: _FOLDER / f"{name}.safetensors" for name in ("digits", "fashion")}
HEADER_KEY = "lenet"  # of our part of the safetensors header
_FORMAT = 1
_MOST = 1e18  # of what pixels are shifted and divided by


@dataclass(frozen=True)
class Normalisation(Settings):
    """How the pixels become the network's input: (pixel / 255 - mean) / std.

    Attributes:
        mean: Subtracted after the pixels were brought to 0 … 1.
        std: Divided by then.

    Raises:
        SettingError: A value is ill-typed, or so large or small that nothing comes of it.
    """

    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        # So that what comes out is a finite float32.
        self.require("mean", abs(self.mean) <= _MOST, f"from -{_MOST:g} to {_MOST:g}")
        self.require("std", 1 / _MOST <= self.std <= _MOST, f"from {1 / _MOST:g} to {_MOST:g}")


@dataclass(frozen=True)
class ModelCard:
    """What a model file says about itself.

    Attributes:
        model: The network's name in the registry.
        config: Its settings, as plain values.
        layers: Its layers, one after the other, as plain values: see `lenet.models.layers`. Files
            of an older lenet have none, and those of a network that is no such list.
        class_names: The classes, in the order of the network's outputs. The last may be `_none`,
            which was taught by counter-examples and is never an answer.
        input_shape: Channels, height and width of an image.
        preparation: How a picture becomes an image of that shape.
        normalisation: How the image's pixels become the network's input.
        calibration: How far its probabilities can be trusted.
        answers_blank: Whether a class of its holds empty pictures, so that one is answered as any
            other is; without it nothing is to be seen in an empty picture.
        dataset: What it was trained on.
        recipe: How it was trained, as plain values.
        results: The scores it reached.
        version: The version of lenet that wrote it.
    """

    model: str
    config: dict[str, Any]
    class_names: tuple[str, ...]
    input_shape: tuple[int, ...]
    preparation: Preparation
    layers: tuple[dict[str, Any], ...] = ()
    normalisation: Normalisation = field(default_factory=Normalisation)
    calibration: Calibration = field(default_factory=Calibration)
    answers_blank: bool = False
    dataset: str = ""
    recipe: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    version: str = __version__

    @property
    def none_index(self) -> int | None:
        """The output of `_none`, whose probability is doubt; `None` where the network has none."""
        return none_index(self.class_names)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that may be answered, in the order of the network's first outputs."""
        return real_classes(self.class_names)

    def decide(
        self, scores: "npt.NDArray[np.floating[Any]]", threshold: float | None = None
    ) -> Decisions:
        """What is answered for the network's outputs; nothing is said of empty pictures here.

        Args:
            scores: The network's logits, (N, outputs); a constant may be added to a row.
            threshold: The least probability of an answer; 0 answers always, even where `_none` is
                likelier or no class is near. The model's own where none is given.
        """
        decided = decide(scores, self.calibration, self.none_index, threshold)
        is_always = threshold is not None and not threshold
        return replace(decided, is_sure=decided.probability >= 0) if is_always else decided

    def to_json(self) -> str:
        """The text that stands in the file's header; a score that is not finite is `null` there."""
        return json_text({"format": _FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> "ModelCard":
        """Read the text of a header.

        Raises:
            ModelFileError: It was written by a newer lenet, or is no such text.
            LenetError, KeyError: A value is missing, unknown, ill-typed or out of range.
            ValueError: It is no JSON.
        """
        values = parse_json(text)
        if not isinstance(values, dict):
            message = "its description is not an object."
            raise ModelFileError(message)
        written = values.pop("format")
        if type(written) is not int or written < 1:
            message = f"its `format` must be {_FORMAT}, not {shortened(written)}."
            raise ModelFileError(message)
        if written > _FORMAT:
            message = f"it was written by a newer lenet ({values.get('version')}); update this one."
            raise ModelFileError(message)
        values["normalisation"] = Normalisation.from_dict(values["normalisation"])
        if "preparation" not in values:
            shape = check_input_shape(values["input_shape"])
            values["preparation"] = Preparation.plain(shape)
        return read_record(cls, values)

    def settings(self) -> ModelConfig | Network:
        """The network's settings; they are seen to agree with the rest of the description.

        Raises:
            ModelError: They do not, or there is no memory for the network.
            LenetError, TypeError, ValueError: A value is missing, unknown or ill-typed.
        """
        config = dict(self.config)
        if self.model == SEQUENTIAL:
            config["layers"] = self.layers
        settings = settings_from(self.model, config)
        if self.model != CUSTOM:
            network = settings.network()
            if self.layers and layers_from_dicts(self.layers) != network.layers:
                message = f"its layers are not those of the settings of its `{self.model}`."
                raise ModelFileError(message)
            require_memory(network)
        classes, shape = settings.classes, settings.input_shape
        if len(self.class_names) != classes or self.input_shape != shape:
            message = (
                f"it names {len(self.class_names)} classes and images of shape "
                f"{self.input_shape}, but its network has {classes} and {shape}."
            )
            raise ModelFileError(message)
        if twice := [name for name, count in Counter(self.class_names).items() if count > 1]:
            message = f"it has more than one class called `{twice[0]}`."
            raise ModelFileError(message)
        if self.none_index is not None and (self.none_index != classes - 1 or classes < 3):
            message = f"its class `{NONE_CLASS}` must stand behind two others at least."
            raise ModelFileError(message)
        if (means := self.calibration.means) and len(means) != classes:
            message = f"its `means` are of {len(means)} classes, but its network has {classes}."
            raise ModelFileError(message)
        if self.preparation.image_shape != shape:
            message = (
                f"it makes images of shape {self.preparation.image_shape} from pictures, but its "
                f"network takes {shape}."
            )
            raise ModelFileError(message)
        return settings


def save_model(
    path: Path | str,
    network: "ArrayNetwork | nn.Module",
    *,
    class_names: tuple[str, ...],
    input_shape: tuple[int, ...] | None = None,
    normalisation: Normalisation | None = None,
    preparation: Preparation | None = None,
    calibration: Calibration | None = None,
    answers_blank: bool = False,
    dataset: str = "",
    recipe: dict[str, Any] | None = None,
    results: dict[str, Any] | None = None,
) -> None:
    """Write a network into one self-describing file, whole or not at all.

    Args:
        path: The file, by custom `model.safetensors`.
        network: Any network; one that is no `nn.Sequential` of known layers needs its code again
            to be loaded.
        class_names: The classes, in the order of the network's outputs.
        input_shape: Channels, height and width of an image, where neither the network's settings
            nor the preparation says it; 1, 28, 28 where none is given.
        normalisation: How pixels become the network's input; pixel / 255 where none is given.
        preparation: How a picture becomes an image; fitted into the frame where none is given.
        calibration: How far its probabilities can be trusted.
        answers_blank: Whether a class of its holds empty pictures.
        dataset: What it was trained on.
        recipe: How it was trained, as plain values.
        results: The scores it reached.

    Raises:
        ModelError: The network does not take such images.
        ModelFileError: The class names are not as many as its outputs, or some of its numbers are
            not finite, so that nothing could read the file.
        StorageError: The file can't be written.
    """
    shape = input_shape or (preparation.image_shape if preparation else (1, 28, 28))
    name, settings = identify(network, shape)
    config = settings.to_dict()
    card = ModelCard(
        model=name,
        config={key: value for key, value in config.items() if key != "layers"},
        class_names=tuple(class_names),
        input_shape=settings.input_shape,
        preparation=preparation or Preparation.plain(settings.input_shape),
        layers=() if name == CUSTOM else tuple(layers_to_dicts(settings.network().layers)),
        normalisation=normalisation or Normalisation(),
        calibration=calibration or Calibration(),
        answers_blank=answers_blank,
        dataset=dataset,
        recipe=recipe or {},
        results=results or {},
    )
    card.settings()
    arrays = arrays_of(network)
    check_numbers(arrays)
    write_atomically(Path(path), pack_arrays(arrays, {HEADER_KEY: card.to_json()}))
