from pathlib import Path

from lenet.datasets import Dataset, DataSource, describe_dataset, examine_dataset, load_dataset
from lenet.errors import DownloadError, StorageError
from lenet.runs._announce import announce
from lenet.training import Listener

_DEFAULT_DATASET, _BUNDLED_DATASET = "fashion-mnist", "digits"


def name_of_data(dataset: str | Path | DataSource | Dataset | None) -> str:
    """What data that was asked for is called, before it is read."""
    return dataset.name if isinstance(dataset, Dataset) else str(dataset or _DEFAULT_DATASET)


def find_dataset(
    dataset: str | Path | DataSource | Dataset | None, listeners: list[Listener]
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
