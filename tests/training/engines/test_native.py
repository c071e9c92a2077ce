"""Training with the compiled kernels is training with PyTorch, up to rounding."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from compiled_kernels import needs_kernels
from lenet.datasets import ArrayBatches, Batches, Dataset
from lenet.errors import ModelError
from lenet.kernels import EngineName, use_engine
from lenet.models import ArrayNetwork, LeNet, LeNetConfig, build_model
from lenet.training import Listener, Recipe, Trainer

# Which engine serves is no choice of a person's, so the room's face does not name them.
from lenet.training.engines._native import NativeEngine
from lenet.training.engines._torch import TorchEngine

pytestmark = needs_kernels

RECIPES = {
    "sgd": Recipe(epochs=2, batch_size=30),
    "momentum": Recipe(epochs=2, batch_size=30, learning_rate=0.1, momentum=0.9, nesterov=True),
    "adam": Recipe(epochs=2, batch_size=30, optimiser="adam", learning_rate=0.003, shift=1),
    "adamw": Recipe(
        epochs=2,
        batch_size=30,
        optimiser="adamw",
        learning_rate=0.003,
        weight_decay=0.1,
        label_smoothing=0.1,
        gradient_clipping=1.0,
    ),
}


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_losses_are_those_of_pytorch(
    few_digits: Dataset, recipe: Recipe, activation: str
) -> None:
    if activation == "relu" and recipe.learning_rate == 0.9:
        recipe = recipe.replace(learning_rate=0.05)
    config = LeNetConfig.from_dict({"activation": activation, "pooling": "max"})
    losses = {}
    for kernels in ("native", "torch"):
        torch.manual_seed(0)
        trainer = Trainer(LeNet(config), few_digits, recipe, engine=kernels)  # type: ignore[arg-type]
        assert trainer.engine.name == kernels
        trainer.run()
        losses[kernels] = torch.tensor([point.train_loss for point in trainer.history])
    torch.testing.assert_close(losses["native"], losses["torch"], rtol=0, atol=1e-4)


# Where a ReLU or a maximum flips by rounding, trainings with batch norm part: not these.
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_losses_with_batch_norm_are_those_of_pytorch(
    few_digits: Dataset, recipe: Recipe
) -> None:
    losses, statistics = {}, {}
    for kernels in ("native", "torch"):
        network = build_model(LeNetConfig(activation="tanh", batch_norm=True), seed=0)
        small = recipe.replace(learning_rate=min(recipe.learning_rate, 0.05))
        trainer = Trainer(network, few_digits, small, engine=kernels)  # type: ignore[arg-type]
        assert trainer.engine.name == kernels
        trainer.run()
        losses[kernels] = torch.tensor([point.train_loss for point in trainer.history])
        statistics[kernels] = list(network.buffers())
    torch.testing.assert_close(losses["native"], losses["torch"], rtol=0, atol=1e-4)
    for ours, theirs in zip(*statistics.values(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_optimisers_state_goes_from_one_to_the_other(
    few_digits: Dataset, batch_norm: bool
) -> None:
    recipe, config = RECIPES["adamw"], LeNetConfig(batch_norm=batch_norm)
    trainer = Trainer(LeNet(config), few_digits, recipe, engine="native")
    trainer.run()
    other = Trainer(LeNet(config), few_digits, recipe, engine="torch")
    other.restore(trainer.state())
    again = Trainer(LeNet(config), few_digits, recipe, engine="native")
    again.restore(other.state())
    one, two = trainer.state().arrays, again.state().arrays
    assert one.keys() == two.keys()
    assert all(np.array_equal(one[name], two[name]) for name in one)


@pytest.mark.fashion_mnist
def test_every_loss_of_the_first_epoch_is_that_of_pytorch(fashion_mnist: Dataset) -> None:
    recipe = Recipe(batch_size=64)  # as many steps as the tutorial's, of a quarter of the images
    train = fashion_mnist.train.take(np.arange(15_000))
    batches = ArrayBatches(train, recipe.batch_size, shuffle=True, seed=0)
    engines = (
        NativeEngine(ArrayNetwork.build(LeNetConfig(), seed=0), recipe, batches),
        TorchEngine(build_model(LeNetConfig(), seed=0), recipe, Batches(train, 64)),
    )
    with use_engine("torch"):
        losses = torch.tensor(
            [
                [float(engine.step(selection, recipe.learning_rate)[0]) for engine in engines]
                for selection in batches.selections(0)
            ]
        )
    assert len(losses) == 235
    torch.testing.assert_close(losses[:, 0], losses[:, 1], rtol=0, atol=1e-4)


def test_another_device_is_refused(few_digits: Dataset) -> None:
    network = ArrayNetwork.build(LeNetConfig(), seed=0)
    with pytest.raises(ModelError, match=r"can't be `native` here\. .* are for the CPU"):
        Trainer(network, few_digits, RECIPES["sgd"], device="meta", engine="native")


class Doubled(LeNet):
    """A network with a forward pass of its own, and the layers of any other."""

    def forward(self, input: Tensor) -> Tensor:
        return 2 * super().forward(input)


def test_a_forward_pass_of_its_own_is_trained_as_it_is(few_digits: Dataset) -> None:
    losses = []
    for kernels in ("auto", "torch"):
        torch.manual_seed(0)
        trainer = Trainer(Doubled(), few_digits, RECIPES["adam"], engine=kernels)
        assert trainer.engine.name == "torch"
        trainer.run()
        losses.append([point.train_loss for point in trainer.history])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


@pytest.mark.parametrize("kernels", ["native", "numpy"])
def test_a_network_that_is_evaluated_meanwhile_is_trained_as_before(
    few_digits: Dataset, kernels: EngineName
) -> None:
    class Evaluate(Listener):
        def on_epoch(self, trainer: Trainer, point: object) -> None:
            trainer.model.eval()

    losses = []
    for listeners in ([], [Evaluate()]):
        network = build_model(LeNetConfig(batch_norm=True), seed=0)
        network.train(not listeners)
        trainer = Trainer(
            network, few_digits, RECIPES["momentum"], listeners=listeners, engine=kernels
        )
        trainer.run()
        assert trainer.engine.name == kernels
        losses.append([point.train_loss for point in trainer.history])
    assert losses[0] == losses[1]


def listen_to_a_layer(network: LeNet) -> None:
    network[0].register_forward_hook(lambda *arguments: None)


def freeze(network: LeNet) -> None:
    network[0].weight.requires_grad_(False)


def change_the_type(network: LeNet) -> None:
    network[-1].weight.data = network[-1].weight.data.double()
    network[-1].register_forward_pre_hook(lambda layer, inputs: (inputs[0].double(),))
    network[-1].bias.data = network[-1].bias.data.double()


@pytest.mark.parametrize("change", [listen_to_a_layer, freeze, change_the_type])
def test_a_network_that_changes_on_the_way_goes_on_with_pytorch(
    few_digits: Dataset, change: Callable[[LeNet], None]
) -> None:
    class Change(Listener):
        def on_epoch(self, trainer: Trainer, point: object) -> None:
            if trainer.epoch == 1:
                change(trainer.model)

    losses = []
    for kernels in ("auto", "torch"):
        torch.manual_seed(0)
        listeners = [Change()]
        trainer = Trainer(
            LeNet(), few_digits, RECIPES["momentum"], listeners=listeners, engine=kernels
        )
        trainer.run()
        assert isinstance(trainer.engine, TorchEngine)
        losses.append([point.train_loss for point in trainer.history])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


@pytest.mark.parametrize("kernels", ["native", "numpy", "torch"])
def test_who_listens_from_within_an_epoch_hears_every_further_step(
    few_digits: Dataset, kernels: EngineName
) -> None:
    heard: list[bool] = []

    class Listen(Listener):
        def on_step(self, trainer: Trainer) -> None:
            if trainer.steps_done == 2:
                trainer.model[0].register_forward_hook(
                    lambda layer, images, output: heard.append(layer.training)
                )

    recipe = RECIPES["momentum"].replace(batch_size=32)  # four steps an epoch
    losses = []
    for listeners in ([Listen()], []):
        network = build_model(LeNetConfig(), seed=0)
        trainer = Trainer(network, few_digits, recipe, listeners=listeners, engine=kernels)
        trainer.run()
        losses.append([point.train_loss for point in trainer.history])
    assert heard.count(True) == 6  # and some more, as test images go through it
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
