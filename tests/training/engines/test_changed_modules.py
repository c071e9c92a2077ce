"""A module whose weights move or change on the way: what is kept, written and scored is its own."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune, vector_to_parameters

from compiled_kernels import needs_kernels
from lenet.datasets import Dataset
from lenet.errors import ModelError
from lenet.models import (
    ArrayNetwork,
    LeNetConfig,
    Residual,
    arrays_of,
    load_arrays,
    read_network,
    save_model,
)
from lenet.training import Listener, Recipe, Trainer

ENGINES = [pytest.param("native", marks=needs_kernels), "numpy"]
RECIPE = Recipe(epochs=1, batch_size=16, learning_rate=0.1, momentum=0.9)


def make(data: Dataset, engine: str, recipe: Recipe = RECIPE, **settings: Any) -> Trainer:
    network = ArrayNetwork.build(LeNetConfig(**settings), seed=1)
    return Trainer(network, data, recipe, engine=engine)  # type: ignore[arg-type]


def move(module: nn.Module, value: float) -> None:
    """Give every weight other memory."""
    for one in module.parameters():
        one.data = torch.full_like(one, value)


def first(arrays: Any) -> float:
    return float(arrays["0.weight"].flat[0])


def test_numbers_are_those_of_the_module_wherever_they_lie_now(tmp_path: Path) -> None:
    network = ArrayNetwork.build(LeNetConfig(), seed=1)
    move(network.module(), 0.25)
    assert first(arrays_of(network)) == 0.25
    assert first(copy.deepcopy(network).arrays) == 0.25
    save_model(tmp_path / "m.safetensors", network, class_names=tuple("0123456789"))
    assert first(arrays_of(read_network(tmp_path / "m.safetensors")[0])) == 0.25
    move(network.module(), 0.5)
    load_arrays(network, ArrayNetwork.build(LeNetConfig(), seed=2).arrays)
    assert abs(float(network.module().get_parameter("0.weight").flatten()[0].item())) < 0.5
    network.module().append(nn.Linear(10, 10))  # type: ignore[operator]
    assert "12.weight" in arrays_of(network)
    with pytest.raises(ModelError, match="was changed"):
        copy.deepcopy(network)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_state_is_taken_and_put_back_where_the_weights_are(
    engine: str, few_digits: Dataset
) -> None:
    trainer = make(few_digits, engine)
    before = trainer.state()
    trainer.train_epoch(2)
    move(trainer.model, 0.25)
    assert first(trainer.state().under("model.")) == 0.25
    move(trainer.model, 0.5)
    trainer.restore(before)
    weight = trainer.model.get_parameter("0.weight")
    assert float(weight.flatten()[0].item()) == first(before.under("model."))


class _AtTheEnd(Listener):
    def on_epoch(self, trainer: Trainer, point: object) -> None:
        weights = torch.zeros(sum(one.numel() for one in trainer.model.parameters()))
        vector_to_parameters(weights, trainer.model.parameters())


@pytest.mark.parametrize("engine", ENGINES)
def test_the_best_weights_come_where_the_weights_are(engine: str, few_digits: Dataset) -> None:
    data = few_digits.with_validation(0.2, 0)
    recipe = RECIPE.replace(validation=0.2)
    plain, moved = make(data, engine, recipe), make(data, engine, recipe)
    moved.listeners.append(_AtTheEnd())
    plain.run()
    moved.run()
    wanted = arrays_of(plain.network)
    for name, array in arrays_of(moved.network).items():
        assert np.array_equal(array, wanted[name])


class _LastStep(Listener):
    """Does something after the last step of an epoch."""

    def __init__(self, change: Any):
        self._change = change

    def on_step(self, trainer: Trainer) -> None:
        if trainer.step == trainer.steps_per_epoch:
            self._change(trainer.model)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_late_hook_does_not_keep_a_diagnosis_away(engine: str, few_digits: Dataset) -> None:
    heard: list[str] = []

    class Hears(_LastStep):
        def on_diagnosis(self, trainer: Trainer, diagnosis: Any) -> None:
            heard.append(str(diagnosis))

    trainer = make(few_digits, engine, RECIPE.replace(learning_rate=1e-6))
    trainer.listeners.append(Hears(lambda model: model[0].register_forward_hook(lambda *_: None)))
    trainer.run()
    assert "Not learning" in heard[0]


class _Evaluates(Listener):
    def on_step(self, trainer: Trainer) -> None:
        if trainer.step == 1:
            trainer.model.eval()


@pytest.mark.parametrize("engine", ENGINES)
def test_evaluation_mode_on_the_way_lasts_to_the_end_of_the_epoch(
    engine: str, few_digits: Dataset
) -> None:
    trainer = make(few_digits, engine, batch_norm=True)
    trainer.listeners.append(_Evaluates())
    trainer.train_epoch()
    assert trainer.engine.name == "torch"
    assert int(arrays_of(trainer.network)["1.num_batches_tracked"]) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_hook_on_a_gradient_is_heard(engine: str, few_digits: Dataset) -> None:
    trainer = make(few_digits, engine)
    trainer.model.get_parameter("0.weight").register_hook(lambda gradient: gradient * 0)
    before = first(arrays_of(trainer.network))
    trainer.train_epoch(2)
    assert trainer.engine.name == "torch"
    assert first(arrays_of(trainer.network)) == before


@pytest.mark.parametrize("engine", ENGINES)
def test_a_layer_put_in_on_the_way_is_trained_with_the_others_momentum(
    engine: str, few_digits: Dataset
) -> None:
    trainer = make(few_digits, engine)
    trainer.train_epoch(2)
    before = trainer.engine.state()
    trainer.model.insert(1, nn.BatchNorm2d(6))  # type: ignore[operator]
    trainer.train_epoch(3)
    assert trainer.engine.name == "torch"
    assert "1.weight" in arrays_of(trainer.network)
    shapes = {index: values["momentum_buffer"].shape for index, values in before.items()}
    now = trainer.engine.state()
    assert now[0]["momentum_buffer"].shape == shapes[0]
    assert now[4]["momentum_buffer"].shape == shapes[2]  # behind the new layer's two


@pytest.mark.parametrize("engine", ENGINES)
def test_what_went_over_to_pytorch_is_resumed_by_it_to_the_same_bits(
    engine: str, few_digits: Dataset
) -> None:
    whole = make(few_digits, engine, RECIPE.replace(optimiser="adam", momentum=0.0))
    weight = whole.model.get_parameter("0.weight")
    whole.train_epoch(2)
    weight.requires_grad_(False)
    whole.train_epoch(4)
    weight.requires_grad_(True)
    whole.train_epoch(5)
    state = whole.state()
    resumed = make(few_digits, engine, whole.recipe)
    resumed.restore(state)
    assert resumed.engine.name == whole.engine.name == ("torch" if engine == "native" else engine)
    for one in (whole, resumed):
        one.train_epoch(8)
    wanted = arrays_of(whole.network)
    for name, array in arrays_of(resumed.network).items():
        assert np.array_equal(array, wanted[name])


def test_arrays_of_another_type_are_refused_and_read_only_ones_copied(few_digits: Dataset) -> None:
    arrays = dict(ArrayNetwork.build(LeNetConfig(), seed=1).arrays)
    for wrong in (arrays["0.weight"].astype(np.float64), arrays["0.weight"].astype(">f4")):
        with pytest.raises(ModelError, match="not an array of float32"):
            ArrayNetwork(LeNetConfig(), arrays | {"0.weight": wrong})
    with pytest.raises(ModelError, match="list, not an array"):
        ArrayNetwork(LeNetConfig(), arrays | {"0.bias": arrays["0.bias"].tolist()})  # type: ignore[dict-item]
    kept = arrays["0.weight"].copy()
    kept.flags.writeable = False
    trainer = Trainer(ArrayNetwork(LeNetConfig(), arrays | {"0.weight": kept}), few_digits, RECIPE)
    trainer.train_epoch(1)
    assert not np.array_equal(arrays_of(trainer.network)["0.weight"], kept)


@needs_kernels
def test_a_layer_without_biases_is_trained_by_the_kernels_too(few_digits: Dataset) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10, bias=False))
    assert Trainer(network, few_digits, RECIPE).engine.name == "native"


def listen(layer: nn.Module) -> None:
    layer.register_forward_hook(lambda *_: None)


def drop_less(layer: nn.Module) -> None:
    layer.p = 0.1  # type: ignore[assignment]


@needs_kernels
@pytest.mark.parametrize("change", [listen, drop_less])
def test_what_changes_within_a_residual_sum_is_seen(
    change: Callable[[nn.Module], object], few_digits: Dataset
) -> None:
    dropout = nn.Dropout()
    inside = nn.Sequential(nn.Linear(784, 784), dropout)
    network = nn.Sequential(nn.Flatten(), Residual(inside), nn.Linear(784, 10))
    trainer = Trainer(network, few_digits, RECIPE)
    trainer.train_epoch(1)
    assert trainer.engine.name == "native"
    change(dropout)
    trainer.train_epoch(2)
    assert trainer.engine.name == "torch"


@needs_kernels
def test_batch_norm_within_a_residual_sum_is_left_to_pytorch_by_several_processes(
    few_digits: Dataset,
) -> None:
    class Two:
        """One of two processes."""

        rank, size = 0, 2

        def add_up(self, tensor: torch.Tensor) -> None:
            raise NotImplementedError

    inside = nn.Sequential(nn.Linear(784, 784), nn.BatchNorm1d(784))
    network = nn.Sequential(nn.Flatten(), Residual(inside), nn.Linear(784, 10))
    with pytest.raises(ModelError, match="over several processes"):
        Trainer(network, few_digits, RECIPE, engine="native", peers=Two())


@pytest.mark.parametrize("engine", ["torch", *ENGINES])
def test_who_drives_the_loop_gets_what_run_gives(engine: str, few_digits: Dataset) -> None:
    whole, driven = make(few_digits, engine), make(few_digits, engine)
    result = whole.run()
    with driven.running():
        while not driven.is_over:
            driven.train_epoch()
            driven.finish_epoch()
        assert driven.finish().test_loss == result.test_loss


def _prune(module: nn.Module) -> None:
    prune.l1_unstructured(module[0], "weight", 0.5)  # type: ignore[index]


def _tie(module: nn.Module) -> None:
    module[9].weight = module[11].weight  # type: ignore[index]


@pytest.mark.parametrize("change", [_prune, _tie])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_weight_keeps_its_momentum_under_another_name(
    engine: str, change: Callable[[nn.Module], None], few_digits: Dataset
) -> None:
    recipe = RECIPE.replace(learning_rate=0.5)
    ours, theirs = (
        make(few_digits, name, recipe, dense_widths=(10, 10), activation="tanh")
        for name in (engine, "torch")
    )
    for trainer in (ours, theirs):
        trainer.train_epoch(4)
        change(trainer.model)
        trainer.train_epoch(5)
    found, expected = (dict(one.model.named_parameters()) for one in (ours, theirs))
    assert found.keys() == expected.keys()
    for name, weight in found.items():
        torch.testing.assert_close(weight, expected[name], rtol=1e-3, atol=1e-4, msg=name)
