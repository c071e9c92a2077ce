from pathlib import Path
from typing import Any

from lenet._version import __version__
from lenet.errors import LenetError
from lenet.runs._run import Run, find_runs
from lenet.runs._run_config import RunConfig

# What a run was called and where it ran decides no more than its last digits; what images of one's
# own are is told by their fingerprint, wherever they lie.
_NOT_COMPARED = {"preset", "device", "threads", "kernels", "source"}


def find_equal_run(runs_folder: Path, config: RunConfig) -> Run | None:
    """The newest run that was to compute the same, by this version of lenet, and is not running."""
    wanted = _compared(config)
    for run in reversed(find_runs(runs_folder)):
        try:
            same_version = run.environment.get("lenet") == __version__
            if same_version and _compared(run.config) == wanted and run.status != "running":
                return run
        except LenetError:  # a damaged run
            continue
    return None


def _compared(config: RunConfig) -> dict[str, Any]:
    """The part of a config that decides what is computed."""
    return {name: value for name, value in config.to_dict().items() if name not in _NOT_COMPARED}
