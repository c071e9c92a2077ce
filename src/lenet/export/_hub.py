import dataclasses
import shutil
from copy import deepcopy
from pathlib import Path

import numpy as np

from lenet.core import json_text, require_torch
from lenet.errors import ExportError
from lenet.export._hub_card import model_card_text, with_licence_of
from lenet.export._onnx import onnx_model, run_onnx
from lenet.export._trained_network import TrainedNetwork, Written
from lenet.models import CUSTOM, arrays_of, module_of, read_network
from lenet.runs import LIBRARY


def write_hub(trained: TrainedNetwork, folder: Path) -> Written:
    """Write a folder for the Hugging Face hub.

    It holds the model file as it is, what it says about itself as `config.json`, the model card as
    `README.md`, and the network as ONNX, which is what is compared.

    Raises:
        MissingExtraError: PyTorch or a package for ONNX is not installed.
    """
    require_torch("An export for a hub")
    place = folder / "hub"
    place.mkdir()
    _copy_model(trained, place / "model.safetensors")
    onnx_path = place / "model.onnx"
    onnx_path.write_bytes(onnx_model(trained).SerializeToString())
    (place / "config.json").write_text(_config(trained), encoding="utf-8")
    (place / "README.md").write_text(model_card_text(trained), encoding="utf-8")
    sizes = tuple(
        (file.name, f"{file.stat().st_size / 1000:.1f} kB") for file in sorted(place.iterdir())
    )
    return Written(place, run_onnx(onnx_path), facts=sizes)


def keep_licence(place: Path, made: Path) -> None:
    """Take over the licence from an earlier export's card, where a person may have named one."""
    earlier, card = place / "README.md", made / "README.md"
    if earlier.is_file():
        text = earlier.read_text(encoding="utf-8", errors="replace")
        card.write_text(with_licence_of(text, card.read_text(encoding="utf-8")), encoding="utf-8")


def _copy_model(trained: TrainedNetwork, path: Path) -> None:
    """Copy the model file, and see that no training has replaced it meanwhile."""
    shutil.copyfile(trained.path, path)
    is_custom = trained.card.model == CUSTOM
    network, card = read_network(path, deepcopy(module_of(trained.network)) if is_custom else None)
    before, now = arrays_of(trained.network), arrays_of(network)
    if card != trained.card or not all(map(np.array_equal, before.values(), now.values())):
        message = f"`{trained.path}` has changed while it was exported; try again."
        raise ExportError(message)


def _config(trained: TrainedNetwork) -> str:
    """What the model file says about itself, with the names that the hub looks for."""
    card = trained.card
    names = dict(enumerate(card.class_names))
    values = {
        "library_name": LIBRARY,  # by which such a folder is known from a run folder, too
        "pipeline_tag": "image-classification",
        "architectures": [type(module_of(trained.network)).__name__],
        "model_type": card.model,
        "num_labels": len(names),
        "id2label": names,
        **dataclasses.asdict(card),
    }
    return json_text(values, indent=2) + "\n"
