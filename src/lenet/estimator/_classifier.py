from __future__ import annotations

import copy
import math
import operator
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from lenet.core import RecipeKeywords, check_range, cpu_threads
from lenet.datasets import ArrayBatches, BatchesOf, Dataset, Split, derive_seed
from lenet.errors import ArrayError, MissingExtraError, SettingError, UnknownNameError
from lenet.estimator._fitting import (
    label_examples,
    needs_enlarging,
    once_through,
    plan_fit,
    setting_names,
    weigh_examples,
)
from lenet.estimator._pixels import PixelRange, flatten_images, shape_of_rows
from lenet.kernels import EngineName, chosen_engine
from lenet.models import (
    ArrayNetwork,
    Normalisation,
    identify,
    known_network,
    module_of,
    save_model,
)
from lenet.pictures import Preparation, refuse_other_unit
from lenet.runs import Run, build_trainer, open_network
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
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as error:
    raise MissingExtraError("The estimator", package="scikit-learn") from error

_BATCH = 256  # images a prediction by PyTorch
_NAME = "X"  # what error messages and the model file call the images
_CALLS_TO_FIT = 7  # from a listener up to the line that calls `fit`, which a warning names


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
        recipe: A preset's name, a `Recipe`, or `None`. `None` is what `lenet train` takes for
            images of one's own, with batches, epochs and learning rate by how many there are: see
            [the guide](../guides/scikit-learn.md#the-recipe).
        model: A network's name; or a network, of which a copy is trained from the weights it has.
            The preset's where none is given.
        seed: Decides weights, order, augmentation and validation split; 0 or more.
        random_state: scikit-learn's name for the seed; where it is given, `seed` is not looked at.
        class_weight: How much the images of each class count, by label; `balanced` for classes that
            count alike, however many images they have. As with `sample_weight` the kernels do not
            serve then.
        warm_start: Whether `fit` goes on with the network that is there, on images of the same
            shape, classes and values.
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
        engine_: What trained it: `native`, `torch` or `numpy`.
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
    n_features_in_: int
    image_shape_: tuple[int, int, int]
    pixel_range_: PixelRange
    enlarged_: bool
    recipe_: Recipe
    engine_: EngineName
    normalisation_: Normalisation
    history_: list[CurvePoint]
    _network: ArrayNetwork | nn.Module
    _optimiser: dict[int, dict[str, npt.NDArray[Any]]]
    _calls: int

    def __init__(
        self,
        recipe: str | Recipe | None = None,
        *,
        model: str | nn.Module | None = None,
        seed: int = 0,
        random_state: int | np.random.RandomState | None = None,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        warm_start: bool = False,
        device: str = "auto",
        threads: int | None = None,
        verbose: bool = False,
        **settings: Unpack[RecipeKeywords],
    ):
        self.recipe = recipe
        self.model = model
        self.seed = seed
        self.random_state = random_state
        self.class_weight = class_weight
        self.warm_start = warm_start
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

    def fit(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> LeNetClassifier:
        """Train a new network, or with `warm_start` the one that is there.

        Args:
            X: Images, numbers of shape (N, values), (N, H, W), (N, C, H, W) or (N, H, W, C): an
                array, a tensor, or a list of arrays or of Pillow's images.
            y: Labels of any kind that can be sorted, shape (N,); at least two different ones.
            sample_weight: How much each image counts in the loss, 0 or more, shape (N,); all alike
                where none are given. One of weight 0 is left out. The compiled kernels take no
                weights: PyTorch trains then, or NumPy, slowly, where that is not installed; see
                `engine_`.

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
        goes_on = bool(self.warm_start) and hasattr(self, "classes_")
        return self._train(X, y, None, sample_weight, goes_on=goes_on, once=False)

    def partial_fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        classes: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> LeNetClassifier:
        """Go once through some images, for sets that come in pieces.

        The first call, if `fit` was not called before, decides the recipe, which values are black
        and white, and the normalisation by its images. The learning rate does not change.

        Args:
            X: Images as for `fit`; in later calls of the same shape and the same range of values.
            y: Their labels, of the classes.
            classes: All classes that will come; the first call needs them.
            sample_weight: How much each image counts, as for `fit`; relative to the mean of these.

        Returns:
            The estimator itself.

        Raises:
            ValueError: As for `fit`; or the classes are missing, or a label is none of them
                (`ArrayError`).
            SettingError: `class_weight` is `balanced`, for which all labels have to be there.
        """
        goes_on = hasattr(self, "classes_")
        if not goes_on and classes is None:
            message = "The first call of `partial_fit` needs `classes`: all that will come."
            raise ArrayError(message)
        if self.class_weight == "balanced":
            message = (
                "`class_weight` can't be `balanced` in `partial_fit`, which does not see all the "
                "labels: pass a weight for each class."
            )
            raise SettingError(message)
        return self._train(X, y, classes, sample_weight, goes_on=goes_on, once=True)

    def _train(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        classes: npt.ArrayLike | None,
        sample_weight: npt.ArrayLike | None,
        *,
        goes_on: bool,
        once: bool,
    ) -> LeNetClassifier:
        """Train a new network or go on with the one that is there, to the end or once through."""
        seed, device = self._chosen_seed(), pick_device(self.device)
        rows, image_shape = flatten_images(X)
        rows, y = validate_data(self, rows, y, reset=not goes_on)
        check_classification_targets(y)
        y = np.asarray(y)
        known = self.classes_ if goes_on else np.unique(y if classes is None else classes)
        labels = label_examples(y, known)
        weights = weigh_examples(rows, y, sample_weight, self.class_weight)
        if weights is not None:
            counting = np.flatnonzero(weights)
            rows, labels, weights = rows[counting], labels[counting], weights[counting]
            weights = weights if np.ptp(weights) else None  # for the kernels, which take none
        settings = self._given_settings()
        enlarged, normalisation = False, None
        if goes_on:
            image_shape, pixel_range = self._same_shape(image_shape), self.pixel_range_
            enlarged, normalisation = self.enlarged_, self.normalisation_
            self._refuse_other_unit(rows)
        else:
            image_shape = image_shape or shape_of_rows(rows.shape[1], settings.get("input_shape"))
            pixel_range = PixelRange.measure(rows)

        def dataset() -> Dataset:
            images = pixel_range.to_bytes(rows, image_shape, enlarge=enlarged)
            names = tuple(str(label) for label in known)
            return Dataset(_NAME, names, Split(images, labels, weights=weights))

        with cpu_threads(self.threads):
            data = dataset()
            plan = plan_fit(self.recipe, copy.deepcopy(self.model), settings, data)
            if not goes_on:
                enlarged = needs_enlarging(plan, image_shape, len(known))
                data = dataset() if enlarged else data
            recipe = once_through(plan.recipe, len(data.train)) if once else plan.recipe
            plan = replace(plan, recipe=recipe)
            if goes_on:
                plan = replace(plan, model=copy.deepcopy(self._network), settings={})
            calls = self._calls + 1 if goes_on else 0
            trainer = build_trainer(
                plan,
                data,
                seed=derive_seed(seed, calls) if calls else seed,
                device=device,
                engine=chosen_engine(),
                normalisation=normalisation,
            )
            if goes_on and once:
                trainer.engine.load_state(self._optimiser)
            # Once through is seldom enough to learn, and nobody wants to hear so every time.
            trainer.listeners = [] if once else [_Warner()]
            trainer.listeners += [pick_display()] if self.verbose else []
            self.result_ = trainer.run()
        self.classes_, self.image_shape_ = known, image_shape
        self.pixel_range_, self.enlarged_ = pixel_range, enlarged
        batches = trainer.train_batches
        self.recipe_, self.engine_ = recipe, trainer.engine.name
        self.normalisation_ = Normalisation(batches.mean, batches.std)
        self._answers_blank = trainer.dataset.has_blank_class
        self.history_ = trainer.history
        self._optimiser, self._calls = copy.deepcopy(trainer.engine.state()), calls
        network = trainer.network
        if not isinstance(network, ArrayNetwork):
            network = network.cpu().eval()
        self._network = known_network(network, trainer.dataset.image_shape) or network
        return self

    def _chosen_seed(self) -> int:
        """What `random_state` says, or else `seed`."""
        if self.random_state is None:
            name, seed = "seed", operator.index(self.seed)
        elif isinstance(self.random_state, (int, np.integer)):
            name, seed = "random_state", int(self.random_state)
        else:
            return int(check_random_state(self.random_state).randint(2**31 - 1))
        check_range(name, seed, 0, 2**63 - 1)
        return seed

    def _same_shape(self, image_shape: tuple[int, int, int] | None) -> tuple[int, int, int]:
        """The shape of the images that it was trained on, which others have to have."""
        if image_shape is not None and image_shape != self.image_shape_:
            message = (
                f"`X` holds images of shape {image_shape} (channels, height, width), but "
                f"{type(self).__name__} was fitted on {self.image_shape_}."
            )
            raise ArrayError(message)
        return self.image_shape_

    def _refuse_other_unit(self, rows: npt.NDArray[np.generic]) -> None:
        low, high = self.pixel_range_.low, self.pixel_range_.high
        if low < high:
            refuse_other_unit(rows, (low, high), "`X`")

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
        probabilities: npt.NDArray[np.float64] = np.exp(self.predict_log_proba(X))
        return probabilities

    def predict_log_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The logarithms of what `predict_proba` gives."""
        return log_softmax(self._compute_logits(X))

    def decision_function(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The network's logits, (N, classes); of two classes how far the second is above, (N,)."""
        logits = self._compute_logits(X)
        return logits if len(self.classes_) > 2 else logits[:, 1] - logits[:, 0]

    def _compute_logits(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The network's logits, float64 (N, classes)."""
        check_is_fitted(self, "classes_")
        rows, image_shape = flatten_images(X)
        self._same_shape(image_shape)
        rows = validate_data(self, rows, reset=False)
        self._refuse_other_unit(rows)
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
            logits: npt.NDArray[np.float64] = compute_logits(network, batches).astype(np.float64)
        return logits

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

    @classmethod
    def load(
        cls,
        model: Path | str | Run,
        *,
        classes: Sequence[Any] | None = None,
        image_shape: tuple[int, int, int] | None = None,
    ) -> LeNetClassifier:
        """A fitted classifier with the network of a model file, as `save` and every training write.

        Args:
            model: A model file, a run, its folder or name, `latest`, `digits` or `fashion`.
            classes: What `predict` is to give for each of the file's classes, in their order; their
                names, which are text, where nothing is said.
            image_shape: Channels, height and width of the images, where they are smaller than the
                network takes and were enlarged in `fit`.

        Raises:
            LenetError: There is no such file, or it is not one of ours.
            ValueError: The classes are not as many (`ArrayError`).
        """
        _, network, card = open_network(model)
        known = np.array(card.class_names if classes is None else classes)
        if known.shape != (len(card.class_names),):
            message = f"`classes` must be {len(card.class_names)} labels, not {len(known)}."
            raise ArrayError(message)
        ends = card.preparation.pixel_range
        loaded = cls()
        loaded.classes_ = known
        loaded.image_shape_ = image_shape or card.input_shape  # type: ignore[assignment]
        loaded.enlarged_ = image_shape is not None
        loaded.n_features_in_ = math.prod(loaded.image_shape_)
        loaded.pixel_range_ = PixelRange() if ends is None else PixelRange(*ends)
        loaded.normalisation_, loaded._answers_blank = card.normalisation, card.answers_blank
        loaded.recipe_ = Recipe.from_dict(card.recipe) if card.recipe else Recipe()
        loaded.history_, loaded._optimiser, loaded._calls = [], {}, 0
        loaded._network = network
        return loaded

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
