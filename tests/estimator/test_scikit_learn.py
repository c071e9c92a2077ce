"""The estimator among scikit-learn's own tools, and under its own checks."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import lenet
from lenet.models import LeNetConfig, build_model
from lenet.training import Recipe

Arrays = tuple[npt.NDArray[Any], npt.NDArray[Any]]
pytestmark = pytest.mark.filterwarnings("ignore:Not learning")  # a few epochs are little
QUICK: dict[str, Any] = {
    "epochs": 4,
    "batch_size": 20,
    "validation": 0.0,
    "activation": "tanh",
    "learning_rate": 0.002,
    "optimiser": "adam",
}


@pytest.fixture(scope="module")
def few() -> Arrays:
    """300 of scikit-learn's digits."""
    images, labels = load_digits(return_X_y=True)
    return images[:300], labels[:300]


def quick(**settings: Any) -> lenet.LeNetClassifier:
    """A classifier that learns something in an instant."""
    return lenet.LeNetClassifier(**QUICK | settings)


def test_parameters_are_those_of_the_signature_and_the_settings_given() -> None:
    classifier = lenet.LeNetClassifier("tutorial", epochs=3, channels=(4, 8))
    assert classifier.get_params() == {
        "recipe": "tutorial",
        "model": None,
        "seed": 0,
        "random_state": None,
        "class_weight": None,
        "warm_start": False,
        "device": "auto",
        "threads": None,
        "verbose": False,
        "epochs": 3,
        "channels": (4, 8),
    }
    assert classifier.set_params(learning_rate=0.5, seed=1) is classifier
    assert classifier.get_params()["learning_rate"] == 0.5
    assert "learning_rate=0.5" in repr(classifier)
    assert "device" not in repr(classifier)
    assert "learning_rate" in classifier._repr_html_()


def test_nothing_is_set_if_one_name_is_wrong() -> None:
    classifier = lenet.LeNetClassifier()
    with pytest.raises(lenet.LenetError):
        classifier.set_params(seed=3, nonsense=1)
    assert classifier.seed == 0


def test_a_clone_has_the_same_parameters_and_no_network(few: Arrays) -> None:
    network = build_model(LeNetConfig(), seed=0)
    for classifier in (quick(seed=4), lenet.LeNetClassifier(Recipe(epochs=1), model=network)):
        copied = clone(classifier)
        found, expected = copied.get_params(), classifier.get_params()
        assert found.keys() == expected.keys()
        assert all(found[name] == expected[name] for name in found if name != "model")
    fitted = quick().fit(*few)
    assert not hasattr(clone(fitted), "network_")


def test_it_is_a_classifier() -> None:
    assert is_classifier(lenet.LeNetClassifier())


def test_cross_validation_gives_the_same_scores_in_processes(few: Arrays) -> None:
    one = cross_val_score(quick(), *few, cv=3)
    two = cross_val_score(quick(), *few, cv=3, n_jobs=2)
    np.testing.assert_array_equal(one, two)
    assert one.mean() > 0.6
    images = few[0].reshape(-1, 1, 8, 8)
    np.testing.assert_array_equal(cross_val_score(quick(), images, few[1], cv=3), one)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_grid_over_settings_of_recipe_and_network(n_jobs: int | None, few: Arrays) -> None:
    grid = {"learning_rate": np.logspace(-5, -2.7, 2), "pooling": ["average", "max"]}
    search = GridSearchCV(quick(), grid, cv=2, n_jobs=n_jobs).fit(*few)
    assert search.best_params_["learning_rate"] == grid["learning_rate"][1]
    assert search.best_estimator_.recipe_.learning_rate == grid["learning_rate"][1]
    assert len(set(search.cv_results_["mean_test_score"])) > 2


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()])
def test_it_ends_a_pipeline(scaler: Any, few: Arrays) -> None:
    pipeline = make_pipeline(scaler, quick(epochs=8))
    assert cross_val_score(pipeline, *few, cv=3).mean() > 0.6
    pipeline.set_params(lenetclassifier__epochs=1)
    assert pipeline.fit(*few)[-1].recipe_.epochs == 1


def test_probabilities_go_through_others(few: Arrays) -> None:
    probabilities = cross_val_predict(quick(), *few, cv=2, method="predict_proba")
    assert probabilities.shape == (300, 10)
    voting = VotingClassifier([("a", quick()), ("b", quick(seed=1))], voting="soft").fit(*few)
    assert voting.score(*few) > 0.6
    calibrated = CalibratedClassifierCV(quick(), cv=2).fit(*few)
    assert calibrated.predict_proba(few[0]).shape == (300, 10)


# scikit-learn's checks use tables of any number of columns, which are no images. Here a row becomes
# the pixels of a square, the rest of which is black; all else is the estimator's own.
def _as_square(images: np.ndarray) -> np.ndarray:
    values = images.shape[-1]
    side = math.isqrt(values - 1) + 1
    square = np.zeros((len(images), 1, side * side), np.float32)
    square[..., :values] = images.reshape(len(images), 1, values)
    places = np.arange(28) * side // 28
    return square.reshape(-1, 1, side, side)[:, :, places[:, None], places]


# They fit some 150 times: a small network learns what they ask for in a tenth of the time.
_SMALL = {"channels": (2, 4), "dense_widths": (16,), "epochs": 40, "learning_rate": 0.01}
_LEFT_OUT = {
    "check_do_not_raise_errors_in_init_or_set_params": "it takes `**settings` for a parameter of "
    "the name `settings`; an unknown name is refused at once, as Python does",
    "check_sample_weight_equivalence_on_dense_data": "an image that is there twice is in two "
    "batches, one of weight 2 in one, and small batches are what it learns from; with all images "
    "in a batch the two are the same, which tests/training/engines/test_weights.py holds",
}


@parametrize_with_checks(
    [lenet.LeNetClassifier()], expected_failed_checks=lambda estimator: _LEFT_OUT
)
def test_scikit_learns_own_checks(
    estimator: Any, check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = "lenet.estimator._classifier"
    monkeypatch.setattr(f"{classifier}.shape_of_rows", lambda values, _: (1, 1, values))
    monkeypatch.setattr(f"{classifier}.needs_enlarging", lambda *_: True)
    monkeypatch.setattr("lenet.estimator._pixels.enlarge_images", _as_square)
    given = lenet.LeNetClassifier._given_settings
    monkeypatch.setattr(lenet.LeNetClassifier, "_given_settings", lambda own: _SMALL | given(own))
    check(estimator)
