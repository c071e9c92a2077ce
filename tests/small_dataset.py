"""IDX files packed by hand, and a small dataset made of them."""

import gzip
import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import lenet

FILE_NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def pack_idx(type_code: int, shape: tuple[int, ...], body: bytes) -> bytes:
    """The bytes of an IDX file: type code, sizes, values."""
    sizes = b"".join(struct.pack(">I", size) for size in shape)
    return struct.pack(">BBBB", 0, 0, type_code, len(shape)) + sizes + body


@dataclass
class SmallDataset:
    """Twelve images to train on and five to test on, as arrays and as the four files."""

    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.uint8]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.uint8]

    def files(self) -> dict[str, bytes]:
        """The contents of the plain files by their names."""
        arrays = (self.train_images, self.train_labels, self.test_images, self.test_labels)
        return {
            name.removesuffix(".gz"): pack_idx(0x08, array.shape, array.tobytes())
            for name, array in zip(FILE_NAMES, arrays, strict=True)
        }

    def compressed_files(self) -> dict[str, bytes]:
        """The contents of the gzip files by their names."""
        return {f"{name}.gz": gzip.compress(data) for name, data in self.files().items()}


def assert_loads(small: SmallDataset) -> None:
    """What is loaded under the name `fashion-mnist` is the small dataset."""
    dataset = lenet.load_dataset("fashion-mnist")
    np.testing.assert_array_equal(dataset.train.images[:, 0], small.train_images)
    np.testing.assert_array_equal(dataset.train.labels, small.train_labels)
    np.testing.assert_array_equal(dataset.test.images[:, 0], small.test_images)
    np.testing.assert_array_equal(dataset.test.labels, small.test_labels)
