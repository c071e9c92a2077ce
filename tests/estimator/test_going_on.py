"""Seeds, weights, training on, scores before the softmax, and files: as scikit-learn has them."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_class_weight

import lenet
from lenet.errors import ArrayError, SettingError

Arrays = tuple[npt.NDArray[Any], ...]
pytestmark = pytest.mark.filterwarnings("ignore:Not learning")
SMALL: dict[str, Any] = {"channels": (3, 6), "dense_widths": (20,)}


@pytest.fixture(scope="module")
def small() -> Arrays:
    """800 of scikit-learn's digits, and the others to score on."""
    images, labels = load_digits(return_X_y=True)
    return tuple(train_test_split(images, labels, train_size=800, random_state=0))


def quick(**settings: Any) -> lenet.LeNetClassifier:
    return lenet.LeNetClassifier(**{"epochs": 3} | SMALL | settings)


def test_random_state_is_another_name_for_the_seed(small: Arrays) -> None:
    images, _, labels, _ = small
    expected = quick(seed=7).fit(images, labels).predict_proba(images)
    for state in (7, np.int64(7)):
        found = quick(random_state=state).fit(images, labels).predict_proba(images)
        np.testing.assert_array_equal(found, expected)
    one, two = (
        quick(random_state=np.random.RandomState(3)).fit(images, labels).predict_proba(images)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, expected)
    with pytest.raises(SettingError, match="`random_state` must be at least 0"):
        quick(random_state=-1).fit(images, labels)


def test_a_class_that_counts_more_is_named_more(small: Arrays) -> None:
    images, more_images, labels, _ = small
    labels = np.where(labels == 8, "eight", "other")
    named = []
    weights: tuple[Any, ...] = (None, "balanced", {"eight": 50.0, "other": 1.0})
    for weight in weights:
        classifier = quick(class_weight=weight, epochs=1).fit(images, labels)
        assert (classifier.engine_ == "torch") is (weight is not None)
        named.append(float((classifier.predict(more_images) == "eight").mean()))
    assert named[0] < named[1] < named[2]


def test_weights_of_classes_and_of_images_are_multiplied(small: Arrays) -> None:
    images, _, labels, _ = small
    numbers = compute_class_weight("balanced", classes=np.arange(10), y=labels)
    own = np.random.default_rng(0).gamma(1.0, size=len(labels))
    by_class = quick(class_weight="balanced").fit(images, labels, sample_weight=own)
    by_image = quick().fit(images, labels, own * numbers[labels])
    found, expected = (each.predict_proba(images) for each in (by_class, by_image))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_images_of_weight_zero_are_as_if_they_were_not_there(small: Arrays) -> None:
    images, _, labels, _ = small
    counts = np.arange(len(labels)) % 2
    half = quick().fit(images[1::2], labels[1::2])
    weighted = quick().fit(images, labels, counts)
    np.testing.assert_array_equal(weighted.predict_proba(images), half.predict_proba(images))
    assert quick().fit(images, labels, np.full(len(labels), 2.0)).engine_ == half.engine_
    with pytest.raises(ValueError, match="weight"):
        quick().fit(images, labels, np.zeros(len(labels)))
    with pytest.raises(ValueError, match="Negative"):
        quick().fit(images, labels, counts - 1)


def test_it_learns_from_pieces(small: Arrays) -> None:
    images, more_images, labels, more_labels = small
    classifier = lenet.LeNetClassifier(**SMALL)
    with pytest.raises(ArrayError, match="needs `classes`"):
        classifier.partial_fit(images, labels)
    scores = []
    for _ in range(6):
        for start in range(0, 800, 200):
            piece = slice(start, start + 200)
            classifier.partial_fit(images[piece], labels[piece], classes=range(10))
        scores.append(classifier.score(more_images, more_labels))
    assert scores[-1] > max(0.9, scores[0])
    assert classifier.recipe_.schedule == "constant"
    with pytest.raises(ArrayError, match="`y` holds `11`, which is none of the classes"):
        classifier.partial_fit(images[:20], np.full(20, 11))
    assert classifier.score(more_images, more_labels) == scores[-1]
    with pytest.raises(SettingError, match="can't be `balanced` in `partial_fit`"):
        lenet.LeNetClassifier(class_weight="balanced").partial_fit(images, labels, range(10))


def test_pieces_may_lack_classes_and_leave_a_batch_of_one(small: Arrays) -> None:
    images, _, labels, _ = small
    of_two = labels < 2
    classifier = quick().partial_fit(images[of_two], labels[of_two], classes=np.arange(10))
    assert len(classifier.classes_) == 10
    classifier.partial_fit(images[~of_two][:33], labels[~of_two][:33])
    assert classifier.recipe_.batch_size == 17, "16 would leave one image, too few to normalise"


def test_the_optimiser_goes_on_between_pieces(small: Arrays) -> None:
    images, _, labels, _ = small
    one, without = (quick().partial_fit(images, labels, classes=range(10)) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(images), without.predict_proba(images))
    without._optimiser = {}  # as if it had just begun
    for each in (one, without):
        each.partial_fit(images[:64], labels[:64])
    assert not np.array_equal(one.predict_proba(images), without.predict_proba(images))


@pytest.mark.parametrize("warm", [False, True])
def test_a_warm_start_goes_on(warm: bool, small: Arrays) -> None:
    images, _, labels, _ = small
    classifier = quick(warm_start=warm, epochs=1).fit(images, labels)
    before = classifier.history_[-1].train_loss
    again = classifier.fit(images, labels).history_[-1].train_loss
    assert (again < 0.7 * before) if warm else (again == before)
    classifier.set_params(epochs=2).fit(images, labels)
    assert classifier.recipe_.epochs == 2
    if warm:
        with pytest.raises(ArrayError, match="none of the classes"):
            classifier.fit(images, labels + 1)


def test_what_comes_before_the_probabilities(small: Arrays) -> None:
    images, more_images, labels, _ = small
    classifier = quick().fit(images, labels)
    scores = classifier.decision_function(more_images)
    assert scores.shape == (len(more_images), 10)
    probabilities = classifier.predict_proba(more_images)
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-9)
    logarithms = classifier.predict_log_proba(more_images)
    np.testing.assert_allclose(np.exp(logarithms), probabilities, rtol=1e-12)
    two = quick().fit(images[labels < 2], labels[labels < 2])
    above = two.decision_function(more_images)
    assert above.shape == (len(more_images),)
    np.testing.assert_array_equal(above > 0, two.predict(more_images) == 1)


def test_a_saved_classifier_is_loaded_and_goes_on(small: Arrays) -> None:
    images, _, labels, _ = small
    large = images.reshape(-1, 8, 8).repeat(2, axis=1).repeat(2, axis=2)
    fitted = quick().fit(large, labels)
    fitted.save("model.safetensors")
    loaded = lenet.LeNetClassifier.load("model.safetensors", classes=range(10))
    np.testing.assert_array_equal(loaded.predict_proba(large), fitted.predict_proba(large))
    np.testing.assert_array_equal(loaded.predict(large), fitted.predict(large))
    assert (loaded.recipe_, loaded.n_features_in_) == (fitted.recipe_, 256)
    assert lenet.LeNetClassifier.load("model.safetensors").predict(large[:1]).dtype.kind == "U"
    loaded.partial_fit(large, labels)
    assert loaded.score(large, labels) > 0.5
    with pytest.raises(ArrayError, match="`classes` must be 10 labels, not 2"):
        lenet.LeNetClassifier.load("model.safetensors", classes=["a", "b"])


def test_small_images_of_a_file_are_enlarged_as_in_fit(small: Arrays) -> None:
    images, _, labels, _ = small
    fitted = quick().fit(images, labels)
    fitted.save("model.safetensors")
    loaded = lenet.LeNetClassifier.load("model.safetensors", image_shape=(1, 8, 8))
    np.testing.assert_array_equal(loaded.predict_proba(images), fitted.predict_proba(images))


def test_the_bundled_model_is_a_classifier_too(digits: lenet.Dataset) -> None:
    loaded = lenet.LeNetClassifier.load("digits", classes=range(10))
    assert loaded.score(digits.test.images, digits.test.labels) > 0.85
