"""Trainers to be computed together, and what says whether two of them did the same."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
import torch

from lenet.datasets import Dataset, SharedImages
from lenet.models import ModelConfig, build_model, model_config
from lenet.training import CurvePoint, Listener, Recipe, Trainer, TrainingResult

SMALL = {"channels": (2, 3), "dense_widths": (12,)}
RECIPES = {
    "sgd": Recipe(epochs=2, batch_size=30, learning_rate=0.1),
    "momentum": Recipe(
        epochs=2,
        batch_size=30,
        learning_rate=0.05,
        momentum=0.9,
        nesterov=True,
        weight_decay=0.01,
        schedule="one-cycle",
        flip=True,
        shift=2,
        normalisation="standard",
    ),
    "adam": Recipe(
        epochs=2,
        batch_size=30,
        optimiser="adam",
        learning_rate=0.003,
        weight_decay=0.01,
        label_smoothing=0.1,
        gradient_clipping=0.5,
    ),
    "adamw": Recipe(
        epochs=2,
        batch_size=30,
        optimiser="adamw",
        learning_rate=0.003,
        weight_decay=0.1,
        schedule="cosine",
        rotation=10,
        plain_epochs=1,
        validation=0.2,
    ),
}


class Curve(Listener):
    """Notes every step's loss and the curve, and can stop the training after some steps."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.losses: list[float] = []
        self.points: list[CurvePoint] = []
        self.events: list[str] = []
        self.stop_after = stop_after

    def on_start(self, trainer: Trainer) -> None:
        self.events.append("start")

    def on_step(self, trainer: Trainer) -> None:
        self.losses.append(float(trainer.losses[trainer.step - 1]))
        if trainer.steps_done == self.stop_after:
            trainer.request_stop()

    def on_point(self, trainer: Trainer, point: CurvePoint) -> None:
        self.points.append(point)

    def on_epoch(self, trainer: Trainer, point: CurvePoint) -> None:
        self.events.append("epoch")

    def on_finish(self, trainer: Trainer, result: TrainingResult) -> None:
        self.events.append("finish")

    def on_stop(self, trainer: Trainer) -> None:
        self.events.append("stop")


def make_trainers(
    data: Dataset,
    recipes: Iterable[Recipe],
    model: str = "lenet",
    settings: dict[str, Any] | None = None,
    *,
    shares: bool = True,
    device: str = "cpu",
    listeners: Sequence[Listener] = (),
) -> list[Trainer]:
    """A trainer a recipe, with seeds 0, 1, 2, …, each with a validation split of its own."""
    config: ModelConfig = model_config(model, {**(settings or {})})
    shared = SharedImages(data, device)
    trainers = []
    for seed, recipe in enumerate(recipes):
        divided = data
        if shares:
            divided = shared.hold_out(recipe.validation, seed)
        elif recipe.validation:
            divided = data.with_validation(recipe.validation, seed)
        # Every seed with numbers of its own, as `standard` with a validation split has them.
        ranges = {"mean": 0.3 + seed / 10, "std": 0.5} if recipe.normalisation != "unit" else {}
        trainers.append(
            Trainer(
                build_model(config, seed=seed),
                divided,
                recipe,
                device=device,
                seed=seed,
                listeners=[listeners[seed]] if listeners else [Curve()],
                engine="torch",
                shared=shared if shares else None,
                **ranges,
            )
        )
    return trainers


def curve_of(trainer: Trainer) -> Curve:
    """What a trainer's first listener has noted."""
    (curve, *_) = trainer.listeners
    assert isinstance(curve, Curve)
    return curve


def assert_same(together: Trainer, alone: Trainer, tolerance: float = 1e-5) -> None:
    """Two trainings had the same losses, curves and weights, up to rounding."""
    ours, theirs = curve_of(together), curve_of(alone)
    assert len(ours.losses) == len(theirs.losses) > 0
    assert ours.losses == pytest.approx(theirs.losses, rel=tolerance)
    assert ours.events == theirs.events
    assert [p.epoch for p in ours.points] == [p.epoch for p in theirs.points]
    assert [p.learning_rate for p in ours.points] == [p.learning_rate for p in theirs.points]
    assert [p.train_accuracy for p in ours.points] == [p.train_accuracy for p in theirs.points]
    assert together.history[-1].test_accuracy == alone.history[-1].test_accuracy
    weights = alone.model.state_dict()
    for name, value in together.model.state_dict().items():
        torch.testing.assert_close(
            value.cpu(), weights[name].cpu(), rtol=10 * tolerance, atol=tolerance, msg=name
        )
