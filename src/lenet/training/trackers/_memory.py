"""Which trackers are told of a run, and what they need to go on: `tracking.json`."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lenet.core import read_json_object, write_atomically
from lenet.errors import RunError

TRACKING_FILE = "tracking.json"


def pack_trackers(names: Iterable[str]) -> str:
    """The file's content when nothing has been told yet."""
    return json.dumps({name: {} for name in names}, indent=2)


def read_tracking(folder: Path) -> dict[str, dict[str, Any]]:
    """By the trackers' names, what each of them has kept.

    Args:
        folder: The run folder; without the file it is not tracked.

    Raises:
        RunError: The file is damaged.
    """
    path = folder / TRACKING_FILE
    if not path.exists():
        return {}
    kept = read_json_object(path, RunError)
    if not all(isinstance(value, dict) for value in kept.values()):
        message = f"`{path}` is damaged: it does not hold an object for each tracker."
        raise RunError(message)
    return kept


def keep_for_tracker(folder: Path, name: str, values: dict[str, Any]) -> None:
    """Keep what a tracker needs to go on."""
    kept = read_tracking(folder)
    if kept.get(name) != values:
        write_atomically(folder / TRACKING_FILE, json.dumps({**kept, name: values}, indent=2))
