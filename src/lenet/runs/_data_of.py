from pathlib import Path

from lenet.datasets import Dataset, dataset_names, load_dataset
from lenet.errors import RunError, SettingError
from lenet.runs._run import Run


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
