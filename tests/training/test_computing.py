"""Devices by name; optimisers and schedules against torch's own."""

import pytest
import torch
from torch.optim import lr_scheduler

from lenet.errors import SettingError
from lenet.training import Recipe, build_optimiser, learning_rate_at, pick_device

STEPS_PER_EPOCH = 7


def rates_of_torch(scheduler_of: object, recipe: Recipe) -> list[float]:
    """The learning rate of each step as one of torch's schedulers gives it."""
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=recipe.learning_rate)
    scheduler = scheduler_of(optimiser)  # type: ignore[operator]
    rates = []
    for _ in range(recipe.epochs * STEPS_PER_EPOCH):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return rates


def test_one_cycle_is_that_of_torch() -> None:
    recipe = Recipe(schedule="one-cycle", learning_rate=0.3, epochs=9)
    total = recipe.epochs * STEPS_PER_EPOCH
    expected = rates_of_torch(
        lambda o: lr_scheduler.OneCycleLR(o, 0.3, total_steps=total, cycle_momentum=False), recipe
    )
    ours = [learning_rate_at(recipe, step, STEPS_PER_EPOCH) for step in range(total)]
    assert ours == pytest.approx(expected, rel=1e-6)


def test_cosine_is_that_of_torch() -> None:
    recipe = Recipe(schedule="cosine", learning_rate=0.3, epochs=4)
    total = recipe.epochs * STEPS_PER_EPOCH
    expected = rates_of_torch(lambda o: lr_scheduler.CosineAnnealingLR(o, total), recipe)
    ours = [learning_rate_at(recipe, step, STEPS_PER_EPOCH) for step in range(total)]
    assert ours == pytest.approx(expected, rel=1e-6)


def test_step_is_that_of_torch() -> None:
    recipe = Recipe(schedule="step", learning_rate=0.3, epochs=7, step_epochs=2, step_factor=0.5)
    expected = rates_of_torch(
        lambda o: lr_scheduler.StepLR(o, 2 * STEPS_PER_EPOCH, gamma=0.5), recipe
    )
    total = recipe.epochs * STEPS_PER_EPOCH
    ours = [learning_rate_at(recipe, step, STEPS_PER_EPOCH) for step in range(total)]
    assert ours == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("total", [1, 2, 3, 4])
@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "one-cycle"])
def test_a_training_of_few_steps_has_finite_rates(schedule: str, total: int) -> None:
    recipe = Recipe.from_dict({"schedule": schedule, "epochs": total})
    for step in range(total):
        assert 0 <= learning_rate_at(recipe, step, 1) <= recipe.learning_rate


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"optimiser": "sgd", "momentum": 0.9, "nesterov": True}, torch.optim.SGD),
        ({"optimiser": "adam"}, torch.optim.Adam),
        ({"optimiser": "adamw", "weight_decay": 0.1}, torch.optim.AdamW),
    ],
)
def test_the_optimiser_has_the_settings_of_the_recipe(
    settings: dict[str, object], kind: type[torch.optim.Optimizer]
) -> None:
    recipe = Recipe.from_dict({"learning_rate": 0.01, **settings})
    optimiser = build_optimiser(recipe, [torch.nn.Parameter(torch.zeros(1))])
    assert type(optimiser) is kind
    group = optimiser.param_groups[0]
    assert group["lr"] == 0.01
    assert group["weight_decay"] == recipe.weight_decay
    assert group.get("momentum", 0) == recipe.momentum
    assert group.get("nesterov", False) == recipe.nesterov


def test_auto_is_the_best_there_is() -> None:
    best = "cuda" if torch.cuda.is_available() else "cpu"
    if torch.backends.mps.is_available():
        best = "mps"
    assert pick_device() == best
    assert pick_device("cpu:0") == "cpu"


@pytest.mark.parametrize("name", ["gpu", "cuda:77", "", "cpu:x"])
def test_a_device_that_is_not_here_is_an_error(name: str) -> None:
    with pytest.raises(SettingError, match="`auto` takes the best"):
        pick_device(name)
