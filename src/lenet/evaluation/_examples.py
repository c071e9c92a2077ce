"""Which images a trained network is scored on."""

from lenet.datasets import Dataset, Split, dataset_names, load_dataset
from lenet.errors import DatasetError, RunError
from lenet.runs import Run


def find_dataset(dataset: str | Dataset | None, trained_on: str) -> Dataset:
    """The dataset that was asked for, else the one that a network was trained on.

    Args:
        dataset: A name, or images of one's own, if any are wanted.
        trained_on: The name that the network's run or model file gives.

    Raises:
        DatasetError: The data can't be had, or nobody but the caller has it.
    """
    if isinstance(dataset, Dataset):
        return dataset
    if dataset is None and trained_on not in dataset_names():
        message = f"`{trained_on}` are images of one's own; pass them as `dataset`."
        raise DatasetError(message)
    return load_dataset(dataset or trained_on)


def pick_examples(source: Run | object, data: Dataset, split: str) -> Split:
    """The images to score on; those of training and validation are the run's own.

    Args:
        source: The run, or where else the network is from.
        data: The dataset, without a validation split of a run.
        split: `train`, `validation` or `test`.

    Raises:
        DatasetError: There are no test images.
        RunError: There is no run, it was trained on other data, or it held out no images.
    """
    if split == "test":
        return data.require_test()
    if not isinstance(source, Run):
        message = "Only a run knows which images were for training and which for validation."
        raise RunError(message)
    config = source.config
    if config.recipe.validation:
        data = data.with_validation(config.recipe.validation, config.seed)
    if data.fingerprint() != config.fingerprint:
        message = f"`{source.folder}` was not trained on `{data.name}`: it has no {split} images."
        raise RunError(message)
    examples: Split | None = getattr(data, split)
    if examples is None:
        message = (
            f"`{source.folder}` was trained without a validation split; a `validation` share above "
            "0, such as 0.1, makes one."
        )
        raise RunError(message)
    return examples
