"""Runs that a kill ended after their last epoch and before their result."""

from pathlib import Path

import pytest


def keep_checkpoints(patch: pytest.MonkeyPatch) -> None:
    """Leave a complete run its checkpoint: without its result it is one that was killed then."""
    unlink = Path.unlink

    def unlink_others(path: Path, missing_ok: bool = False) -> None:
        if path.name != "checkpoint.safetensors":
            unlink(path, missing_ok)

    patch.setattr(Path, "unlink", unlink_others)
