"""A fitted classifier: what it answers, and how it is kept in a file."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lenet.core import NONE_CLASS, cpu_threads
from lenet.datasets import ArrayBatches, BatchesOf, Split
from lenet.errors import ArrayError, MissingExtraError, ModelError
from lenet.estimator._pixels import PixelRange, flatten_images
from lenet.kernels import EngineName
from lenet.models import (
    ArrayNetwork,
    Normalisation,
    arrays_of,
    check_numbers,
    identify,
    known_network,
    module_of,
    save_model,
)
from lenet.pictures import Preparation, refuse_other_unit
from lenet.runs import Run, open_network, recipe_of
from lenet.training import (
    CurvePoint,
    Recipe,
    TrainingResult,
    compute_logits,
    log_softmax,
    pick_device,
)

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as error:
    raise MissingExtraError("The estimator", package="scikit-learn") from error

_BATCH = 256  # images a prediction by PyTorch
NAME = "X"  # what error messages and the model file call the images


if TYPE_CHECKING:
    from torch import nn
    from typing_extensions import Self

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


class FittedClassifier(_Classifier):
    """The part of a classifier that its training leaves, and that answers."""

    device: str
    threads: int | None
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
    _answers_blank: bool

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
            check_numbers(arrays_of(network))  # of a pickle, or changed by somebody
            if device == "cpu":
                batches = ArrayBatches(examples, _BATCH, mean=norm.mean, std=norm.std)
            else:
                from lenet.datasets import Batches

                network = copy.deepcopy(module_of(network)).to(device)
                batches = Batches(examples, _BATCH, device=device, mean=norm.mean, std=norm.std)
            logits: npt.NDArray[np.float64] = compute_logits(network, batches).astype(np.float64)
        logits = logits[:, : len(self.classes_)]  # without that of `_none`, if `load` left it out
        if not np.isfinite(logits).all():  # finite weights, too, may be too large to compute with
            message = "The network gives numbers that are not finite."
            raise ModelError(message)
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
            class_names=(*map(str, self.classes_), NONE_CLASS)[: config.classes],
            normalisation=self.normalisation_,
            answers_blank=self._answers_blank,
            preparation=preparation if is_usual else preparation.replace(pixel_range=ends),
            dataset=NAME,
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
    ) -> Self:
        """A fitted classifier with the network of a model file, as `save` and every training write.

        Args:
            model: A model file, a run, its folder or name, `latest`, `digits` or `fashion`.
            classes: What `predict` is to give for each of the file's classes, in their order; their
                names, which are text, where nothing is said. Where `_none` is the last of them and
                is left out here, the best of the others is given.
            image_shape: Channels, height and width of the images, where they are smaller than the
                network takes and were enlarged in `fit`.

        Raises:
            LenetError: There is no such file, or it is not one of ours.
            ValueError: The classes are not as many (`ArrayError`).
        """
        place, network, card = open_network(model)
        known = np.array(card.class_names if classes is None else classes)
        if known.shape not in {(len(card.class_names),), (len(card.classes),)}:
            message = f"`classes` must be {len(card.classes)} labels, not {len(known)}."
            raise ArrayError(message)
        ends = card.preparation.pixel_range
        loaded = cls()
        loaded.classes_ = known
        loaded.image_shape_ = image_shape or card.input_shape  # type: ignore[assignment]
        loaded.enlarged_ = image_shape is not None
        loaded.n_features_in_ = math.prod(loaded.image_shape_)
        loaded.pixel_range_ = PixelRange() if ends is None else PixelRange(*ends)
        loaded.normalisation_, loaded._answers_blank = card.normalisation, card.answers_blank
        loaded.recipe_ = recipe_of(card, place) or Recipe()
        loaded.history_, loaded._optimiser, loaded._calls = [], {}, 0
        loaded._network = network
        return loaded

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
