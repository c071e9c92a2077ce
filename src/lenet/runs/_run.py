"""A run folder: the files in it, what they hold, and how it is made."""

import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import filelock

from lenet._version import __version__
from lenet.core import (
    check_range,
    check_setting,
    distribution_name,
    install_command,
    json_text,
    newer_version,
    open_to_read,
    parse_json,
    read_json_object,
    read_record,
    remove_partial_files,
    shortened,
    staged_folder,
    storage_errors,
    write_atomically,
)
from lenet.datasets import DataSource
from lenet.errors import LenetError, RunError, SettingError, StorageError, UnknownNameError
from lenet.kernels import EngineName
from lenet.models import ModelConfig, Network, Normalisation, settings_from
from lenet.training import CurvePoint, Recipe, TrainingResult

NETWORK_FILE = "network.toml"  # in the folder of a run whose network is a list of layers
_FORMAT = 1
_STARTED = "started"  # in `environment.json`
_STAMP = "%Y%m%d-%H%M%S"  # in a folder's name: when it was made, by the clock on the wall
_IN_NAME = re.compile(r"(\d{8}-\d{6})-")
_SAME_INSTANT = 2.0  # seconds between a run's name and its first file, if that was not copied
_NO_WAY_BACK = " Put `model.safetensors` back, or train again: `lenet train`."
_MOST_THREADS = 2**15


@dataclass(frozen=True)
class RunConfig:
    """All that decides what a run computes; the content of its `config.json`.

    Attributes:
        dataset: The dataset's name.
        fingerprint: SHA-256 of its images and labels, the split included.
        model: The network's name in the registry.
        settings: The network's settings.
        recipe: How it is trained.
        preset: The preset that network and recipe began from.
        normalisation: How pixels become the network's input.
        seed: Of weights, order, augmentation and validation split.
        device: Where it is trained.
        threads: CPU threads, which decide the order of PyTorch's sums but not of the kernels'.
            NumPy's sums go by its own threads, which `OMP_NUM_THREADS` sets.
        engine: What computes: `native`, `torch` or `numpy`.
        source: Where images of one's own were read from and how; `None` for other data.
    """

    dataset: str
    fingerprint: str
    model: str
    settings: ModelConfig | Network
    recipe: Recipe
    preset: str
    normalisation: Normalisation
    seed: int
    device: str
    threads: int
    engine: EngineName
    source: DataSource | None = None  # which the first runs did not say

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them."""
        own = {
            "settings": self.settings.to_dict(),
            "source": None if self.source is None else self.source.to_dict(),
        }
        return {"format": _FORMAT, "version": __version__, **asdict(self), **own}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RunConfig":
        """Read the values back.

        Raises:
            RunError: They are of a newer format, or one is missing.
            SettingError: One is unknown, ill-typed or out of range.
        """
        values = dict(values)
        if values.pop("format", None) != _FORMAT:
            message = f"it is not of format {_FORMAT}, the one this version of lenet reads"
            raise RunError(message)
        if not isinstance(version := values.pop("version", ""), str):
            message = f"`version` must be text, not {shortened(version)}."
            raise SettingError(message)
        if "kernels" in values:  # its name before there were three engines
            values["engine"] = values.pop("kernels")
        if values.keys() >= {"model", "settings"}:  # as that class which the name stands for
            model = check_setting(cls, "model", values["model"])
            if not isinstance(values["settings"], dict):
                message = f"`settings` must be an object, not {shortened(values['settings'])}."
                raise SettingError(message)
            values["settings"] = settings_from(model, values["settings"])
        config = read_record(cls, values)
        check_range("seed", config.seed, 0, 2**63 - 1)
        check_range("threads", config.threads, 1, _MOST_THREADS)
        return config


@dataclass(frozen=True)
class _Environment:
    """What of an `environment.json` is looked at; it may hold more, and early ones held less."""

    started: str | None = None
    lenet: str | None = None
    python: str | None = None
    torch: str | None = None
    numpy: str | None = None
    platform: str | None = None
    processor: str | None = None
    device: str | None = None
    kernels: str | None = None
    command: tuple[str, ...] = ()
    git_commit: str | None = None
    git_changed: bool = False
    processes: int = 1
    together: int = 1
    own_weights: bool = False


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
            if self.is_complete:
                message = f"`{self.folder}` was trained to its end, but its model is gone."
                kept = self.checkpoint_path.exists()
                message += f" Make it again: {go_on}." if kept else _NO_WAY_BACK
            raise RunError(message)
        return self.model_path

    @property
    def checkpoint_path(self) -> Path:
        """All that is needed to go on; a complete run has none."""
        return self.folder / "checkpoint.safetensors"

    @property
    def started(self) -> datetime:
        """When it was made, in UTC; copying its folder does not change it."""
        try:
            kept = datetime.fromisoformat(self.environment[_STARTED])
            if kept.tzinfo is not None:
                return kept
        except (LenetError, KeyError, TypeError, ValueError):  # as in runs of the first lenets
            pass
        written = self.config_path.stat().st_mtime
        try:
            named = datetime.strptime(_IN_NAME.match(self.name)[1], _STAMP).timestamp()  # type: ignore[index]
        except (TypeError, ValueError, OverflowError):
            named = written
        is_own = 0 <= written - named < _SAME_INSTANT
        return datetime.fromtimestamp(written if is_own else named, timezone.utc)

    @property
    def newer_version(self) -> str | None:
        """The version of lenet that made it, if it is newer than this one."""
        try:
            return newer_version(read_json_object(self.config_path, RunError))
        except RunError:
            return None

    def _unreadable(self, path: Path, reason: str) -> RunError:
        """The error of a file that says what this version does not understand."""
        if newer := self.newer_version:
            update = install_command(f"--upgrade {distribution_name()}")
            message = (
                f"`{self.folder}` is a run of lenet {newer}, which is newer than this one "
                f"({__version__}): `{update}`."
            )
            return RunError(message)
        return RunError(f"`{path}` {reason.rstrip('.')}.")

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
            raise self._unreadable(self.config_path, f"can't be used: {error}") from error

    @property
    def environment(self) -> dict[str, Any]:
        """What it ran on: versions, machine, git commit.

        Raises:
            RunError: The file is missing or damaged.
        """
        values = read_json_object(self.environment_path, RunError)
        try:
            read_record(_Environment, values, passed_over=None)
        except SettingError as error:
            raise self._unreadable(self.environment_path, f"is damaged: {error}") from error
        return values

    @property
    def history(self) -> list[CurvePoint]:
        """The curve's points so far; a last line that a kill cut short is passed over."""
        if not self.history_path.exists():
            return []
        try:
            with open_to_read(self.history_path, RunError) as file:
                lines = file.read().decode("utf-8").split("\n")
            return [read_record(CurvePoint, parse_json(line)) for line in lines[:-1]]
        except (ValueError, LenetError) as error:
            raise self._unreadable(self.history_path, f"is damaged: {error}") from error

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
            return read_record(TrainingResult, read_json_object(self.result_path, RunError))
        except (SettingError, UnknownNameError) as error:
            raise self._unreadable(self.result_path, f"is damaged: {error}") from error

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

        A process that only asks for the status holds it for an instant, so this waits a while.

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

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def delete(self) -> None:
        """Remove the folder and all that is in it.

        Raises:
            RunError: A process is training in it, or it is a link to a run elsewhere.
            StorageError: It may not be removed.
        """
        if self.folder.is_symlink():
            message = (
                f"`{self.folder}` is a link to `{self.folder.readlink()}`; remove the link, or "
                "delete the run where it lies."
            )
            raise RunError(message)
        with self.writing():
            pass
        with storage_errors(self.folder), staged_folder(self.folder) as hidden:
            self.folder.rename(hidden / self.name)  # at no time is there half a run
            shutil.rmtree(hidden / self.name)


def run_elsewhere(folder: Path, config: RunConfig) -> Run:
    """A run whose folder may lie on another machine, with the config that is in it."""
    run = Run(folder)
    run.__dict__["config"] = config  # where the property keeps what it has read
    return run


def create_run(
    runs_folder: Path,
    config: RunConfig,
    environment: dict[str, Any],
    files: Mapping[str, bytes | str],
) -> Run:
    """Make a run folder, which appears by rename with its first files in it.

    Raises:
        StorageError: The folder can't be written.
    """
    now = datetime.now(timezone.utc)
    environment = {_STARTED: now.isoformat(timespec="microseconds"), **environment}
    stamp = time.strftime(_STAMP)
    wanted = re.sub(r"[^\w.-]+", "-", f"{stamp}-{config.dataset}-{config.model}")
    with storage_errors(runs_folder):
        runs_folder.mkdir(parents=True, exist_ok=True)
        remove_partial_files(runs_folder)
    with storage_errors(runs_folder), staged_folder(runs_folder / wanted) as unfinished:
        for name, values in (("config", config.to_dict()), ("environment", environment)):
            write_atomically(unfinished / f"{name}.json", json_text(values, indent=2))
        if isinstance(config.settings, Network):
            config.settings.write(unfinished / NETWORK_FILE)
        for file, content in files.items():
            write_atomically(unfinished / file, content)
        return Run(_rename_to_free_name(unfinished, runs_folder / wanted))


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
