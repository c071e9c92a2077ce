"""Steps captured in CUDA graphs are PyTorch's steps, as far as a machine can show it."""

import numpy as np
import pytest
import torch
from torch import nn

from lenet.datasets import ArrayBatches, Batches, Dataset
from lenet.errors import InterruptedTraining, NonFiniteLossError
from lenet.kernels import use_engine
from lenet.models import ArrayNetwork, LeNet5Config, LeNetConfig, build_model
from lenet.training import CurvePoint, Listener, Recipe, Trainer

# Which engine serves is no choice of a person's, so the room's face does not name them.
from lenet.training.engines._engine import Engine
from lenet.training.engines._graph import GraphEngine
from lenet.training.engines._pick import pick_engine
from lenet.training.engines._torch import TorchEngine

RECIPES = {
    "sgd": Recipe(batch_size=30, learning_rate=0.5),
    "momentum": Recipe(
        batch_size=30, learning_rate=0.1, momentum=0.9, nesterov=True, schedule="cosine", flip=True
    ),
    "adam": Recipe(batch_size=30, optimiser="adam", learning_rate=0.003, shift=2),
    "adamw": Recipe(
        batch_size=30,
        optimiser="adamw",
        learning_rate=0.003,
        weight_decay=0.1,
        schedule="one-cycle",
        gradient_clipping=0.5,
        rotation=10,
        scaling=0.1,
    ),
}
DEVICES = [
    "cpu",  # the same step without a graph
    pytest.param(
        "cuda",
        marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here"),
    ),
]
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_they_are_pytorchs_steps(
    few_digits: Dataset, recipe: Recipe, batch_norm: bool, device: str
) -> None:
    recipe = recipe.replace(epochs=3)  # a last batch of 8 images in each
    losses, weights = {}, {}
    for kind, place in ((TorchEngine, "cpu"), (GraphEngine, device)):
        config = LeNetConfig(activation="tanh", batch_norm=batch_norm)
        network = build_model(config, seed=0)
        trainer = Trainer(network, few_digits, recipe, device=place, engine="torch")
        assert isinstance(trainer.train_batches, Batches)
        trainer.engine = kind(trainer.model, recipe, trainer.train_batches)
        result = trainer.run()
        assert isinstance(trainer.engine, kind)
        losses[kind] = torch.tensor([point.train_loss for point in trainer.history])
        weights[kind] = [value.cpu() for value in trainer.model.state_dict().values()]
        assert result.epochs == 3
    torch.testing.assert_close(losses[GraphEngine], losses[TorchEngine], rtol=1e-4, atol=1e-4)
    for ours, theirs in zip(weights[GraphEngine], weights[TorchEngine], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_they_go_on_from_pytorchs_state_and_give_it_back(
    few_digits: Dataset, recipe: Recipe, device: str
) -> None:
    begun = Trainer(build_model(LeNetConfig(), seed=0), few_digits, recipe.replace(epochs=1))
    begun.run()
    weights = {}
    for kind, place in ((TorchEngine, "cpu"), (GraphEngine, device)):
        more = recipe.replace(epochs=2)
        network = build_model(LeNetConfig(), seed=1)
        trainer = Trainer(network, few_digits, more, device=place, engine="torch")
        assert isinstance(trainer.train_batches, Batches)
        trainer.engine = kind(trainer.model, more, trainer.train_batches)
        trainer.restore(begun.state())
        trainer.run()
        kept = trainer.state()
        weights[kind] = {name: array for name, array in kept.arrays.items() if name != "losses"}
    assert weights[GraphEngine].keys() == weights[TorchEngine].keys()
    for name, array in weights[TorchEngine].items():
        np.testing.assert_allclose(weights[GraphEngine][name], array, rtol=1e-3, atol=1e-3)


def test_a_frozen_weight_is_noticed(few_digits: Dataset) -> None:
    network, recipe = build_model(LeNetConfig(), seed=0), RECIPES["sgd"]
    steps = GraphEngine(network, recipe, Batches(few_digits.train, recipe.batch_size))
    assert steps.still_serves()
    next(network.parameters()).requires_grad_(False)
    assert not steps.still_serves()


def test_who_listens_on_the_way_is_heard_at_every_step_and_no_images_are_moved_again(
    few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nn.Module, "to", lambda network, device: network)  # there may be no GPU
    heard: list[bool] = []

    class Listen(Listener):
        def on_step(self, trainer: Trainer) -> None:
            if trainer.steps_done == 2:
                trainer.model[0].register_forward_hook(
                    lambda layer, images, output: heard.append(layer.training)
                )

    recipe, network = Recipe(epochs=2, batch_size=32), build_model(LeNetConfig(), seed=0)
    trainer = Trainer(network, few_digits, recipe, engine="torch", listeners=[Listen()])
    trainer.device, batches = "cuda", trainer.train_batches
    assert isinstance(batches, Batches)
    trainer.engine = GraphEngine(trainer.model, recipe, batches)
    trainer.run()
    assert isinstance(trainer.engine, TorchEngine)
    assert trainer.train_batches is batches
    assert heard.count(True) == 6


def test_a_network_that_is_listened_to_already_is_not_captured(
    few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nn.Module, "to", lambda network, device: network)  # there may be no GPU

    def pick(network: nn.Module) -> Engine:
        return pick_engine(network, recipe, "cuda", lambda: ArrayBatches(*given), lambda: batches)

    recipe, given = Recipe(batch_size=30), (few_digits.train, 30)
    batches, network = Batches(*given), build_model(LeNetConfig(), seed=0)
    assert isinstance(pick(network), GraphEngine)
    for listen in (
        lambda: network[1].register_forward_hook(lambda *arguments: None),
        lambda: network[0].weight.register_hook(lambda gradient: None),
    ):
        handle = listen()
        assert isinstance(pick(network), TorchEngine)
        handle.remove()
        assert isinstance(pick(network), GraphEngine)


class _Points(Listener):
    """Keeps what is told of the curve, and can stop the training after a step."""

    def __init__(self, stop_after: int = -1):
        self.points: list[CurvePoint] = []
        self.steps: list[int] = []  # made when a point was told
        self.stop_after = stop_after

    def on_point(self, trainer: Trainer, point: CurvePoint) -> None:
        self.points.append(point)
        self.steps.append(trainer.steps_done)

    def on_step(self, trainer: Trainer) -> None:
        if trainer.steps_done == self.stop_after:
            trainer.request_stop()


def _losses(points: list[CurvePoint]) -> list[tuple[float, float, float, float]]:
    return [(p.epoch, p.train_loss, p.train_accuracy, p.learning_rate) for p in points]


@pytest.fixture
def recipe() -> Recipe:
    return Recipe(epochs=2, batch_size=8, schedule="cosine")


def test_a_gpu_is_not_asked_for_its_losses_before_an_epoch_is_over(
    few_digits: Dataset, recipe: Recipe
) -> None:
    told = {}
    for waits in (False, True):
        told[waits] = _Points()
        network = build_model(LeNetConfig(), seed=0)
        trainer = Trainer(network, few_digits, recipe, listeners=[told[waits]])
        trainer.waits_for_epoch = waits
        trainer.run()
    assert _losses(told[True].points) == _losses(told[False].points)
    assert told[False].steps[:5] == [3, 6, 9, 12, 15]
    assert told[True].steps[:5] == [16] * 5


def test_points_that_wait_are_in_a_kept_state(few_digits: Dataset, recipe: Recipe) -> None:
    unbroken = Trainer(build_model(LeNetConfig(), seed=0), few_digits, recipe)
    unbroken.run()
    stopped = Trainer(
        build_model(LeNetConfig(), seed=0), few_digits, recipe, listeners=[_Points(stop_after=8)]
    )
    stopped.waits_for_epoch = True
    with pytest.raises(InterruptedTraining):
        stopped.run()
    resumed = Trainer(build_model(LeNetConfig(), seed=0), few_digits, recipe)
    resumed.restore(stopped.state())
    resumed.run()
    assert _losses(resumed.history) == _losses(unbroken.history)


def test_a_loss_that_is_no_number_is_told_by_the_end_of_the_epoch(few_digits: Dataset) -> None:
    recipe = Recipe(epochs=2, batch_size=8, learning_rate=1e30)
    config = LeNetConfig(activation="relu")
    trainer = Trainer(build_model(config, seed=0), few_digits, recipe)
    trainer.waits_for_epoch = True
    with pytest.raises(NonFiniteLossError, match="in epoch 1"):
        trainer.run()


def test_bfloat16_is_near_and_is_not_float32(few_digits: Dataset) -> None:
    losses = {}
    for precision in ("float32", "tf32", "bfloat16"):
        recipe = Recipe.from_dict({"epochs": 2, "batch_size": 30, "precision": precision})
        trainer = Trainer(build_model(LeNetConfig(), seed=0), few_digits, recipe, engine="torch")
        trainer.run()
        losses[precision] = trainer.history[-1].train_loss
        assert all(value.dtype == torch.float32 for value in trainer.model.parameters())
    assert losses["tf32"] == losses["float32"]  # a CPU has no such mode
    assert losses["bfloat16"] != losses["float32"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)


@needs_gpu
def test_a_gpu_takes_graphs_and_agrees_with_the_cpu(few_digits: Dataset) -> None:
    recipe = Recipe(epochs=3, batch_size=30)
    curves = {}
    for device in ("cpu", "cuda"):
        network = build_model(LeNetConfig(), seed=0)
        trainer = Trainer(network, few_digits, recipe, device=device)
        assert isinstance(trainer.engine, GraphEngine) == (device == "cuda")
        trainer.run()
        curves[device] = torch.tensor([point.train_loss for point in trainer.history])
    torch.testing.assert_close(curves["cuda"], curves["cpu"], rtol=1e-4, atol=1e-4)


@needs_gpu
def test_lenet5_is_captured_as_well(few_digits: Dataset) -> None:
    recipe = Recipe(epochs=2, batch_size=30, loss="map", learning_rate=0.001, normalisation="lecun")
    losses = {}
    for device in ("cpu", "cuda"):
        network = build_model(LeNet5Config(), seed=0)
        trainer = Trainer(network, few_digits, recipe, device=device)
        trainer.run()
        losses[device] = [point.train_loss for point in trainer.history]
    assert losses["cuda"] == pytest.approx(losses["cpu"], rel=1e-3)


def test_a_cpu_has_no_graphs(few_digits: Dataset) -> None:
    network, recipe = ArrayNetwork.build(LeNetConfig(), seed=0), Recipe(batch_size=30)

    def arrays() -> ArrayBatches:
        return ArrayBatches(few_digits.train, 30)

    def tensors() -> Batches:
        return Batches(few_digits.train, 30)

    for kernels in ("auto", "torch"):
        with use_engine(kernels):
            engine = pick_engine(network, recipe, "cpu", arrays, tensors)
        assert not isinstance(engine, GraphEngine)
