"""The lab takes the settings that `lenet train` takes, and says of others what it says."""

import re
from typing import Any

import numpy as np
import pytest
from training_worker import SETTINGS, in_worker

from lenet.core import check_range, field_types
from lenet.datasets import Dataset, Split
from lenet.errors import LenetError
from lenet.models import MODELS, ArrayNetwork, model_config
from lenet.models.layers import layers_to_dicts
from lenet.training import Recipe, Trainer

_WRONG_OR_AT_THE_BORDER: dict[str, list[Any]] = {
    "epochs": [0, 1, 1_000_000, 1_000_001, 2.5, "3"],
    "batch_size": [0, 1, 2, 3, 5, 6, 2**31, True],
    "optimiser": ["adam", "adamw", "rmsprop", 3],
    "learning_rate": [-0.5, 0, 1e-7, 3e38, 2, "0.1", True],
    "momentum": [-1e-5, 0.9, 1, 1e20],
    "weight_decay": [-1, 0.1, 4e38],
    "label_smoothing": [-0.1, 0.1, 1.5],
    "shift": [-1, 2, 65536, 65537],
    "flip": [True, 1, None],
    "seed": [-1, 1.5, 2**53 - 1, 2**63],
    "channels": [[], [0], [3], [3, 65537], [2, 3, 4], [2, 3, 4, 5], 6, [2.5], "6", [True]],
    "kernel_size": [0, 1, 13, 32, 33, 70_000, 3.5, None],
    "padding": [-1, 0, 65537, [2]],
    "dense_widths": [[], [0, 5], [65536], [65537], [7, 8, 9], 5, [1.5]],
    "activation": ["tanh", "relu", "softmax", 1],
    "pooling": ["max", "sum", True],
    "batch_norm": [True, "yes", 1],
    "initialisation": ["kaiming", "normal", "pytorch", "published"],
}
_TOGETHER: list[dict[str, Any]] = [
    {"momentum": 0.9, "optimiser": "adam"},
    {"momentum": 0.9, "optimiser": "adamw", "learning_rate": 0.001},
    {"kernel_size": 29, "padding": 0},
    {"kernel_size": 28, "padding": 0},
    {"kernel_size": 9, "channels": [2, 2, 2]},
    {"channels": [65536], "kernel_size": 1, "dense_widths": [65536, 65536]},
    {"batch_norm": True, "batch_size": 2},
    {"batch_norm": True, "batch_size": 1},
    {"batch_norm": True, "batch_size": 2, "dense_widths": []},
    {"batch_norm": True, "activation": "relu", "pooling": "max", "padding": 0},
    {"epochs": 0, "kernel_size": 0},  # the recipe comes first
    {"padding": -1, "kernel_size": 0.5},  # and kinds of values before ranges
    {"model": "mlp"},
    {"model": "mlp", "dense_widths": [], "kernel_size": 0},  # which it does not have
    {"model": "mlp", "dense_widths": [40, 30], "batch_norm": True, "batch_size": 2},
    {"model": "mlp", "dense_widths": [-1]},
    {"model": "mlp", "dense_widths": [1] * 500},
    {"model": "mlp", "initialisation": "zeros", "activation": "zeros"},
    {"model": "softmax", "initialisation": "normal", "activation": "gelu"},
    {"model": "softmax", "initialisation": "zeros"},
]
_ONLY_IN_PYTHON: dict[str, dict[str, Any]] = {
    "The page trains no networks with `activation` gelu: choose sigmoid, tanh or relu.": {
        "activation": "gelu"
    },
    "The network and its images need more memory than this browser gives.": {
        "model": "mlp",
        "dense_widths": [65536] * 2,
    },
}
_CASES = [
    {},
    *({name: value} for name, values in _WRONG_OR_AT_THE_BORDER.items() for value in values),
    *_TOGETHER,
]


@pytest.fixture(scope="module")
def five_images() -> Dataset:
    """As many as a batch of two leaves one alone of."""
    images, labels = np.zeros((5, 1, 28, 28), np.uint8), np.arange(5)
    split = Split(images, labels)
    return Dataset("five", tuple("abcdefghij"), split, split)


@pytest.fixture(scope="module")
def answers(five_images: Dataset) -> list[Any]:
    """What the lab says of each case: a sentence, or the layers."""
    body = """
    const answers = [];
    for (const settings of readJson("cases")) {
      const begun = await begin({ settings, set: readJson("set") });
      const isRefused = begun.kind === "refused";
      const answer = isRefused ? begun : await ask({ kind: "weights" }, kindIs("weights"));
      answers.push(isRefused ? answer.message : answer.layers);
    }
    return answers;
    """
    cases = [SETTINGS | {"batch_size": 5} | case for case in (*_CASES, *_ONLY_IN_PYTHON.values())]
    found: list[Any] = in_worker(body, five_images, {"cases": cases})
    return found


def said_by_python(case: dict[str, Any], dataset: Dataset) -> Any:
    """The same of `lenet train`, which knows no other names than its own."""
    settings = SETTINGS | {"batch_size": 5} | case
    of_recipe, of_model = field_types(Recipe), field_types(MODELS[settings["model"]])
    try:
        recipe = Recipe.from_dict({name: settings[name] for name in of_recipe if name in settings})
        check_range("seed", settings["seed"], 0, 2**63 - 1)
        own = {name: settings[name] for name in of_model if name in settings}
        config = model_config(settings["model"], own)
        layers = layers_to_dicts(config.network().layers)
        if sum(layer.get("units", 0) for layer in layers) < 10_000:  # else there is much to draw
            Trainer(ArrayNetwork.build(config, 0), dataset, recipe, engine="numpy")
    except LenetError as error:
        return re.sub(r" Did you mean `\w+`\?", "", str(error))  # the page offers all names itself
    return layers


def test_it_refuses_what_lenet_train_refuses_in_the_same_words(
    answers: list[Any], five_images: Dataset
) -> None:
    wrong = {}
    for case, answer in zip(_CASES, answers, strict=False):
        wanted = said_by_python(case, five_images)
        if answer != wanted:
            wrong[str(case)] = answer, wanted
    assert not wrong


def test_what_python_alone_trains_is_refused(answers: list[Any]) -> None:
    assert answers[len(_CASES) :] == list(_ONLY_IN_PYTHON)
