"""What can't be learnt from is refused, in the way that scikit-learn's users know."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.exceptions import NotFittedError

import lenet
from lenet.datasets import Dataset
from lenet.errors import ArrayError, DatasetError, ModelError, SettingError, UnknownNameError

Arrays = tuple[npt.NDArray[Any], npt.NDArray[Any]]
pytestmark = pytest.mark.filterwarnings("ignore:Not learning")  # an epoch is little
QUICK: dict[str, Any] = {"epochs": 1, "batch_size": 10, "activation": "tanh"}


@pytest.fixture(scope="module")
def few(digits: Dataset) -> Arrays:
    """60 images as rows of numbers from 0 to 1."""
    return digits.train.images[:60].reshape(60, 784) / 255, digits.train.labels[:60]


@pytest.fixture(scope="module")
def fitted(few: Arrays) -> lenet.LeNetClassifier:
    """Trained for an epoch."""
    return lenet.LeNetClassifier(**QUICK).fit(*few)


def spoilt(images: npt.NDArray[Any], value: float) -> npt.NDArray[Any]:
    """A copy with one value replaced."""
    copied = images.copy()
    copied[3, 5] = value
    return copied


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(784,), (28, 28), (1, 28, 28)])
def test_values_must_be_finite(
    value: float, shape: tuple[int, ...], few: Arrays, fitted: lenet.LeNetClassifier
) -> None:
    images = spoilt(few[0], value).reshape(-1, *shape)
    with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
        lenet.LeNetClassifier().fit(images, few[1])
    with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
        fitted.predict(images)


@pytest.mark.parametrize("shape", [(0, 784), (0, 28, 28), (0, 1, 28, 28)])
def test_there_must_be_images(shape: tuple[int, ...], fitted: lenet.LeNetClassifier) -> None:
    with pytest.raises(ValueError, match="Found array with 0 sample"):
        lenet.LeNetClassifier().fit(np.zeros(shape), np.zeros(0))
    with pytest.raises(ValueError, match="Found array with 0 sample"):
        fitted.predict(np.zeros(shape))


@pytest.mark.parametrize(
    ("shape", "settings", "message"),
    [
        ((60,), {}, "Expected 2D array"),
        ((60, 783), {}, "783 values hold no square images"),
        ((60, 3072), {}, r"input_shape=\(3, 32, 32\)"),
        ((60, 784), {"input_shape": (3, 32, 32)}, "hold no images of `input_shape`"),
        ((60, 784), {"input_shape": (28, 28)}, "hold no images of `input_shape`"),
        ((60, 1, 1, 28, 28), {}, r"must be \(N, values\)"),
    ],
)
def test_shapes_that_hold_no_images_are_refused(
    shape: tuple[int, ...], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        lenet.LeNetClassifier(**settings).fit(np.zeros(shape), np.arange(60) % 2)


def test_predict_wants_the_shape_of_fit(fitted: lenet.LeNetClassifier) -> None:
    with pytest.raises(ArrayError, match=r"shape \(1, 14, 56\).*fitted on \(1, 28, 28\)"):
        fitted.predict(np.zeros((2, 14, 56)))
    with pytest.raises(ArrayError, match=r"shape \(3, 28, 28\)"):
        fitted.predict(np.zeros((2, 3, 28, 28)))
    with pytest.raises(ValueError, match="X has 64 features, but LeNetClassifier is expecting 784"):
        fitted.predict(np.zeros((2, 64)))


def test_one_class_can_not_be_learnt(few: Arrays) -> None:
    with pytest.raises(ValueError, match="one class only, `7`"):
        lenet.LeNetClassifier().fit(few[0], np.full(60, 7))


def test_labels_must_be_classes_and_as_many_as_images(few: Arrays) -> None:
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        lenet.LeNetClassifier().fit(few[0], few[1] + 0.5)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        lenet.LeNetClassifier().fit(few[0], few[1][:-1])
    with pytest.raises(ValueError, match="y should be a 1d array"):
        lenet.LeNetClassifier().fit(few[0], np.eye(60))
    with pytest.raises(ValueError, match="requires y"):
        lenet.LeNetClassifier().fit(few[0], None)  # type: ignore[arg-type]


def test_predict_and_save_come_after_fit(few: Arrays) -> None:
    unfitted = lenet.LeNetClassifier()
    for use in (unfitted.predict, unfitted.predict_proba):
        with pytest.raises(NotFittedError):
            use(few[0])
    with pytest.raises(NotFittedError):
        unfitted.save("model.safetensors")


def test_an_array_error_is_caught_as_either() -> None:
    assert issubclass(ArrayError, ValueError)
    assert issubclass(ArrayError, DatasetError)


def test_an_unknown_setting_is_answered_with_the_nearest(few: Arrays) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `learning_rate`"):
        lenet.LeNetClassifier(learning_rat=0.1)
    with pytest.raises(UnknownNameError, match="Did you mean `epochs`"):
        lenet.LeNetClassifier().set_params(epoch=1)
    with pytest.raises(UnknownNameError, match="Did you mean `tutorial`"):
        lenet.LeNetClassifier("tutorials").fit(*few)
    with pytest.raises(UnknownNameError, match="Did you mean `lenet`"):
        lenet.LeNetClassifier(model="lenett").fit(*few)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"learning_rate": "fast"}, "`learning_rate` must be a number"),
        ({"epochs": 0}, "`epochs` must be at least 1"),
        ({"channels": "6,16"}, "`channels` must be"),
        ({"seed": -1}, "`seed` must be at least 0"),
        ({"threads": 0}, "`threads` must be at least 1"),
        ({"device": "abacus"}, "no device `abacus`"),
        ({"recipe": 3}, "`recipe` must be"),
        ({"model": 3}, "`model` must be"),
        ({"batch_size": 100}, "`X` has only 60 images"),
        ({"recipe": "tutorial"}, "`X` has only 60 images"),
        ({"early_stopping": 3, "validation": 0.001}, "validation fraction"),
    ],
)
def test_values_are_checked_by_fit(params: dict[str, Any], message: str, few: Arrays) -> None:
    classifier = lenet.LeNetClassifier(**params)  # says nothing yet, as scikit-learn wants it
    with pytest.raises(SettingError, match=message):
        classifier.fit(*few)


def test_images_too_small_for_the_network_are_an_error_where_their_size_was_said() -> None:
    images, labels = np.zeros((60, 64)), np.arange(60) % 2
    with pytest.raises(ModelError, match="5×5 window does not fit the 4×4 input"):
        lenet.LeNetClassifier(input_shape=(1, 8, 8)).fit(images, labels)


def test_what_enlarging_does_not_help_is_explained_for_the_images_as_they_are() -> None:
    labels = np.arange(60) % 2
    with pytest.raises(ModelError, match="29×29 window does not fit the 12×12 input"):
        lenet.LeNetClassifier(kernel_size=29, padding=2).fit(np.zeros((60, 64)), labels)
    with pytest.raises(ModelError, match="does not fit the 2×20 input"):
        lenet.LeNetClassifier().fit(np.zeros((60, 4, 40)), labels)
