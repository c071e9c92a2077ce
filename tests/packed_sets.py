"""Packed sets of many small shards, and readers with little room, so that few images are many."""

import json
from pathlib import Path
from typing import Any

import pytest

from lenet.datasets import Dataset, PackWriter

IMAGE = 784  # bytes


def pack(data: Dataset, target: Path, images_a_shard: int = 50) -> Path:
    """Write a dataset of small images with that many in a shard; the command has MiB alone."""
    writer = PackWriter(target, data.class_names, preparation=data.preparation)
    writer._shard_bytes = images_a_shard * data.train.images[0].nbytes
    with writer:
        for part, split in data.splits.items():
            writer.write(split.images, split.labels, part)  # type: ignore[arg-type]
    return target


def index_of(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / "index.json").read_text())
    return values


def write_index(folder: Path, values: Any) -> None:
    if isinstance(values, dict):
        values = {name: value for name, value in values.items() if name != "sha256"}
    (folder / "index.json").write_text(json.dumps(values))


def leave_little_room(patch: pytest.MonkeyPatch, room: int = 40, block: int = 3) -> None:
    """Let so many images of 784 bytes make a window, and so many be neighbours on the disk."""
    for module in ("_images", "_read_ahead"):
        patch.setattr(f"lenet.datasets.packed.{module}.IN_MEMORY_BYTES", room * IMAGE)
    patch.setattr("lenet.datasets.packed._read_ahead._BLOCK_BYTES", block * IMAGE)
    patch.setattr("lenet.datasets.packed._read_ahead._IN_ORDER_BYTES", room * IMAGE)
