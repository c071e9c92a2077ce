"""The loop against a plain PyTorch loop, and against itself after a stop."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from compiled_kernels import needs_kernels
from lenet.datasets import Batches, Dataset
from lenet.errors import InterruptedTraining, NonFiniteLossError, SettingError, TrainingError
from lenet.kernels import EngineName, chosen_engine, use_engine
from lenet.models import LeNetConfig, Network, build_model
from lenet.models.layers import AdaptivePooling, BatchNorm, Dense, Flatten
from lenet.training import (
    CurvePoint,
    Diagnosis,
    Listener,
    Recipe,
    Trainer,
    TrainerState,
    evaluate_loss_and_accuracy,
)

RECIPES = {
    "tutorial": Recipe(epochs=3, batch_size=20),
    "momentum": Recipe(epochs=3, batch_size=20, momentum=0.9, nesterov=True, learning_rate=0.1),
    "adam": Recipe(epochs=3, batch_size=20, optimiser="adam", learning_rate=0.01),
    "everything": Recipe(
        epochs=3,
        batch_size=20,
        optimiser="adamw",
        learning_rate=0.01,
        weight_decay=0.1,
        schedule="one-cycle",
        label_smoothing=0.1,
        gradient_clipping=1.0,
        shift=2,
        flip=True,
        validation=0.2,
    ),
}


class Recorder(Listener):
    """Notes what it is told, and stops the training after some steps."""

    def __init__(self, stop_after: int | None = None):
        self.stop_after = stop_after
        self.events: list[str] = []
        self.points: list[CurvePoint] = []
        self.diagnoses: list[Diagnosis] = []

    def on_start(self, trainer: Trainer) -> None:
        self.events.append("start")

    def on_step(self, trainer: Trainer) -> None:
        if trainer.steps_done == self.stop_after:
            trainer.request_stop()

    def on_point(self, trainer: Trainer, point: CurvePoint) -> None:
        self.points.append(point)

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        self.events.append("epoch")

    def on_diagnosis(self, trainer: Trainer, diagnosis: Diagnosis) -> None:
        self.diagnoses.append(diagnosis)

    def on_finish(self, trainer: Trainer, result: Any) -> None:
        self.events.append("finish")

    def on_stop(self, trainer: Trainer) -> None:
        self.events.append("stop")


def make_trainer(data: Dataset, recipe: Recipe, *listeners: Listener, **settings: Any) -> Trainer:
    """A trainer from seed 0, with the validation split that the recipe wants."""
    if recipe.validation:
        data = data.with_validation(recipe.validation, 0)
    model = build_model(LeNetConfig(**settings), seed=0)
    return Trainer(model, data, recipe, seed=0, listeners=listeners, engine=chosen_engine())


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    """A copy of the weights."""
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


@use_engine("torch")
def test_the_tutorials_recipe_is_the_plain_loop_to_the_bit(few_digits: Dataset) -> None:
    recipe = RECIPES["tutorial"]
    trainer = make_trainer(few_digits, recipe)
    trainer.run()

    net = build_model(LeNetConfig(), seed=0)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.9)
    loss_function = nn.CrossEntropyLoss()
    batches = Batches(few_digits.train, 20, shuffle=True, seed=0)
    for epoch in range(3):
        total, right = 0.0, 0
        for images, labels in batches.epoch(epoch):
            optimiser.zero_grad()
            logits = net(images)
            loss = loss_function(logits, labels)
            loss.backward()
            optimiser.step()
            total += float(loss.detach()) * len(images)
            right += int((logits.argmax(1) == labels).sum())
        point = next(p for p in trainer.history if p.epoch == epoch + 1)
        assert point.train_loss == pytest.approx(total / 128, rel=1e-12)
        assert point.train_accuracy == right / 128
    for name, value in net.state_dict().items():
        assert torch.equal(trainer.model.state_dict()[name], value)


def test_evaluation_is_that_of_plain_torch(few_digits: Dataset) -> None:
    net = build_model(LeNetConfig(), seed=3)
    net.train()
    loss, accuracy = evaluate_loss_and_accuracy(net, Batches(few_digits.test, 10))
    images = torch.from_numpy(few_digits.test.images).float() / 255
    labels = torch.from_numpy(few_digits.test.labels)
    with torch.no_grad():
        logits = net(images)
    assert loss == pytest.approx(float(nn.functional.cross_entropy(logits, labels)), rel=1e-5)
    assert accuracy == float((logits.argmax(1) == labels).float().mean())
    assert net.training


@pytest.mark.parametrize("stop_after", [1, 6, 7, 8, 13, 20])
@pytest.mark.parametrize("name", RECIPES)
def test_a_training_goes_on_to_the_same_bits(
    name: str, stop_after: int, few_digits: Dataset
) -> None:
    recipe = RECIPES[name]
    whole = make_trainer(few_digits, recipe)
    result = whole.run()
    if stop_after >= whole.total_steps:
        stop_after = whole.total_steps - 1

    stopped = make_trainer(few_digits, recipe, Recorder(stop_after))
    with pytest.raises(InterruptedTraining):
        stopped.run()
    torch.manual_seed(12345)  # what was drawn meanwhile must not matter
    resumed = make_trainer(few_digits, recipe)
    resumed.restore(stopped.state())
    again = resumed.run()

    for key, value in weights_of(whole).items():
        assert torch.equal(resumed.model.state_dict()[key], value), key
    assert [{**p.to_dict(), "seconds": 0} for p in resumed.history] == [
        {**p.to_dict(), "seconds": 0} for p in whole.history
    ]
    assert (again.train_loss, again.test_loss) == (result.train_loss, result.test_loss)


@pytest.mark.parametrize(
    "kernels", [pytest.param("native", marks=needs_kernels), pytest.param("torch")]
)
@pytest.mark.parametrize("stop_after", [1, 7, 13])
def test_batch_normalisation_goes_on_to_the_same_bits(
    stop_after: int, kernels: EngineName, few_digits: Dataset
) -> None:
    recipe = RECIPES["everything"]
    network = {"batch_norm": True, "activation": "relu", "pooling": "max"}
    with use_engine(kernels):
        whole = make_trainer(few_digits, recipe, **network)
        stopped = make_trainer(few_digits, recipe, Recorder(stop_after), **network)
        resumed = make_trainer(few_digits, recipe, **network)
    assert whole.engine.name == kernels
    whole.run()
    with pytest.raises(InterruptedTraining):
        stopped.run()
    resumed.restore(stopped.state())
    resumed.run()
    weights = weights_of(resumed)
    assert any(name.endswith("running_var") for name in weights)
    for name, value in weights_of(whole).items():
        assert torch.equal(weights[name], value), name


def test_a_state_survives_the_state_of_the_state(few_digits: Dataset) -> None:
    trainer = make_trainer(few_digits, RECIPES["everything"], Recorder(9))
    with pytest.raises(InterruptedTraining):
        trainer.run()
    state = trainer.state()
    other = make_trainer(few_digits, RECIPES["everything"])
    other.restore(state)
    again = other.state()
    assert again.values == state.values
    assert again.arrays.keys() == state.arrays.keys()
    assert all(np.array_equal(again.arrays[name], value) for name, value in state.arrays.items())


def test_the_curve_has_five_points_an_epoch_and_one_look_at_the_test_images(
    digits: Dataset,
) -> None:
    recorder = Recorder()
    make_trainer(digits, Recipe(epochs=2, batch_size=32), recorder).run()  # 45 steps an epoch
    assert [point.epoch for point in recorder.points] == pytest.approx(
        [0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0]
    )
    assert [point.ends_epoch for point in recorder.points] == [False] * 4 + [True] + [False] * 4 + [
        True
    ]
    assert all(point.validation_accuracy is None for point in recorder.points)
    assert recorder.events == ["start", "epoch", "epoch", "finish", "stop"]


@use_engine("torch")  # which reads images through `epoch`, so that it can be counted
def test_with_a_validation_split_the_test_images_are_used_once(
    few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def count(model: nn.Module, batches: Batches, **options: Any) -> tuple[float, float]:
        looks.append(len(batches.labels))
        return evaluate_loss_and_accuracy(model, batches, **options)

    monkeypatch.setattr("lenet.training._metrics.evaluate_loss_and_accuracy", count)
    trainer = make_trainer(few_digits, RECIPES["everything"])
    validation = len(trainer.dataset.validation or ())
    epochs_of_test_images: list[int] = []
    epoch_of_test_images = trainer.test_batches.epoch

    def count_epochs(epoch: int, start: int = 0) -> Any:
        epochs_of_test_images.append(epoch)
        return epoch_of_test_images(epoch, start)

    monkeypatch.setattr(trainer.test_batches, "epoch", count_epochs)
    recorder = Recorder()
    trainer.listeners.append(recorder)
    trainer.run()
    assert looks == [validation] * 3 + [64]
    assert len(epochs_of_test_images) == 1
    assert recorder.diagnoses, "not even the diagnosis looks at them"


def test_the_best_epochs_weights_are_kept(few_digits: Dataset) -> None:
    class Spoiler(Listener):
        """Makes the weights useless after the second epoch."""

        kept: dict[str, torch.Tensor]

        def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
            if trainer.epoch == 2:
                self.kept = weights_of(trainer)
                for parameter in trainer.model.parameters():
                    parameter.data.zero_()

    spoiler = Spoiler()
    recipe = Recipe(epochs=3, batch_size=8, optimiser="adam", learning_rate=0.01, validation=0.3)
    trainer = make_trainer(few_digits, recipe, spoiler, activation="relu")
    result = trainer.run()
    assert result.best_epoch == 2
    for name, value in spoiler.kept.items():
        assert torch.equal(trainer.model.state_dict()[name], value)


def test_early_stopping_waits_its_epochs_and_no_more(few_digits: Dataset) -> None:
    recipe = Recipe(epochs=50, batch_size=90, learning_rate=1e-9, validation=0.2, early_stopping=4)
    result = make_trainer(few_digits, recipe).run()
    assert (result.best_epoch, result.epochs) == (1, 5)


def test_a_loss_that_is_not_finite_names_the_step_and_the_rate(few_digits: Dataset) -> None:
    recipe = Recipe(epochs=3, batch_size=20, learning_rate=1e30)
    trainer = make_trainer(few_digits, recipe, activation="relu")
    with pytest.raises(NonFiniteLossError) as caught:
        trainer.run()
    assert (caught.value.epoch, caught.value.learning_rate) == (1, 1e30)
    assert caught.value.step <= 3
    assert not math.isfinite(caught.value.loss)
    assert f"at step {caught.value.step}, at learning rate 1e+30" in str(caught.value)
    with pytest.raises(TrainingError):
        trainer.state()


def test_weights_that_are_not_finite_are_not_kept(few_digits: Dataset) -> None:
    trainer = make_trainer(few_digits, RECIPES["tutorial"])
    next(iter(trainer.model.parameters())).data[0] = float("nan")
    with pytest.raises(TrainingError, match="infinite or nan"):
        trainer.state()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_last_step_that_diverges_leaves_no_network(few_digits: Dataset, value: float) -> None:
    class Spoiler(Listener):
        def on_step(self, trainer: Trainer) -> None:
            if trainer.steps_done == trainer.total_steps:
                next(iter(trainer.model.parameters())).data[0] = value

    trainer = make_trainer(few_digits, Recipe(epochs=1, batch_size=64), Spoiler())
    with pytest.raises(
        NonFiniteLossError, match=r"nan in epoch 1 at step 2, at learning rate 0\.9"
    ):
        trainer.run()


def test_a_batch_larger_than_the_dataset_is_refused(few_digits: Dataset) -> None:
    with pytest.raises(SettingError, match="`batch_size` is 129, but `few-digits` has only 128"):
        make_trainer(few_digits, Recipe(batch_size=129))


@pytest.mark.parametrize(
    "kernels", [pytest.param("native", marks=needs_kernels), pytest.param("torch")]
)
def test_batch_normalisation_of_one_image_is_refused_before_it_begins(
    few_digits: Dataset, kernels: EngineName
) -> None:
    last = r"`batch_size` is 127, which leaves the last of 128 images alone; .* at least two images"
    every = r"`batch_size` is 1; .* at least two images"
    with use_engine(kernels):
        for batch_size, message in {127: last, 1: every}.items():
            with pytest.raises(SettingError, match=message):
                make_trainer(few_digits, Recipe(batch_size=batch_size), batch_norm=True)
            make_trainer(few_digits, Recipe(batch_size=batch_size))
        recipe = Recipe(epochs=1, batch_size=127)
        make_trainer(few_digits, recipe, batch_norm=True, dense_widths=()).run()
        make_trainer(few_digits, Recipe(epochs=1, batch_size=126), batch_norm=True).run()
        pixels = Network([AdaptivePooling(), BatchNorm(), Flatten(), Dense(units=10)], (1, 28, 28))
        with pytest.raises(SettingError, match=last):
            Trainer(build_model(pixels, seed=0), few_digits, Recipe(batch_size=127))


def test_the_speeds_are_what_the_clock_says(
    few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(10**6))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(ticks)))
    result = make_trainer(few_digits, Recipe(epochs=2, batch_size=64)).run()
    assert result.examples_per_second == pytest.approx(2 * 128 / result.seconds)
    # Each of the 4 steps takes the one tick between its two readings of the clock.
    assert result.tutorial_examples_per_second == pytest.approx(2 * 128 / 4)
    assert result.seconds > 4


def test_pixels_are_normalised_as_told(few_digits: Dataset) -> None:
    model = build_model(LeNetConfig(), seed=0)
    trainer = Trainer(model, few_digits, Recipe(epochs=1, batch_size=64), mean=0.5, std=0.25)
    images, _ = next(iter(trainer.test_batches))
    expected = (few_digits.test.images.astype(np.float64) / 255 - 0.5) / 0.25
    np.testing.assert_allclose(images, expected, atol=1e-6)


def test_a_restored_state_is_a_copy(few_digits: Dataset) -> None:
    trainer = make_trainer(few_digits, RECIPES["momentum"], Recorder(3))
    with pytest.raises(InterruptedTraining):
        trainer.run()
    state: TrainerState = trainer.state()
    before = {name: value.copy() for name, value in state.arrays.items()}
    other = make_trainer(few_digits, RECIPES["momentum"])
    other.restore(state)
    other.run()
    assert all(np.array_equal(state.arrays[name], value) for name, value in before.items())


def test_frozen_layers_stay_frozen_after_a_resume(few_digits: Dataset) -> None:
    recipe = RECIPES["momentum"]
    stopped = make_trainer(few_digits, recipe, Recorder(4))
    stopped.model[0].requires_grad_(False)  # type: ignore[index]
    first = stopped.model.state_dict()["0.weight"].clone()
    with pytest.raises(InterruptedTraining):
        stopped.run()
    resumed = make_trainer(few_digits, recipe)
    resumed.restore(stopped.state())
    resumed.run()
    assert torch.equal(resumed.model.state_dict()["0.weight"], first)


@pytest.mark.parametrize("name", ["tutorial", "everything"])
def test_without_test_images_the_training_is_the_same_and_has_no_test_score(
    name: str, few_digits: Dataset
) -> None:
    without = Dataset(few_digits.name, few_digits.class_names, few_digits.train)
    recorder = Recorder()
    trainer, expected = (
        make_trainer(without, RECIPES[name], recorder),
        make_trainer(few_digits, RECIPES[name]),
    )
    result, usual = trainer.run(), expected.run()
    for key, value in weights_of(expected).items():
        assert torch.equal(trainer.model.state_dict()[key], value), key
    assert (result.test_loss, result.test_accuracy) == (None, None)
    assert (result.train_loss, result.best_epoch) == (usual.train_loss, usual.best_epoch)
    assert result.validation_accuracy == usual.validation_accuracy
    assert all(point.test_accuracy is None for point in recorder.points)
    assert recorder.events == ["start", "epoch", "epoch", "epoch", "finish", "stop"]
