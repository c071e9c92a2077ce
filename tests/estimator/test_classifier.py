"""The estimator learns, gives what its network gives, and does so for every kind of input."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

import lenet
from lenet.datasets import Dataset
from lenet.errors import ModelFileError
from lenet.kernels import use_engine
from lenet.models import LeNetConfig, build_model, read_card
from lenet.training import Recipe, own, preset_for

Arrays = tuple[npt.NDArray[Any], npt.NDArray[Any]]
pytestmark = pytest.mark.filterwarnings("ignore:Not learning")  # two epochs are few
QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 32, "validation": 0.0, "activation": "tanh"}


@pytest.fixture(scope="module")
def small() -> Arrays:
    """scikit-learn's 8×8 digits, 0 to 16, as it gives them."""
    images, labels = load_digits(return_X_y=True)
    return images, labels


@pytest.fixture(scope="module")
def few(digits: Dataset) -> Arrays:
    """192 images of 28×28 pixels, uint8."""
    return digits.train.images[:192], digits.train.labels[:192]


def quick(**settings: Any) -> lenet.LeNetClassifier:
    """A classifier of two epochs."""
    return lenet.LeNetClassifier(**QUICK | settings)


def same_weights(one: lenet.LeNetClassifier, other: lenet.LeNetClassifier) -> bool:
    """Whether two fitted networks are the same to the bit."""
    pairs = zip(one.network_.parameters(), other.network_.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_the_first_try_on_scikit_learns_digits_is_a_good_one(small: Arrays) -> None:
    images, labels = small
    classifier = lenet.LeNetClassifier().fit(images[::2], labels[::2])
    assert classifier.score(images[1::2], labels[1::2]) > 0.93
    assert classifier.recipe_ == own(len(images[::2])).recipe, "as `lenet train` takes it"
    assert "BatchNorm2d" in str(classifier.network_)


def test_a_network_that_is_not_finite_does_not_answer(few: Arrays, tmp_path: Path) -> None:
    classifier = quick(epochs=1).fit(*few)
    next(iter(classifier.network_.parameters())).data[0] = float("nan")
    joblib.dump(classifier, tmp_path / "kept")
    for one in (classifier, joblib.load(tmp_path / "kept")):
        with pytest.raises(ModelFileError, match="not finite"):
            one.predict_proba(few[0][:2])
        with pytest.raises(ModelFileError, match="not finite"):
            one.save(tmp_path / "model.safetensors")
    assert not (tmp_path / "model.safetensors").exists()


def test_another_optimiser_leaves_out_the_momentum_of_a_recipe(few: Arrays) -> None:
    for recipe in ("modern", preset_for("digits", "modern").recipe.replace(batch_size=64)):
        classifier = quick(recipe=recipe, optimiser="adam", epochs=1).fit(*few)
        assert (classifier.recipe_.optimiser, classifier.recipe_.momentum) == ("adam", 0.0)


@pytest.mark.parametrize("count", [30, 100])
def test_the_first_try_on_few_images_learns(count: int, small: Arrays) -> None:
    images, labels = small
    classifier = lenet.LeNetClassifier().fit(images[:count], labels[:count])
    assert classifier.score(images[count:], labels[count:]) > 0.5
    assert classifier.recipe_.validation == 0


def test_settings_that_were_given_are_left_alone(small: Arrays) -> None:
    images, labels = small
    given: dict[str, Any] = {"epochs": 1, "batch_size": 20, "validation": 0.2, "learning_rate": 1}
    recipe = lenet.LeNetClassifier(**given).fit(images[:200], labels[:200]).recipe_
    assert {name: getattr(recipe, name) for name in given} == given


def test_none_leaves_the_presets_setting(few: Arrays) -> None:
    classifier = quick(learning_rate=None, pooling=None).fit(*few)
    assert classifier.recipe_.learning_rate == own(192).recipe.learning_rate


def test_a_presets_name_and_a_recipe_are_taken_as_they_are(few: Arrays) -> None:
    recipe = Recipe(epochs=2, batch_size=100, learning_rate=0.1)
    assert lenet.LeNetClassifier(recipe, activation="tanh").fit(*few).recipe_ == recipe
    classifier = lenet.LeNetClassifier("tutorial", activation="tanh", epochs=1, batch_size=10)
    assert classifier.fit(*few).recipe_ == Recipe(epochs=1, batch_size=10)


def test_the_training_is_that_of_lenet_train(digits: Dataset) -> None:
    recipe = Recipe(epochs=2, batch_size=64, learning_rate=0.1, validation=0.1)
    settings: dict[str, Any] = {"activation": "relu", "channels": (4, 8)}
    run = lenet.train(dataset=digits, recipe=recipe, seed=3, listeners=[], **settings)
    classifier = lenet.LeNetClassifier(recipe, seed=3, **settings)
    classifier.fit(digits.train.images, digits.train.labels)
    for found, expected in zip(classifier.history_, (p for p in run.history), strict=True):
        assert (found.train_loss, found.validation_loss) == (
            expected.train_loss,
            expected.validation_loss,
        )
    assert classifier.score(digits.test.images, digits.test.labels) == run.result.test_accuracy


@pytest.mark.parametrize("normalisation", ["unit", "standard"])
@pytest.mark.parametrize("kernels", ["auto", "torch"])
def test_predictions_are_those_of_the_network_by_pytorch(
    kernels: Any, normalisation: str, few: Arrays
) -> None:
    images, labels = few
    with use_engine(kernels):
        classifier = quick(normalisation=normalisation).fit(images, labels)
        found = classifier.predict_proba(images)
        predicted = classifier.predict(images)
    inputs = torch.from_numpy(images).float() / 255
    if normalisation == "standard":
        inputs = (inputs - inputs.mean()) / inputs.std(unbiased=False)
    with torch.no_grad(), use_engine("torch"):
        expected = torch.softmax(classifier.network_(inputs).double(), dim=1).numpy()
    np.testing.assert_allclose(found, expected, atol=2e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(predicted, classifier.classes_[found.argmax(axis=1)])
    assert not classifier.network_.training


def test_every_layout_of_the_same_images_gives_the_same_network(few: Arrays) -> None:
    images, labels = few
    layouts = [images, images[:, 0], images.reshape(192, 784)]
    fitted = [quick().fit(layout, labels) for layout in layouts]
    for classifier in fitted:
        assert same_weights(classifier, fitted[0])
        assert classifier.n_features_in_ == 784
        assert classifier.image_shape_ == (1, 28, 28)
        for layout in layouts:
            np.testing.assert_array_equal(
                classifier.predict_proba(layout), fitted[0].predict_proba(images)
            )


def test_colour_images_come_as_arrays_or_as_rows_with_their_shape() -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(256, size=(40, 3, 16, 20), dtype=np.uint8)
    labels = np.arange(40) % 2
    arrays = quick().fit(images, labels)
    rows = quick(input_shape=(3, 16, 20)).fit(images.reshape(40, -1), labels)
    assert same_weights(arrays, rows)
    assert rows.image_shape_ == (3, 16, 20)
    np.testing.assert_array_equal(arrays.predict(images), rows.predict(images))


@pytest.mark.parametrize(
    "labels",
    [
        ["cat", "dog", "bird"],
        [3, -7, 11],
        [0.0, 2.0, 1.0],
        np.array(["b", "a", "c"], dtype=object),
    ],
)
def test_labels_of_every_type_come_back_as_they_were(labels: Any, few: Arrays) -> None:
    images, indices = few
    names = np.asarray(labels)[indices % 3]
    classifier = quick().fit(images, names)
    np.testing.assert_array_equal(classifier.classes_, np.unique(names))
    predicted = classifier.predict(images)
    assert predicted.dtype == classifier.classes_.dtype
    assert set(predicted) <= set(names)
    as_numbers = quick().fit(images, np.unique(names, return_inverse=True)[1])
    assert same_weights(classifier, as_numbers)


def test_booleans_are_labels_too(few: Arrays) -> None:
    images, labels = few
    assert quick().fit(images, labels > 4).predict(images).dtype == np.bool_


def test_floats_of_the_same_pictures_give_the_same_network(few: Arrays) -> None:
    images, labels = few
    expected = quick().fit(images, labels)
    for same in (images / 255, (images / 255).astype(np.float32), images.astype(np.int64)):
        found = quick().fit(same, labels)
        assert same_weights(found, expected)
        np.testing.assert_array_equal(found.predict_proba(same), expected.predict_proba(images))


def test_small_images_are_enlarged_as_the_digits_are(small: Arrays, digits: Dataset) -> None:
    images, labels = small
    classifier = quick().fit(images, labels)
    assert classifier.enlarged_
    assert classifier.image_shape_ == (1, 8, 8)
    assert classifier.network_.config.input_shape == (1, 28, 28)
    found = classifier.pixel_range_.to_bytes(images, (1, 8, 8), enlarge=True)
    everything = np.concatenate([digits.train.images, digits.test.images])
    assert sorted(map(bytes, found)) == sorted(map(bytes, everything))


def test_a_network_that_fits_small_images_takes_them_as_they_are(small: Arrays) -> None:
    images, labels = small
    classifier = quick(kernel_size=3, padding=1).fit(images, labels)
    assert not classifier.enlarged_
    assert classifier.network_.config.input_shape == (1, 8, 8)


def test_the_same_seed_gives_the_same_bits_and_another_does_not(few: Arrays) -> None:
    torch.manual_seed(1)
    one = quick(seed=5).fit(*few)
    torch.manual_seed(2)
    again, other = quick(seed=5).fit(*few), quick(seed=6).fit(*few)
    assert same_weights(one, again)
    assert not same_weights(one, other)
    assert same_weights(one, one.set_params(seed=np.int64(5)).fit(*few))


def test_numbers_of_numpy_are_settings(few: Arrays) -> None:
    classifier = quick(learning_rate=np.float64(0.01), batch_size=np.int64(50), seed=np.int64(1))
    classifier.set_params(channels=[np.int64(4), 8], pooling=np.str_("max")).fit(*few)
    assert classifier.recipe_.learning_rate == 0.01
    assert classifier.network_.config.channels == (4, 8)


def test_a_network_of_ones_own_is_copied_and_trained_from_its_weights(few: Arrays) -> None:
    network = build_model(LeNetConfig(activation="tanh", initialisation="kaiming"), seed=8)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    settings: dict[str, Any] = {"epochs": 2, "batch_size": 32, "validation": 0.0}
    classifier = lenet.LeNetClassifier(model=network, **settings).fit(*few)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    assert not torch.equal(classifier.network_.state_dict()["0.weight"], before["0.weight"])
    by_seed = quick(initialisation="kaiming", batch_norm=False, seed=8).fit(*few)
    classifier.set_params(seed=8).fit(*few)
    assert same_weights(classifier, by_seed)


@pytest.mark.parametrize("verbose", [False, True])
def test_it_speaks_only_if_asked_to(
    verbose: bool, few: Arrays, capsys: pytest.CaptureFixture[str]
) -> None:
    quick(verbose=verbose).fit(*few)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == (5 if verbose else 0)
    if verbose:
        assert "test acc" not in lines[2]


def test_a_network_that_does_not_learn_is_warned_of(few: Arrays) -> None:
    with pytest.warns(ConvergenceWarning, match="Not learning") as caught:
        quick(activation="sigmoid", epochs=1).fit(*few)
    assert caught[0].filename == __file__


def test_threads_are_those_asked_for_and_only_meanwhile(few: Arrays) -> None:
    seen: list[int] = []

    before = torch.get_num_threads()
    images, labels = few[0][:40], few[1][:40]
    network = build_model(LeNetConfig(classes=len(np.unique(labels))))  # which PyTorch lets be seen
    classifier = lenet.LeNetClassifier(
        model=network, threads=before + 1, epochs=1, batch_size=32, validation=0.0
    )
    hook = torch.nn.modules.module.register_module_forward_hook(
        lambda *_: seen.append(torch.get_num_threads())
    )
    try:
        classifier.fit(images, labels).predict(images[:2])
    finally:
        hook.remove()
    assert torch.get_num_threads() == before
    assert set(seen) == {before + 1}


def test_the_saved_file_takes_pictures_in_the_unit_that_was_fitted(
    few: Arrays, tmp_path: Path
) -> None:
    images, labels = few
    values = images.reshape(-1, 28, 28) * (30 / images.max()) - 10  # degrees, say
    classifier = quick(epochs=1).fit(values, labels)
    classifier.save(tmp_path / "model.safetensors")
    _, card = lenet.load(tmp_path / "model.safetensors")
    assert card.preparation.pixel_range == (-10, 20)
    seen = [one.seen.image for one in lenet.predict(tmp_path / "model.safetensors", values)]
    rows = values.reshape(len(values), -1)
    expected = classifier.pixel_range_.to_bytes(rows, (1, 28, 28))
    assert np.abs(np.stack(seen).astype(int) - expected).max() <= 1  # halves are rounded either way
    quick(epochs=1).fit(expected, labels).save(tmp_path / "bytes.safetensors")
    _, card = lenet.load(tmp_path / "bytes.safetensors")
    assert card.preparation.pixel_range == ()


def test_the_saved_file_is_a_model_of_ours(small: Arrays, digits: Dataset, tmp_path: Any) -> None:
    images, labels = small
    classifier = quick(epochs=5, normalisation="standard").fit(images, labels)
    path = tmp_path / "model.safetensors"
    classifier.save(path)
    network, card = lenet.load(path)
    assert card.class_names == tuple("0123456789")
    assert card.input_shape == (1, 28, 28)
    assert card.normalisation == classifier.normalisation_
    assert card.recipe == classifier.recipe_.to_dict()
    assert card.results["train_accuracy"] == classifier.result_.train_accuracy
    for name, value in network.state_dict().items():
        assert torch.equal(value, classifier.network_.state_dict()[name])
    # The dataset `digits` is made of the same images.
    found = classifier.pixel_range_.to_bytes(images, (1, 8, 8), enlarge=True)
    position = {bytes(image): index for index, image in enumerate(found)}
    chosen = [position[bytes(image)] for image in digits.test.images]
    assert (
        classifier.score(images[chosen], labels[chosen]) == lenet.evaluate(path, "digits").accuracy
    )


def test_a_fitted_estimator_survives_joblib(few: Arrays, tmp_path: Any) -> None:
    images, labels = few
    classifier = quick().fit(images, labels)
    assert classifier.network_ is classifier.network_
    joblib.dump(classifier, tmp_path / "classifier.joblib")
    again = joblib.load(tmp_path / "classifier.joblib")
    np.testing.assert_array_equal(again.predict_proba(images), classifier.predict_proba(images))
    assert again.get_params() == classifier.get_params()
    heard: list[Any] = []
    with again.network_[0].register_forward_hook(lambda *values: heard.append(values)):
        again.predict(images[:2])
    assert len(heard) == 1
    with torch.no_grad():
        again.network_[-1].weight.zero_()
        again.network_[-1].bias.zero_()
    assert again.predict_proba(images[:1]).tolist() == [pytest.approx([0.1] * 10)]
    assert same_weights(classifier, quick().fit(images, labels))


@pytest.mark.fashion_mnist
def test_it_beats_a_logistic_regression_on_fashion_mnist(fashion_mnist: Dataset) -> None:
    classifier = lenet.LeNetClassifier(epochs=1)
    classifier.fit(fashion_mnist.train.images, fashion_mnist.train.labels)
    assert classifier.score(fashion_mnist.test.images, fashion_mnist.test.labels) > 0.85


def test_counter_examples_are_a_label_as_any_other_and_the_last(
    few: Arrays, tmp_path: Path
) -> None:
    images, numbers = few
    labels = np.array(["zebra", "_none", "ant"])[numbers % 3]
    classifier = quick().fit(images, labels)
    assert classifier.classes_.tolist() == ["ant", "zebra", "_none"]
    assert classifier.predict_proba(images).shape == (len(images), 3)
    assert set(classifier.predict(images)) <= set(labels)
    classifier.save(tmp_path / "model.safetensors")
    assert read_card(tmp_path / "model.safetensors").classes == ("ant", "zebra")
    assert "_none" not in {one.class_name for one in lenet.predict("model.safetensors", images[:9])}
