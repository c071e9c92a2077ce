"""Training with the compiled kernels is training with PyTorch, up to rounding."""

import pytest
import torch

from lenet.datasets import Dataset
from lenet.kernels import kernel_status
from lenet.models import LeNet, LeNetConfig
from lenet.training import Recipe, Trainer

pytestmark = pytest.mark.skipif(
    kernel_status().instructions is None, reason=f"no kernels: {kernel_status().reason}"
)

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
        trainer = Trainer(LeNet(config), few_digits, recipe, kernels=kernels)  # type: ignore[arg-type]
        assert trainer.kernels == kernels
        trainer.run()
        losses[kernels] = torch.tensor([point.train_loss for point in trainer.history])
    torch.testing.assert_close(losses["native"], losses["torch"], rtol=0, atol=1e-4)


def test_the_optimisers_state_goes_from_one_to_the_other(few_digits: Dataset) -> None:
    recipe = RECIPES["adamw"]
    trainer = Trainer(LeNet(), few_digits, recipe, kernels="native")
    trainer.run()
    other = Trainer(LeNet(), few_digits, recipe, kernels="torch")
    other.restore(trainer.state())
    again = Trainer(LeNet(), few_digits, recipe, kernels="native")
    again.restore(other.state())
    one, two = trainer.state().tensors, again.state().tensors
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
