"""Trained networks that answer, without PyTorch where the kernels serve, and those of a service."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError

from lenet.core import has_torch, open_to_read, read_arrays, storage_errors, write_atomically
from lenet.errors import LenetError, ModelError, ModelFileError, SettingError
from lenet.kernels import kernel_status
from lenet.models import (
    BUNDLED,
    Decisions,
    ModelCard,
    check_numbers,
    kernel_predictor,
    read_card,
    with_layers,
)
from lenet.pictures import Pixels
from lenet.runs import Run, locate_model, model_in_folder, name_of_model

if TYPE_CHECKING:
    from torch import nn

Logits = npt.NDArray[np.float32]
_NO_WEIGHTS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class TrainedModel:
    """A network that was trained, and what its file says about it.

    Attributes:
        name: What to call it: a bundled model's name, a run's or a file's.
        card: What its file says.
        logits: What it makes of images: uint8 (N, C, H, W) gives float32 (N, classes).
    """

    name: str
    card: ModelCard
    logits: Callable[[Pixels], Logits]

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.card.input_shape))
        classes = len(self.card.classes)
        return f"<TrainedModel `{self.name}`: {self.card.model}, {shape}, {classes} classes>"

    def probabilities(self, images: Pixels) -> npt.NDArray[np.float64]:
        """The classes' probabilities, calibrated where the network was.

        Args:
            images: uint8 (N, C, H, W), as `lenet.pictures.prepare` makes them.

        Returns:
            float64 (N, classes); rows sum up to 1. The last is that of `_none`, where the network
            has learnt it.

        Raises:
            ModelError: What the network makes of an image is not finite.
        """
        return self.decide(images).probabilities

    def decide(self, images: Pixels, threshold: float | None = None) -> Decisions:
        """What is answered for images, whether there is anything to be seen in them or not.

        Args:
            images: uint8 (N, C, H, W), as `lenet.pictures.prepare` makes them.
            threshold: The least probability of an answer; the model's own where none is given.

        Raises:
            ModelError: What the network makes of an image is not finite.
        """
        logits = self.logits(images)
        if not np.isfinite(logits.astype(np.float64) / self.card.calibration.temperature).all():
            message = f"The network of `{self.name}` gives numbers that are not finite."
            raise ModelError(message)
        return self.card.decide(logits, threshold)


def open_model(
    model: Run | Path | str = "digits",
    *,
    runs_folder: Path | str = "runs",
    network: nn.Module | None = None,
) -> TrainedModel:
    """Open a trained network to ask it, for which PyTorch need not be installed.

    Args:
        model: `digits` or `fashion`, which are bundled; a model file; a folder made for a hub; a
            run, its folder or name, or `latest`.
        runs_folder: Where names of runs are looked for.
        network: The network as its own code builds it, where it is no `nn.Sequential` of layers
            that lenet knows; its weights become the model's.

    Raises:
        RunError: There is no such run, or it has no model yet.
        ModelFileError: The file is damaged or not a model of ours.

    >>> open_model("digits").card.classes
    ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
    """
    located = locate_model(model, runs_folder)
    path = located.require_model() if isinstance(located, Run) else located
    found = _by_kernels(path) if network is None else None
    card, logits = found or _without_kernels(path, network)
    return TrainedModel(name_of_model(located), card, logits)


def is_model(name: str, runs_folder: Path | str = "runs") -> bool:
    """Whether a name on the command line means a model rather than a picture.

    It does if it is a bundled model's name, `latest`, a run folder or one made for a hub, a run's
    name, or ends in `.safetensors`.
    """
    if name in BUNDLED or (name == "latest" and not Path(name).exists()):
        return True
    is_folder = any(
        (folder / "config.json").is_file() or model_in_folder(folder)
        for folder in (Path(name), Path(runs_folder) / name)
    )
    return is_folder or name.endswith(".safetensors")


def _by_kernels(path: Path) -> tuple[ModelCard, Callable[[Pixels], Logits]] | None:
    """A network on the compiled kernels; nothing where they do not serve or the file is odd."""
    if kernel_status().reason:
        return None
    try:
        card = read_card(path)
        network = card.settings().network()
        arrays = read_arrays(path)
        check_numbers(arrays)
        norm = card.normalisation
        shares = np.arange(256, dtype=np.float32) / np.float32(255)
        byte_values = (shares - np.float32(norm.mean)) / np.float32(norm.std)
        return card, kernel_predictor(network, arrays, byte_values, only_if_quick=has_torch())
    except (LenetError, SafetensorError, ValueError, LookupError, TypeError):
        return None  # whoever reads it as a network says better what is wrong


def _without_kernels(
    path: Path, own: nn.Module | None
) -> tuple[ModelCard, Callable[[Pixels], Logits]]:
    """A network that PyTorch computes, or NumPy where that is not installed."""
    from lenet.datasets import ArrayBatches, Split
    from lenet.models import read_network
    from lenet.training import compute_logits

    network, card = read_network(path, own)

    def logits(images: Pixels) -> Logits:
        examples = Split(images, np.zeros(len(images), np.int64))
        norm = card.normalisation
        return compute_logits(network, ArrayBatches(examples, 256, mean=norm.mean, std=norm.std))

    return card, logits


@dataclass(frozen=True)
class ServedModel:
    """A model that a service answers with."""

    name: str  # a bundled model's, a run's or a file's
    card: ModelCard
    source: Path
    copy: Path  # a training that goes on must not change what is answered
    content: bytes
    parameters: int  # how many weights and biases it has
    bundled: str | None  # the name under which it comes with the package
    run: Path | None  # the folder

    @property
    def address(self) -> str:
        return f"/v1/models/{quote(self.name)}/file"

    @property
    def etag(self) -> str:
        """What changes when the file does."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'

    def restore_copy(self) -> None:
        """Write the copy again if something, as a cleaner of temporary files, took it away."""
        if not self.copy.exists():
            with storage_errors(self.copy):
                self.copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self.copy, self.content)


def take_models(
    names: Sequence[Run | Path | str], folder: Path, runs_folder: Path | str = "runs"
) -> list[ServedModel]:
    """Copy the files of what `serve` takes for models into an empty folder, and read them."""
    models: list[ServedModel] = []
    for name in names or list(BUNDLED):
        model = _take(name, folder, runs_folder)
        if any(model.name == other.name for other in models):
            message = f"Two models are called `{model.name}`; rename the file or folder of one."
            raise SettingError(message)
        models.append(model)
    return models


def _take(name: Run | Path | str, folder: Path, runs_folder: Path | str) -> ServedModel:
    located = locate_model(name, runs_folder)
    source = located.require_model() if isinstance(located, Run) else located
    with open_to_read(source, ModelFileError) as file:
        content = with_layers(file.read())
    copy = folder / f"{len(list(folder.iterdir()))}.safetensors"
    write_atomically(copy, content)
    name = name_of_model(located)
    if not name.isprintable():
        message = f"`{ascii(name)[1:-1]}` is no name for an address; rename the file or folder."
        raise SettingError(message)
    try:
        card, arrays = read_card(copy), read_arrays(copy)  # `source` may be another one by now
    except ModelFileError as error:
        raise ModelFileError(str(error).replace(str(copy), str(source))) from error
    except SafetensorError as error:
        message = f"`{source}` is damaged: {error}."
        raise ModelFileError(message) from error
    parameters = sum(array.size for key, array in arrays.items() if not key.endswith(_NO_WEIGHTS))
    return ServedModel(
        name=name,
        card=card,
        source=source,
        copy=copy,
        content=content,
        parameters=parameters,
        bundled=next((known for known, file in BUNDLED.items() if file == source), None),
        run=located.folder.absolute() if isinstance(located, Run) else None,
    )
