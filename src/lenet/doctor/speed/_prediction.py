"""Prediction: many images in batches, and one at a time."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from lenet.datasets import Dataset
from lenet.doctor.speed._report import Report
from lenet.doctor.speed._session import Session
from lenet.doctor.speed._task import BATCH_SIZE, TUTORIAL, Predict
from lenet.doctor.speed._torch_peer import EAGER, predict_with_torch
from lenet.doctor.speed._turns import Contestant, Outcome
from lenet.errors import ModelError
from lenet.models import make_predictor

_SINGLE_IMAGES = 1000  # a round


def benchmark_prediction(dataset: Dataset, session: Session) -> list[Report]:
    """The test images by the tutorial's network, from float32 arrays in memory to scores there."""
    images = dataset.require_test().images.astype(np.float32) / np.float32(255)
    return [
        session.compare(
            f"{len(images):,} images in batches of {BATCH_SIZE}, the tutorial's network",
            "images/s",
            _makers(dataset, session.threads, images, _predict_all),
            flop_per_image=TUTORIAL.flop_to_predict(),
        ),
        session.compare(
            "one image at a time, the tutorial's network",
            "µs",
            _makers(dataset, session.threads, images, _predict_one_by_one),
        ),
    ]


def _makers(
    dataset: Dataset, threads: int, images: Any, play: Callable[[Predict, Any], Outcome]
) -> dict[str, Callable[[], Contestant]]:
    """Who predicts."""
    from lenet.doctor.speed import _jax_peer, _onnx_peer, _sklearn_peer

    predictors: dict[str, Callable[[], Predict]] = {
        "lenet": lambda: _predict_with_lenet(threads),
        EAGER: lambda: predict_with_torch(TUTORIAL),
        "PyTorch channels_last": lambda: predict_with_torch(TUTORIAL, channels_last=True),
        "PyTorch compiled": lambda: predict_with_torch(TUTORIAL, compiled=True),
        "onnxruntime": lambda: _onnx_peer.predict_with_onnxruntime(TUTORIAL, threads),
        "JAX": lambda: _jax_peer.predict_with_jax(TUTORIAL),
        "scikit-learn MLP": lambda: _sklearn_peer.predict_with_sklearn(dataset),
    }
    other_networks = {"scikit-learn MLP": _sklearn_peer.NETWORK}

    def make(name: str) -> Contestant:
        predict = predictors[name]()
        if name not in other_networks:
            _check(predict, images[:BATCH_SIZE])
        return Contestant(name, lambda: play(predict, images), other_networks.get(name, ""))

    return {name: lambda name=name: make(name) for name in predictors}  # type: ignore[misc]


def _check(predict: Predict, images: Any) -> None:
    """Raise unless the contestant gives the scores of the same network.

    Raises:
        ModelError: It gives others.
    """
    difference = np.abs(np.asarray(predict(images)) - predict_with_torch(TUTORIAL)(images)).max()
    if not difference < 1e-4:
        message = f"Its scores are not those of PyTorch: {difference:.1g} apart."
        raise ModelError(message)


def _predict_with_lenet(threads: int) -> Predict:
    """The network by the compiled kernels."""
    predictor = make_predictor(TUTORIAL.network(), TUTORIAL.config.input_shape)
    return lambda images: predictor(images, threads)


def _predict_all(predict: Predict, images: Any) -> Outcome:
    """All images, in images a second."""
    started = time.perf_counter()
    for first in range(0, len(images), BATCH_SIZE):
        predict(images[first : first + BATCH_SIZE])
    return Outcome(len(images) / (time.perf_counter() - started))


def _predict_one_by_one(predict: Predict, images: Any) -> Outcome:
    """The median time of an image, in microseconds."""
    seconds = []
    for turn in range(_SINGLE_IMAGES):
        index = turn % len(images)
        started = time.perf_counter()
        predict(images[index : index + 1])
        seconds.append(time.perf_counter() - started)
    return Outcome(statistics.median(seconds) * 1e6)
