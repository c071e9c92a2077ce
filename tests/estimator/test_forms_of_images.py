"""Images in any form that says which they are give the same answers; in another unit, an error."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

import lenet
from lenet.datasets import Dataset
from lenet.errors import ArrayError

pytestmark = pytest.mark.filterwarnings("ignore:Not learning")  # an epoch is little
Images = npt.NDArray[np.uint8]
Fitted = Callable[[str], lenet.LeNetClassifier]


@pytest.fixture(scope="module")
def images(digits: Dataset) -> Images:
    """Five images (N, H, W)."""
    return digits.test.images[:5, 0].copy()  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def fitted(digits: Dataset) -> Fitted:
    """Classifiers of 60 images, by the unit of these."""
    known: dict[str, lenet.LeNetClassifier] = {}

    def fit(unit: str) -> lenet.LeNetClassifier:
        if unit not in known:
            taught = {
                "bytes": lambda pixels: pixels,
                "shares": lambda pixels: pixels / 255,
                "12 bits": lambda pixels: pixels.astype(np.uint16) * 16,
                "0 and 1": lambda pixels: (pixels > 100).astype(np.uint8),
            }[unit](digits.train.images[:60, 0])
            quick = lenet.LeNetClassifier(epochs=1, batch_size=10, activation="tanh")
            known[unit] = quick.fit(taught, digits.train.labels[:60])
        return known[unit]

    return fit


SHAPES: dict[str, Callable[[Images], Any]] = {
    "(N, H, W)": lambda pixels: pixels,
    "(N, 1, H, W)": lambda pixels: pixels[:, None],
    "(N, H, W, 1)": lambda pixels: pixels[..., None],
    "(N, values)": lambda pixels: pixels.reshape(len(pixels), -1),
    "a list of arrays": list,
    "nested lists": lambda pixels: pixels.tolist(),
    "a tensor": torch.from_numpy,
    "a tensor that asks for gradients": lambda pixels: torch.from_numpy(
        pixels.astype(np.float32)
    ).requires_grad_(),
    "bfloat16": lambda pixels: torch.from_numpy(pixels.astype(np.float32)).bfloat16(),
    "a list of tensors": lambda pixels: list(torch.from_numpy(pixels)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_and_type_gets_the_answers_of_the_array(
    fitted: Fitted, images: Images, shape: str
) -> None:
    classifier = fitted("bytes")
    expected = classifier.predict_proba(images)
    np.testing.assert_array_equal(classifier.predict_proba(SHAPES[shape](images)), expected)


def test_pillows_images_are_grey_or_coloured(
    fitted: Fitted, images: Images, digits: Dataset
) -> None:
    grey = [Image.fromarray(one) for one in images]
    expected = fitted("bytes").predict_proba(images)
    np.testing.assert_array_equal(fitted("bytes").predict_proba(grey), expected)
    colour = [one.convert("RGB") for one in grey]
    with pytest.raises(ArrayError, match=r"shape \(3, 28, 28\) .* fitted on \(1, 28, 28\)"):
        fitted("bytes").predict(colour)
    quick = lenet.LeNetClassifier(
        epochs=1, batch_size=5, activation="tanh", input_shape=(3, 28, 28)
    )
    quick.fit(colour, [0, 1, 0, 1, 0])
    first = np.stack([images] * 3, axis=1)
    np.testing.assert_array_equal(quick.predict_proba(colour), quick.predict_proba(first))


UNITS: dict[str, Callable[[Images], Any]] = {
    "bytes": lambda pixels: pixels,
    "whole numbers": lambda pixels: pixels.astype(np.int64),
    "floats to 255": lambda pixels: pixels.astype(float),
    "shares": lambda pixels: pixels / 255,
    "truth values": lambda pixels: pixels > 100,
    "0 and 1": lambda pixels: (pixels > 100).astype(int),
    "12 bits": lambda pixels: pixels.astype(np.uint16) * 16,
    "16 bits": lambda pixels: pixels.astype(np.uint16) * 257,
    "normalised": lambda pixels: (pixels / 255 - 0.13) / 0.31,
}
UNDERSTOOD = {
    "bytes": ("bytes", "whole numbers", "floats to 255"),
    "shares": ("shares", "truth values", "0 and 1"),
    "12 bits": ("12 bits",),
    "0 and 1": ("shares", "truth values", "0 and 1"),
}


# Dark pictures of 12 bits are bytes, and normalised ones may be shares with more contrast.
OPEN = {("12 bits", unit) for unit in UNDERSTOOD["bytes"]}
OPEN |= {("shares", "normalised"), ("0 and 1", "normalised")}
PAIRS = [(taught, unit) for taught in UNDERSTOOD for unit in UNITS if (taught, unit) not in OPEN]


@pytest.mark.parametrize(("taught", "unit"), PAIRS)
def test_another_unit_than_was_learnt_is_an_error_that_says_both(
    fitted: Fitted, images: Images, taught: str, unit: str
) -> None:
    given = UNITS[unit](images)
    if unit in UNDERSTOOD[taught]:
        fitted(taught).predict(given)
    else:
        with pytest.raises(ArrayError, match=r"`X` holds values .* taught on .* the same unit"):
            fitted(taught).predict(given)
