from __future__ import annotations

import copy
import operator
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenet.core import RecipeKeywords, check_range, cpu_threads
from lenet.datasets import ArrayBatches, BatchesOf, Dataset, Split
from lenet.errors import ArrayError, MissingExtraError, UnknownNameError
from lenet.estimator._fitting import needs_enlarging, plan_fit, setting_names
from lenet.estimator._pixels import PixelRange, flatten_images, shape_of_rows
from lenet.kernels import chosen_engine
from lenet.models import (
    ArrayNetwork,
    Normalisation,
    identify,
    known_network,
    module_of,
    save_model,
)
from lenet.pictures import Preparation, refuse_other_unit
from lenet.runs import build_trainer
from lenet.training import (
    CurvePoint,
    Diagnosis,
    Listener,
    Recipe,
    Trainer,
    TrainingResult,
    compute_logits,
    log_softmax,
    pick_device,
    pick_display,
)

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as error:
    raise MissingExtraError("The estimator", package="scikit-learn") from error

_BATCH = 256  # images a prediction by PyTorch
_NAME = "X"  # what error messages and the model file call the images
_CALLS_TO_FIT = 6  # from a listener up to the line that calls `fit`, which a warning names


if TYPE_CHECKING:
    from torch import nn
    from typing_extensions import Unpack

    class _Classifier:
        """What a classifier has from scikit-learn, which comes without types."""

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def score(
            self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
        ) -> float: ...
        def __sklearn_tags__(self) -> Any: ...

else:

    class _Classifier(ClassifierMixin, BaseEstimator):
        """What a classifier has from scikit-learn."""


class LeNetClassifier(_Classifier):
    """A small convolutional network as a scikit-learn classifier of images.

    It stands wherever scikit-learn takes a classifier: in `cross_val_score`, `GridSearchCV`,
    `Pipeline`, with `clone` and `joblib`.

    Images are `(N, values)`, `(N, H, W)`, `(N, C, H, W)` or `(N, H, W, C)`. Rows of values are
    square images of one channel, or images of the shape that the setting `input_shape` says. uint8
    pixels are taken as they are, 0 to 255. Other numbers are brought to 0 to 255 by one linear map,
    from the lowest to the highest value of the training images (far outliers cut off, see
    [`PixelRange`][lenet.estimator.PixelRange]); `predict` uses the same map, and refuses images of
    another unit. Images that are too
    small for the network, as the 8×8 digits of scikit-learn are, are enlarged to 28×28 as the
    dataset `digits` is; with `input_shape` given they are not, and the network has to fit.

    Args:
        recipe: A preset's name, a `Recipe`, or `None`. `None` is the preset `digits`, with batches,
            epochs and validation split changed where there are few images: see
            [the guide](../guides/scikit-learn.md#the-recipe).
        model: A network's name; or a network, of which a copy is trained from the weights it has.
            The preset's where none is given.
        seed: Decides weights, order, augmentation and validation split; 0 or more.
        device: `auto`, `cpu`, `cuda`, `mps`, …
        threads: CPU threads, in `fit` and in `predict`; as many as there are cores where none is
            given, which is the worker's share in a search with `n_jobs`.
        verbose: Whether to show how the training goes.
        settings: Fields of `Recipe` and of the network's settings, to change single ones; `None`
            leaves the preset's.

    Attributes:
        classes_: The labels, sorted: what the columns of `predict_proba` stand for.
        n_features_in_: Values of an image.
        feature_names_in_: The names of the columns, where `X` was a data frame.
        image_shape_: Channels, height and width of an image as given.
        pixel_range_: Which values are black and white.
        enlarged_: Whether the images were enlarged.
        recipe_: The `Recipe` that it was trained by.
        normalisation_: How bytes become the network's input.
        history_: The training curve, a list of `CurvePoint`.
        result_: What the training reached, a `TrainingResult`.

    Raises:
        UnknownNameError: A setting that neither a recipe nor any network has.

    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> images, labels = load_digits(return_X_y=True)
    >>> images, more_images, labels, more_labels = train_test_split(images, labels, random_state=0)
    >>> classifier = LeNetClassifier(epochs=20).fit(images, labels)
    >>> classifier.score(more_images, more_labels) > 0.9
    True
    """

    result_: TrainingResult
    classes_: npt.NDArray[Any]
    image_shape_: tuple[int, int, int]
    pixel_range_: PixelRange
    enlarged_: bool
    recipe_: Recipe
    normalisation_: Normalisation
    history_: list[CurvePoint]
    _network: ArrayNetwork | nn.Module

    def __init__(
        self,
        recipe: str | Recipe | None = None,
        *,
        model: str | nn.Module | None = None,
        seed: int = 0,
        device: str = "auto",
        threads: int | None = None,
        verbose: bool = False,
        **settings: Unpack[RecipeKeywords],
    ):
        self.recipe = recipe
        self.model = model
        self.seed = seed
        self.device = device
        self.threads = threads
        self.verbose = verbose
        _check_names(settings)
        for name, value in settings.items():
            setattr(self, name, value)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name: those of the signature, and the settings that were given.

        Args:
            deep: Changes nothing, as no parameter is an estimator.
        """
        params: dict[str, Any] = super().get_params(deep)
        return params | {name: vars(self)[name] for name in setting_names() if name in vars(self)}

    def set_params(self, **params: Any) -> LeNetClassifier:
        """Change parameters, those of the signature and any setting.

        Raises:
            UnknownNameError: There is no parameter of that name.
        """
        own = super().get_params(deep=False)
        _check_names([name for name in params if name not in own])
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> LeNetClassifier:
        """Train a new network.

        Args:
            X: Images, numbers of shape (N, values), (N, H, W), (N, C, H, W) or (N, H, W, C): an
                array, a tensor, or a list of arrays or of Pillow's images.
            y: Labels of any kind that can be sorted, shape (N,); at least two different ones.

        Returns:
            The estimator itself.

        Raises:
            ValueError: The arrays can't be used: not finite, empty, of different lengths or no
                images (`ArrayError`).
            SettingError: A setting is ill-typed, out of range or at odds with another.
            ModelError: The network does not fit the images.
            NonFiniteLossError: The loss became infinite or not a number.

        Warns:
            ConvergenceWarning: The network does not learn; the message says what to try.
        """
        seed = operator.index(self.seed)
        check_range("seed", seed, 0, 2**63 - 1)
        device = pick_device(self.device)
        rows, image_shape = flatten_images(X)
        rows, y = validate_data(self, rows, y)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            message = f"`y` holds one class only, `{classes[0]}`; it takes two to tell apart."
            raise ArrayError(message)
        settings = self._given_settings()
        plan = plan_fit(self.recipe, copy.deepcopy(self.model), settings, len(rows))
        image_shape = image_shape or shape_of_rows(rows.shape[1], plan.settings.get("input_shape"))
        enlarged = needs_enlarging(plan, image_shape, len(classes))
        with cpu_threads(self.threads):
            pixel_range = PixelRange.measure(rows)
            images = pixel_range.to_bytes(rows, image_shape, enlarge=enlarged)
            names = tuple(str(label) for label in classes)
            data = Dataset(_NAME, names, Split(images, labels.astype(np.int64)))
            trainer = build_trainer(plan, data, seed=seed, device=device, engine=chosen_engine())
            trainer.listeners = [_Warner(), *([pick_display()] if self.verbose else [])]
            self.result_ = trainer.run()
        self.classes_, self.image_shape_ = classes, image_shape
        self.pixel_range_, self.enlarged_ = pixel_range, enlarged
        batches = trainer.train_batches
        self.recipe_ = plan.recipe
        self.normalisation_ = Normalisation(batches.mean, batches.std)
        self._answers_blank = trainer.dataset.has_blank_class
        self.history_ = trainer.history
        network = trainer.network
        if not isinstance(network, ArrayNetwork):
            network = network.cpu().eval()
        self._network = known_network(network, trainer.dataset.image_shape) or network
        return self

    @property
    def network_(self) -> nn.Module:
        """The trained `nn.Module`, on the CPU and in evaluation mode.

        Raises:
            NotFittedError: `fit` comes first.
            MissingExtraError: PyTorch is not installed.
        """
        check_is_fitted(self, "classes_")
        return module_of(self._network).eval()

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The probability of each class for each image.

        Args:
            X: Images as for `fit`, of the same shape and the same range of values.

        Returns:
            float64 (N, classes), 0 to 1, in the order of `classes_`.

        Raises:
            NotFittedError: `fit` comes first.
            ValueError: The images are not finite, none, or of another shape or unit than in `fit`
                (`ArrayError`).
        """
        check_is_fitted(self, "classes_")
        rows, image_shape = flatten_images(X)
        if image_shape is not None and image_shape != self.image_shape_:
            message = (
                f"`X` holds images of shape {image_shape} (channels, height, width), but "
                f"{type(self).__name__} was fitted on {self.image_shape_}."
            )
            raise ArrayError(message)
        rows = validate_data(self, rows, reset=False)
        low, high = self.pixel_range_.low, self.pixel_range_.high
        if low < high:
            refuse_other_unit(rows, (low, high), "`X`")
        device = pick_device(self.device)
        norm = self.normalisation_
        batches: BatchesOf[Any]
        with cpu_threads(self.threads):
            images = self.pixel_range_.to_bytes(rows, self.image_shape_, enlarge=self.enlarged_)
            unknown = np.zeros(len(images), np.int64)  # a `Split` wants labels; nobody reads them
            examples = Split(images, unknown)
            # Somebody may listen to `network_`, or have changed it.
            network = known_network(self._network, images.shape[1:]) or module_of(self._network)
            if device == "cpu":
                batches = ArrayBatches(examples, _BATCH, mean=norm.mean, std=norm.std)
            else:
                from lenet.datasets import Batches

                network = copy.deepcopy(module_of(network)).to(device)
                batches = Batches(examples, _BATCH, device=device, mean=norm.mean, std=norm.std)
            logits = compute_logits(network, batches).astype(np.float64)
            probabilities: npt.NDArray[np.float64] = np.exp(log_softmax(logits))
        return probabilities

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The most probable class of each image.

        Args:
            X: Images as for `fit`, of the same shape and the same range of values.

        Returns:
            Labels of the kind that `fit` was given, shape (N,).

        Raises:
            NotFittedError: `fit` comes first.
            ValueError: The images are not finite, none, or of another shape or unit than in `fit`
                (`ArrayError`).
        """
        probabilities = self.predict_proba(X)
        labels: npt.NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def save(self, path: Path | str) -> None:
        """Write the network into a model file that explains itself; `lenet.load` reads it.

        The classes are text there. The file holds `pixel_range_`, too, so that `lenet.predict`
        takes pictures with such values.

        Args:
            path: The file, by custom `model.safetensors`.

        Raises:
            NotFittedError: `fit` comes first.
            StorageError: The file can't be written.
        """
        check_is_fitted(self, "classes_")
        ends = self.pixel_range_.low, self.pixel_range_.high
        is_usual = self.pixel_range_ == PixelRange() or ends[0] == ends[1]
        _, config = identify(self._network)
        preparation = Preparation.plain(config.input_shape)
        scores = ("train_loss", "train_accuracy", "validation_accuracy", "best_epoch", "epochs")
        save_model(
            path,
            self._network,
            class_names=tuple(str(label) for label in self.classes_),
            normalisation=self.normalisation_,
            answers_blank=self._answers_blank,
            preparation=preparation if is_usual else preparation.replace(pixel_range=ends),
            dataset=_NAME,
            recipe=self.recipe_.to_dict(),
            results={name: getattr(self.result_, name) for name in scores},
        )

    def _given_settings(self) -> dict[str, Any]:
        """The settings that differ from the preset's."""
        given = ((name, vars(self).get(name)) for name in setting_names())
        return {name: value for name, value in given if value is not None}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


class _Warner(Listener):
    """Warns of a network that does not learn, as scikit-learn's estimators do."""

    def on_diagnosis(self, trainer: Trainer, diagnosis: Diagnosis) -> None:
        warnings.warn(str(diagnosis), ConvergenceWarning, stacklevel=_CALLS_TO_FIT)


def _check_names(names: Any) -> None:
    for name in names:
        if name not in setting_names():
            raise UnknownNameError("setting", name, setting_names())
