import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import filelock

from lenet.core import (
    read_json_object,
    reading_errors,
    storage_errors,
    write_atomically,
)
from lenet.errors import LenetError, RunError, StorageError, UnknownNameError, nearest_name
from lenet.runs._model_folder import model_in_folder
from lenet.runs._run_config import RunConfig
from lenet.training import CurvePoint, TrainingResult

_LATEST = "latest"


@dataclass(frozen=True)
class Run:
    """A run folder: what was trained, how, on what, how it went, and how to go on.

    Attributes:
        folder: Where it lies.
    """

    folder: Path

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.name

    @property
    def config_path(self) -> Path:
        """All that decides what the run computes, as JSON."""
        return self.folder / "config.json"

    @property
    def environment_path(self) -> Path:
        """What it ran on, as JSON."""
        return self.folder / "environment.json"

    @property
    def history_path(self) -> Path:
        """The curve's points, a JSON object a line."""
        return self.folder / "history.jsonl"

    @property
    def result_path(self) -> Path:
        """What was reached, as JSON; written last, so it is there when the run is complete."""
        return self.folder / "result.json"

    @property
    def model_path(self) -> Path:
        """The network, in one file that explains itself."""
        return self.folder / "model.safetensors"

    def require_model(self) -> Path:
        """The file of the network.

        Raises:
            RunError: There is none yet.
        """
        if not self.model_path.exists():
            go_on = f"`lenet train --resume {self.folder}`"
            message = f"`{self.folder}` has no model yet; go on with {go_on}."
            raise RunError(message)
        return self.model_path

    @property
    def checkpoint_path(self) -> Path:
        """All that is needed to go on."""
        return self.folder / "checkpoint.safetensors"

    @cached_property
    def config(self) -> RunConfig:
        """All that decides what the run computes.

        Raises:
            RunError: The file is damaged, or was not written by lenet.
        """
        values = read_json_object(self.config_path, RunError)
        try:
            return RunConfig.from_dict(values)
        except (LenetError, TypeError, ValueError, AttributeError) as error:
            message = f"`{self.config_path}` can't be used: {error}"
            raise RunError(message) from error

    @property
    def environment(self) -> dict[str, Any]:
        """What it ran on: versions, machine, git commit.

        Raises:
            RunError: The file is missing or damaged.
        """
        return read_json_object(self.environment_path, RunError)

    @property
    def history(self) -> list[CurvePoint]:
        """The curve's points so far; a last line that a kill cut short is passed over."""
        if not self.history_path.exists():
            return []
        try:
            with reading_errors(self.history_path, RunError):
                lines = self.history_path.read_text(encoding="utf-8").split("\n")
            return [CurvePoint(**json.loads(line)) for line in lines[:-1]]
        except (ValueError, TypeError) as error:
            message = f"`{self.history_path}` is damaged: {error}."
            raise RunError(message) from error

    @property
    def is_complete(self) -> bool:
        """Whether it was trained to its end."""
        return self.result_path.exists()

    @property
    def result(self) -> TrainingResult:
        """What was reached.

        Raises:
            RunError: The run is not complete, or the file is damaged.
        """
        if not self.is_complete:
            go_on = f"`lenet train --resume {self.folder}`"
            message = f"`{self.folder}` is not finished; go on with {go_on}."
            raise RunError(message)
        try:
            return TrainingResult(**read_json_object(self.result_path, RunError))
        except TypeError as error:
            message = f"`{self.result_path}` is damaged: {error}."
            raise RunError(message) from error

    @property
    def status(self) -> Literal["complete", "running", "stopped"]:
        """Whether the run is complete, being trained by some process, or stopped on the way."""
        if self.is_complete:
            return "complete"
        try:
            with self.writing(timeout=0):
                return "stopped"
        except StorageError:  # who may not write to it can't know
            return "stopped"
        except RunError:
            return "running"

    @contextmanager
    def writing(self, timeout: float = 1.0) -> Iterator[None]:
        """Hold the folder, so that no second process trains in it.

        Args:
            timeout: Seconds to wait for another process; one that only asks for the status holds
                the folder for an instant.

        Raises:
            RunError: Another process holds it.
            StorageError: The folder may not be written to.
        """
        lock = filelock.FileLock(self.folder / ".lock")
        with storage_errors(self.folder):
            try:
                lock.acquire(timeout=timeout)
            except filelock.Timeout:
                message = f"`{self.folder}` is being trained by another process."
                raise RunError(message) from None
        try:
            yield
        finally:
            lock.release()


def run_elsewhere(folder: Path, config: RunConfig) -> Run:
    """A run whose folder may lie on another machine, with the config that is in it."""
    run = Run(folder)
    run.__dict__["config"] = config  # where the property keeps what it has read
    return run


def create_run(runs_folder: Path, config: RunConfig, files: dict[str, bytes | str]) -> Run:
    """Make a run folder, which appears by rename with all its first files in it.

    Args:
        runs_folder: Where run folders lie; made if it is not there.
        config: Its dataset and model are part of the folder's name.
        files: Names and contents of the first files, besides `config.json`.

    Raises:
        StorageError: The folder can't be written.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    name = re.sub(r"[^\w.-]+", "-", f"{stamp}-{config.dataset}-{config.model}")
    with storage_errors(runs_folder):
        runs_folder.mkdir(parents=True, exist_ok=True)
        unfinished = runs_folder / f".{name}.{os.getpid()}"
        unfinished.mkdir()
    try:
        write_atomically(unfinished / "config.json", json.dumps(config.to_dict(), indent=2))
        for file, content in files.items():
            write_atomically(unfinished / file, content)
        with storage_errors(runs_folder):
            return Run(_rename_to_free_name(unfinished, runs_folder / name))
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _rename_to_free_name(folder: Path, wanted: Path) -> Path:
    """Rename a folder to the first free one of `wanted`, `wanted-2`, `wanted-3` and so on."""
    for number in range(1, 1000):
        target = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        if target.exists():
            continue
        try:
            return folder.rename(target)
        except OSError:
            if not target.exists():  # else another process took the name just now
                raise
    message = f"Too many runs are called `{wanted.name}`."
    raise RunError(message)


def find_runs(runs_folder: Path | str = "runs") -> list[Run]:
    """The run folders in a folder, oldest first; other things in it are passed over."""
    folder = Path(runs_folder)
    if not folder.is_dir():
        return []
    runs = [
        Run(path)
        for path in folder.iterdir()
        if not path.name.startswith(".") and model_in_folder(path) is None
    ]
    # The config is written once, at the start; the time in the name is local and whole seconds.
    started = {run: run.config_path.stat().st_mtime_ns for run in runs if run.config_path.is_file()}
    return sorted(started, key=lambda run: (started[run], run.name))


def open_run(
    run: Path | str = _LATEST, runs_folder: Path | str = "runs", *, also: Sequence[str] = ()
) -> Run:
    """Open a run folder.

    Args:
        run: Its path, its name in `runs_folder`, or `latest`.
        runs_folder: Where names are looked for.
        also: What else the caller would have understood, for the error.

    Raises:
        RunError: There is no such folder, or it is not a run.
        UnknownNameError: There is no run of that name.
    """
    if str(run) == _LATEST:
        found = find_runs(runs_folder)
        if not found:
            message = f"There is no run in `{runs_folder}` yet; `lenet train` makes one."
            raise RunError(message)
        return found[-1]
    for folder in (Path(run), Path(runs_folder) / run):
        if folder.is_dir():
            opened = Run(folder)
            if not opened.config_path.is_file():
                message = f"`{folder}` is not a run folder: it has no `config.json`."
                raise RunError(message)
            if model_in_folder(folder) is not None:
                message = (
                    f"`{folder}` is no run but a folder for a hub; only its model can be used."
                )
                raise RunError(message)
            return opened
    if Path(run).exists():
        message = f"`{run}` is a file, not a run folder."
        raise RunError(message)
    names = [known.name for known in find_runs(runs_folder)]
    if not names:
        near = nearest_name(str(run), also)
        hint = f" Did you mean `{near}`?" if near else ""
        message = f"There is no run folder `{run}`.{hint}"
        raise RunError(message)
    newest_first = reversed(names[-5:])  # of names that are as near the first is offered
    raise UnknownNameError("run", str(run), [*newest_first, _LATEST, *also])
