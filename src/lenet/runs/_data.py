"""What a training reads: the data that was asked for, or that a run was trained on."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lenet.datasets import (
    Dataset,
    DataSource,
    dataset_names,
    describe_dataset,
    examine_dataset,
    load_dataset,
)
from lenet.errors import DownloadError, RunError, SettingError, StorageError
from lenet.runs._run import Run

if TYPE_CHECKING:
    from lenet.training import Listener

_DEFAULT_DATASET, _BUNDLED_DATASET = "fashion-mnist", "digits"


def name_of_data(dataset: str | Path | DataSource | Dataset | None) -> str:
    """What data that was asked for is called, before it is read."""
    return dataset.name if isinstance(dataset, Dataset) else str(dataset or _DEFAULT_DATASET)


def find_dataset(
    dataset: str | Path | DataSource | Dataset | None, listeners: "Sequence[Listener]"
) -> Dataset:
    """The data that was asked for; without a wish and a network, what is bundled."""
    if isinstance(dataset, Dataset):
        return dataset
    if dataset is not None:
        data = load_dataset(dataset)
        if data.origin:
            announce(listeners, describe_dataset(data, examine_dataset(data)) + "\n")
        return data
    try:
        return load_dataset(_DEFAULT_DATASET)
    except (DownloadError, StorageError):
        announce(
            listeners,
            f"`{_DEFAULT_DATASET}` is neither on this machine nor to be downloaded, so this trains "
            f"on the bundled `{_BUNDLED_DATASET}`; `--data {_DEFAULT_DATASET}` says why.",
        )
        return load_dataset(_BUNDLED_DATASET)


def load_data_of(run: Run, moved_to: Path | str | None = None) -> Dataset:
    """Load what a run was trained on, from where it was; without the run's validation split.

    Args:
        run: The run.
        moved_to: Where the folder or file lies now, if it is not where it was.

    Raises:
        RunError: It is not there any more, has changed, or was in memory alone.
        DatasetError: It can't be used.
    """
    source = run.config.source
    if source is None:
        if moved_to is not None:
            message = f"`{run.folder}` was not trained on a folder or file; leave out `--data`."
            raise RunError(message)
        if run.config.dataset not in dataset_names():
            message = f"`{run.folder}` was trained on images of one's own; pass them as `dataset`."
            raise RunError(message)
        return load_dataset(run.config.dataset)
    if moved_to is not None:
        source = source.replace(path=str(moved_to))
    elif not source.place.exists() and not source.place.parent.is_file():  # EMNIST lies in a file
        message = (
            f"`{run.folder}` was trained on `{source.path}`, which is gone. Put it back, or say "
            "where it is now with `--data` (`dataset`)."
        )
        raise RunError(message)
    data = load_dataset(source, for_training=False)
    if as_trained_on(run, data) is None:
        message = (
            f"`{source.path}` is not what `{run.folder}` was trained on: images were added, "
            "removed or changed since. Train anew, or put the images back as they were."
        )
        raise RunError(message)
    return data


def as_trained_on(run: Run, data: Dataset) -> Dataset | None:
    """The data with the images that a run held out; `None` if it was trained on other data."""
    config = run.config
    if config.recipe.validation:
        try:
            data = data.with_validation(config.recipe.validation, config.seed)
        except SettingError:  # too few to be what the run was trained on
            return None
    return data if data.fingerprint() == config.fingerprint else None


def announce(listeners: "Sequence[Listener]", text: str) -> None:
    """Tell every listener something that the person should know."""
    for listener in listeners:
        listener.on_message(text)
