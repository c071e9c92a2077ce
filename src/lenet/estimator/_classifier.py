from __future__ import annotations

import copy
import operator
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from lenet.core import NONE_CLASS, RecipeKeywords, check_range, cpu_threads
from lenet.datasets import Dataset, Split, derive_seed
from lenet.errors import ArrayError, MissingExtraError, SettingError, UnknownNameError
from lenet.estimator._fitted import NAME, FittedClassifier
from lenet.estimator._fitting import (
    label_examples,
    needs_enlarging,
    once_through,
    plan_fit,
    setting_names,
    weigh_examples,
)
from lenet.estimator._pixels import PixelRange, flatten_images, shape_of_rows
from lenet.kernels import chosen_engine
from lenet.models import ArrayNetwork, Normalisation, known_network
from lenet.runs import build_trainer
from lenet.training import (
    Diagnosis,
    Listener,
    Recipe,
    Trainer,
    pick_device,
    pick_display,
)

try:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import validate_data
except ModuleNotFoundError as error:
    raise MissingExtraError("The estimator", package="scikit-learn") from error

_CALLS_TO_FIT = 7  # from a listener up to the line that calls `fit`, which a warning names


if TYPE_CHECKING:
    from torch import nn
    from typing_extensions import Unpack


class LeNetClassifier(FittedClassifier):
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
        known = known[np.argsort([str(label) == NONE_CLASS for label in known], kind="stable")]
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
            return Dataset(NAME, names, Split(images, labels, weights=weights))

        fitted: FittedClassifier = self  # which declares what comes of fitting
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
            fitted.result_ = trainer.run()
        fitted.classes_, fitted.image_shape_ = known, image_shape
        fitted.pixel_range_, fitted.enlarged_ = pixel_range, enlarged
        batches = trainer.train_batches
        fitted.recipe_, fitted.engine_ = recipe, trainer.engine.name
        fitted.normalisation_ = Normalisation(batches.mean, batches.std)
        self._answers_blank = trainer.dataset.has_blank_class
        fitted.history_ = trainer.history
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
