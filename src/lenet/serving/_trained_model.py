"""A trained network that answers, on the compiled kernels without PyTorch where they serve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lenet.core import read_arrays
from lenet.errors import LenetError, ModelError
from lenet.kernels import Predictor, kernel_status
from lenet.models import (
    BUNDLED,
    ModelCard,
    check_numbers,
    network_blocks,
    read_card,
)
from lenet.pictures import Pixels
from lenet.runs import Run, locate_model, model_in_folder, name_of_model

Logits = npt.NDArray[np.float32]


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

    def probabilities(self, images: Pixels) -> npt.NDArray[np.float64]:
        """The classes' probabilities, calibrated where the network was.

        Args:
            images: uint8 (N, C, H, W), as `lenet.pictures.prepare` makes them.

        Returns:
            float64 (N, classes); rows sum up to 1.

        Raises:
            ModelError: What the network makes of an image is not finite.
        """
        scaled = self.logits(images).astype(np.float64) / self.card.calibration.temperature
        if not np.isfinite(scaled).all():
            message = f"The network of `{self.name}` gives numbers that are not finite."
            raise ModelError(message)
        exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        shares: npt.NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
        return shares


def open_model(
    model: Run | Path | str = "digits", *, runs_folder: Path | str = "runs"
) -> TrainedModel:
    """Open a trained network to ask it.

    Args:
        model: `digits` or `fashion`, which are bundled; a model file; a folder made for a hub; a
            run, its folder or name, or `latest`.
        runs_folder: Where names of runs are looked for.

    Raises:
        RunError: There is no such run, or it has no model yet.
        ModelFileError: The file is damaged or not a model of ours.

    >>> open_model("digits").card.class_names
    ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
    """
    located = locate_model(model, runs_folder)
    path = located.require_model() if isinstance(located, Run) else located
    card, logits = _without_pytorch(path) or _with_pytorch(path)
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


def _without_pytorch(path: Path) -> tuple[ModelCard, Callable[[Pixels], Logits]] | None:
    """A network on the compiled kernels; nothing where they do not serve or the file is odd."""
    if kernel_status().reason:
        return None
    try:
        card = read_card(path)
        network = card.settings().network()
        arrays = read_arrays(path)
        check_numbers(arrays)
        blocks, parameters = network_blocks(network, arrays)
        norm = card.normalisation
        shares = np.arange(256, dtype=np.float32) / np.float32(255)
        byte_values = (shares - np.float32(norm.mean)) / np.float32(norm.std)
        return card, Predictor(blocks, parameters, byte_values)
    except (LenetError, ValueError, LookupError, TypeError):
        return None  # whoever reads it with PyTorch says better what is wrong


def _with_pytorch(path: Path) -> tuple[ModelCard, Callable[[Pixels], Logits]]:
    """A network that PyTorch computes."""
    from lenet.datasets import Batches, Split
    from lenet.models import load_model
    from lenet.training import compute_logits

    network, card = load_model(path)

    def logits(images: Pixels) -> Logits:
        examples = Split(images, np.zeros(len(images), np.int64))
        norm = card.normalisation
        batches = Batches(examples, 256, mean=norm.mean, std=norm.std)
        values: Logits = compute_logits(network, batches).numpy()
        return values

    return card, logits
