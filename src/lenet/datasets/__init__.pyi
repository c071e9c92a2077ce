from ._augmentation import Augmentation as Augmentation
from ._augmentation import DrawnChanges as DrawnChanges
from ._batches import Batches as Batches
from ._batches import Selection as Selection
from ._batches import derive_seed as derive_seed
from ._cache import cached_datasets as cached_datasets
from ._cache import data_folder as data_folder
from ._catalog import CATALOG as CATALOG
from ._catalog import CatalogEntry as CatalogEntry
from ._catalog import RemoteFile as RemoteFile
from ._dataset import Dataset as Dataset
from ._dataset import Split as Split
from ._dataset import stratified_halves as stratified_halves
from ._enlarge import enlarge_images as enlarge_images
from ._idx import read_idx as read_idx
from ._load import dataset_names as dataset_names
from ._load import load_dataset as load_dataset

__all__ = [
    "CATALOG",
    "Augmentation",
    "Batches",
    "CatalogEntry",
    "Dataset",
    "DrawnChanges",
    "RemoteFile",
    "Selection",
    "Split",
    "cached_datasets",
    "data_folder",
    "dataset_names",
    "derive_seed",
    "enlarge_images",
    "load_dataset",
    "read_idx",
    "stratified_halves",
]
