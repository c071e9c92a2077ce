from ._augmentation import Augmentation as Augmentation
from ._augmentation import DrawnChanges as DrawnChanges
from ._batches import ArrayBatches as ArrayBatches
from ._batches import BatchesOf as BatchesOf
from ._batches import Selection as Selection
from ._batches import derive_seed as derive_seed
from ._cache import cached_datasets as cached_datasets
from ._cache import data_folder as data_folder
from ._cache import is_offline as is_offline
from ._catalog import CATALOG as CATALOG
from ._catalog import CatalogEntry as CatalogEntry
from ._catalog import RemoteFile as RemoteFile
from ._convert import convert_dataset as convert_dataset
from ._cut import CutSheet as CutSheet
from ._cut import cut_sheets as cut_sheets
from ._dataset import Dataset as Dataset
from ._dataset import Origin as Origin
from ._dataset import Split as Split
from ._dividing import hash_images as hash_images
from ._dividing import stratified_halves as stratified_halves
from ._findings import Example as Example
from ._findings import Findings as Findings
from ._findings import describe_dataset as describe_dataset
from ._findings import draw_contact_sheet as draw_contact_sheet
from ._findings import examine_dataset as examine_dataset
from ._held import are_labels_of as are_labels_of
from ._load import dataset_names as dataset_names
from ._load import enlarge_images as enlarge_images
from ._load import find_source as find_source
from ._load import load_cached_test as load_cached_test
from ._load import load_dataset as load_dataset
from ._looks import Look as Look
from ._looks import PictureHolder as PictureHolder
from ._looks import each_picture as each_picture
from ._looks import is_content as is_content
from ._looks import looks_of as looks_of
from ._objects import ImageHolder as ImageHolder
from ._objects import as_dataset as as_dataset
from ._objects import holds_images as holds_images
from ._prepared import PreparedDataset as PreparedDataset
from ._prepared import cache_folder as cache_folder
from ._prepared import prepared_datasets as prepared_datasets
from ._reading import DataSource as DataSource
from ._reading import Reading as Reading
from ._reading import ReadingOptions as ReadingOptions
from ._shared import PlacedSplit as PlacedSplit
from ._shared import SharedImages as SharedImages
from ._sources import find_pictures as find_pictures
from ._sources import holds_many as holds_many
from ._tensor_batches import Batches as Batches
from ._tensor_batches import apply_changes as apply_changes
from .drawn._beside import draw_beside as draw_beside
from .drawn._draw import DIGIT_KINDS as DIGIT_KINDS
from .drawn._draw import draw_digits as draw_digits
from .drawn._draw import draw_strangers as draw_strangers
from .drawn._draw import drawable_digits as drawable_digits
from .drawn._draw import drawable_strangers as drawable_strangers
from .drawn._draw import drawn_dataset as drawn_dataset
from .drawn._draw import undrawable_kinds as undrawable_kinds
from .drawn._hands import DrawnPart as DrawnPart
from .drawn._stranger_kinds import STRANGER_KINDS as STRANGER_KINDS
from .packed._check import check_packed as check_packed
from .packed._images import PackedImages as PackedImages
from .packed._index import PackedFile as PackedFile
from .packed._index import PackedIndex as PackedIndex
from .packed._index import PackedPart as PackedPart
from .packed._index import is_packed as is_packed
from .packed._pack import PackWriter as PackWriter
from .packed._pack import pack_dataset as pack_dataset
from .readers._contents import RawPictures as RawPictures
from .readers._contents import Unlabelled as Unlabelled
from .readers._contents import natural_key as natural_key
from .readers._idx import read_idx as read_idx
from .readers._scan import is_picture as is_picture
from .readers._unlabelled import is_file_of_pictures as is_file_of_pictures
from .readers._unlabelled import open_unlabelled as open_unlabelled

__all__ = [
    "CATALOG",
    "DIGIT_KINDS",
    "STRANGER_KINDS",
    "ArrayBatches",
    "Augmentation",
    "Batches",
    "BatchesOf",
    "CatalogEntry",
    "CutSheet",
    "DataSource",
    "Dataset",
    "DrawnChanges",
    "DrawnPart",
    "Example",
    "Findings",
    "ImageHolder",
    "Look",
    "Origin",
    "PackWriter",
    "PackedFile",
    "PackedImages",
    "PackedIndex",
    "PackedPart",
    "PictureHolder",
    "PlacedSplit",
    "PreparedDataset",
    "RawPictures",
    "Reading",
    "ReadingOptions",
    "RemoteFile",
    "Selection",
    "SharedImages",
    "Split",
    "Unlabelled",
    "apply_changes",
    "are_labels_of",
    "as_dataset",
    "cache_folder",
    "cached_datasets",
    "check_packed",
    "convert_dataset",
    "cut_sheets",
    "data_folder",
    "dataset_names",
    "derive_seed",
    "describe_dataset",
    "draw_beside",
    "draw_contact_sheet",
    "draw_digits",
    "draw_strangers",
    "drawable_digits",
    "drawable_strangers",
    "drawn_dataset",
    "each_picture",
    "enlarge_images",
    "examine_dataset",
    "find_pictures",
    "find_source",
    "hash_images",
    "holds_images",
    "holds_many",
    "is_content",
    "is_file_of_pictures",
    "is_offline",
    "is_packed",
    "is_picture",
    "load_cached_test",
    "load_dataset",
    "looks_of",
    "natural_key",
    "open_unlabelled",
    "pack_dataset",
    "prepared_datasets",
    "read_idx",
    "stratified_halves",
    "undrawable_kinds",
]
