from pathlib import Path

from lenet.datasets._cache import data_folder, find_file
from lenet.datasets._catalog import EMNIST
from lenet.datasets._collect import collect
from lenet.datasets._dataset import Dataset
from lenet.datasets._own import make_splits
from lenet.datasets._read_emnist import find_emnist, list_emnist
from lenet.pictures import Preparation


def load_emnist(name: str) -> Dataset:
    """Load a split of EMNIST by its name in the catalog.

    Its files may lie in the data folder unpacked, where torchvision leaves them, or in the archive
    that NIST publishes, which is fetched where it is missing.

    Raises:
        DownloadError: The archive is neither there nor to be had.
        DataFileError: A file is damaged.
    """
    split = name.removeprefix(f"{EMNIST.name}-")
    place = next((place for place in _places() if split in find_emnist(place)), None)
    place = place or find_file(EMNIST, EMNIST.files[0])
    contents = list_emnist(place, find_emnist(place), split)
    classes = contents.classes or ()
    # The images are as they should be already.
    collected = collect(contents, Preparation.plain(EMNIST.preparation.image_shape))
    splits = make_splits(place, collected.parts, classes)
    names = tuple(class_name for _, class_name in classes)
    return Dataset(name, names, splits["train"], splits["test"], preparation=EMNIST.preparation)


def _places() -> list[Path]:
    """Where EMNIST may lie by hand."""
    folder = data_folder()
    archive = EMNIST.files[0].name
    places = [folder / EMNIST.name, folder / EMNIST.torchvision_folder, folder / archive]
    return [place for place in places if place.exists()]
