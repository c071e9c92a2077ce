"""scikit-learn's multilayer perceptron: another, smaller network, for those who would take that."""

import time
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier

from lenet.datasets import Dataset, Split
from lenet.doctor.speed._task import Predict
from lenet.doctor.speed._turns import Contestant, Outcome

NETWORK = "784–120–84–10"


def train_with_sklearn(name: str, dataset: Dataset) -> Contestant:
    """Epochs of a perceptron with the dense layers of LeNet."""
    network, train, test = _network(), _rows(dataset.train), _rows(dataset.require_test())

    def play() -> Outcome:
        started = time.perf_counter()
        network.partial_fit(train, dataset.train.labels, classes=range(len(dataset.class_names)))
        network.score(test, dataset.require_test().labels)
        seconds = time.perf_counter() - started
        return Outcome(len(train) / seconds, float(network.loss_))

    return Contestant(name, play, NETWORK)


def predict_with_sklearn(dataset: Dataset) -> Predict:
    """Probabilities from a perceptron that has hardly been trained."""
    network, train = _network(), _rows(dataset.train.take(np.arange(256)))
    classes = range(len(dataset.class_names))
    network.partial_fit(train, dataset.train.labels[:256], classes=classes)
    return lambda images: network.predict_proba(images.reshape(len(images), -1))


def _network() -> MLPClassifier:
    return MLPClassifier((120, 84), "logistic", solver="sgd", batch_size=256, random_state=0)


def _rows(split: Split) -> Any:
    """Images as rows of numbers from 0 to 1."""
    return split.images.reshape(len(split), -1).astype(np.float32) / 255
