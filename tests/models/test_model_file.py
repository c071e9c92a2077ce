"""The model file: safetensors that anybody can read, and what is written comes back."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from model_files import CLASSES, Weights
from safetensors import safe_open
from torch import nn

import lenet
from lenet.errors import ModelError, StorageError
from lenet.models import (
    Calibration,
    LeNet,
    LeNetConfig,
    ModelCard,
    Normalisation,
    build_model,
    load_model,
    save_model,
)
from lenet.pictures import Preparation
from tutorial_network import tutorial_network


def test_a_network_comes_back_with_its_bits_and_every_word_about_it(tmp_path: Path) -> None:
    config = LeNetConfig(
        input_shape=(3, 20, 24),
        classes=3,
        channels=(4, 5),
        kernel_size=3,
        padding=1,
        dense_widths=(11,),
        activation="relu",
        pooling="max",
        initialisation="kaiming",
    )
    network = build_model(config, seed=4)
    description = {
        "class_names": ("cat", "狗", 'a "bird"'),
        "normalisation": Normalisation(mean=0.2861, std=0.3530),
        "preparation": Preparation("symbol", "light-on-dark", 20, 24, 3, 4, (-10.5, 4095.0)),
        "calibration": Calibration(temperature=1.3, threshold=0.4, images=500),
        "dataset": "fashion-mnist",
        "recipe": {"epochs": 3, "learning_rate": 0.1, "flip": True, "optimiser": "sgd"},
        "results": {"test_accuracy": 0.1 + 0.2, "loss": None, "epochs": [1, 2]},
    }
    save_model(tmp_path / "model.safetensors", network, **description)

    loaded, card = load_model(tmp_path / "model.safetensors")

    assert type(loaded) is LeNet
    assert loaded.config == config
    assert not loaded.training
    expected, received = network.state_dict(), loaded.state_dict()
    assert list(received) == list(expected)
    assert all(torch.equal(received[name], expected[name]) for name in expected)
    assert all(tensor.dtype == torch.float32 for tensor in received.values())
    assert card == ModelCard(
        model="lenet",
        config=json.loads(json.dumps(config.to_dict())),
        input_shape=(3, 20, 24),
        layers=tuple(json.loads(json.dumps(config.network().to_dict()["layers"]))),
        version=lenet.__version__,
        **description,
    )
    images = torch.rand(2, 3, 20, 24)
    assert torch.equal(loaded(images), network(images))
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_file_without_more_words_than_the_classes_has_the_defaults(
    file: Path, sound: bytes
) -> None:
    file.write_bytes(sound)
    _, card = load_model(str(file))
    assert card.class_names == CLASSES
    assert card.normalisation == Normalisation(mean=0.0, std=1.0)
    assert (card.dataset, card.recipe, card.results) == ("", {}, {})


@settings(max_examples=25, deadline=None)
@given(
    class_names=st.lists(st.text(max_size=8), min_size=10, max_size=10, unique=True).map(tuple),
    mean=st.floats(-10, 10),
    std=st.floats(1e-3, 10),
    results=st.dictionaries(
        st.text(max_size=5),
        st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    ),
)
def test_any_words_come_back_as_they_were(
    file: Path, class_names: tuple[str, ...], mean: float, std: float, results: dict[str, Any]
) -> None:
    description = {
        "class_names": class_names,
        "normalisation": Normalisation(mean, std),
        "results": results,
    }
    save_model(file, build_model(LeNetConfig(), seed=1), **description)
    _, card = load_model(file)
    assert {name: getattr(card, name) for name in description} == description


def test_scores_that_are_not_finite_are_null_for_every_reader_of_json(file: Path) -> None:
    results = {"loss": float("nan"), "rates": [float("inf"), 0.5]}
    save_model(file, build_model(LeNetConfig()), class_names=CLASSES, results=results)
    assert load_model(file)[1].results == {"loss": None, "rates": [None, 0.5]}
    assert b"NaN" not in file.read_bytes()[:4000]


def test_anybody_with_safetensors_can_read_the_file(
    file: Path, sound: bytes, tensors: Weights
) -> None:
    file.write_bytes(sound)
    with safe_open(file, "pt") as opened:
        header = json.loads(opened.metadata()["lenet"])
        read = {name: opened.get_tensor(name) for name in opened.keys()}
    assert header == {
        "format": 1,
        "model": "lenet",
        "config": json.loads(json.dumps(LeNetConfig().to_dict())),
        "class_names": list(CLASSES),
        "input_shape": [1, 28, 28],
        "layers": [
            {"kind": "convolution", "filters": 6, "kernel_size": 5, "padding": 2},
            {"kind": "activation", "function": "sigmoid"},
            {"kind": "pooling", "kernel_size": 2},
            {"kind": "convolution", "filters": 16, "kernel_size": 5},
            {"kind": "activation", "function": "sigmoid"},
            {"kind": "pooling", "kernel_size": 2},
            {"kind": "flatten"},
            {"kind": "dense", "units": 120},
            {"kind": "activation", "function": "sigmoid"},
            {"kind": "dense", "units": 84},
            {"kind": "activation", "function": "sigmoid"},
            {"kind": "dense", "units": 10},
        ],
        "normalisation": {"mean": 0.0, "std": 1.0},
        "preparation": {
            "method": "plain",
            "polarity": "as-is",
            "height": 28,
            "width": 28,
            "channels": 1,
            "margin": 0,
            "pixel_range": [],
        },
        "calibration": {
            "temperature": 1.0,
            "threshold": 0.0,
            "images": 0,
            "answered_right": 0.0,
            "answered": 0.0,
            "whitening": [],
            "means": [],
            "reach": 0.0,
        },
        "answers_blank": False,
        "dataset": "",
        "recipe": {},
        "results": {},
        "version": lenet.__version__,
    }
    assert set(read) == set(tensors)
    assert all(torch.equal(read[name], tensors[name]) for name in tensors)
    plain = tutorial_network()
    plain.load_state_dict(read, strict=True)


def test_the_same_network_gives_the_same_file(file: Path, sound: bytes) -> None:
    save_model(file, build_model(LeNetConfig(), seed=1), class_names=CLASSES)
    assert file.read_bytes() == sound


def test_reading_leaves_torchs_own_random_numbers_alone(file: Path, sound: bytes) -> None:
    file.write_bytes(sound)
    torch.rand(1)  # or the state could be the one that reading leads to
    state = torch.get_rng_state()
    load_model(file)
    assert torch.equal(torch.get_rng_state(), state)


def test_weights_that_are_not_contiguous_are_written_by_their_values(file: Path) -> None:
    network = build_model(LeNetConfig(), seed=1)
    with torch.no_grad():
        network[7].weight.data = torch.randn(400, 120).t()
    save_model(file, network, class_names=CLASSES)
    loaded, _ = load_model(file)
    assert torch.equal(loaded.state_dict()["7.weight"], network.state_dict()["7.weight"])


def test_a_network_that_takes_no_such_images_is_refused_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    with pytest.raises(ModelError, match="does not take a batch of shape"):
        save_model(tmp_path / "model.safetensors", nn.Linear(2, 2), class_names=("a", "b"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_missing_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        save_model(tmp_path / "nowhere" / "m.safetensors", LeNet(), class_names=CLASSES)
