"""The keywords of public functions, for editors and type checkers.

Written by `python tests/test_keywords.py` from the classes of settings, which hold the defaults,
the explanations and the checks.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict


class ComputeKeywords(TypedDict, total=False):
    """Where something is computed, and by what."""

    device: str
    threads: int | None
    engine: Literal["auto", "native", "torch", "numpy"]


class RecipeKeywords(TypedDict, total=False):
    """How a network is trained, and the settings of all networks."""

    epochs: int
    batch_size: int
    optimiser: Literal["sgd", "adam", "adamw"]
    learning_rate: float
    momentum: float
    nesterov: bool
    weight_decay: float
    schedule: Literal["constant", "step", "cosine", "one-cycle"]
    step_epochs: int
    step_factor: float
    loss: Literal["cross-entropy", "map"]
    label_smoothing: float
    gradient_clipping: float
    early_stopping: int
    shift: int
    flip: bool
    rotation: float
    scaling: float
    squeezing: float
    shearing: float
    plain_epochs: int
    normalisation: Literal["unit", "standard", "lecun"]
    precision: Literal["float32", "tf32", "bfloat16"]
    validation: float
    answered_right: float
    input_shape: Sequence[int]
    classes: int
    initialisation: Literal["xavier", "kaiming", "normal", "pytorch"]
    dense_widths: Sequence[int]
    activation: Literal["sigmoid", "tanh", "relu", "gelu"]
    channels: Sequence[int]
    kernel_size: int
    padding: int
    pooling: Literal["average", "max"]
    batch_norm: bool


class TrainKeywords(ComputeKeywords, RecipeKeywords, total=False):
    """What `train` takes."""

    runs_folder: Path | str
    reuse: bool
    preset: str | None
    seed: int
    track: str | Sequence[str]


class CompareKeywords(ComputeKeywords, RecipeKeywords, total=False):
    """What `compare` takes."""

    seeds: int
    first_seed: int
    split: Literal["validation", "test"]
    views: Literal["single", "mirrored", "shifted"]
    processes: int | None
    together: bool | None
    runs_folder: Path | str


class SweepWorkKeywords(ComputeKeywords, total=False):
    """What `resume_sweep` takes."""

    trials: int
    workers: int
    at_once: int
    confirm: int
    storage: str | None
    sweeps_folder: Path | str


class SweepKeywords(SweepWorkKeywords, RecipeKeywords, total=False):
    """What `sweep` takes."""

    space: Path | str | None
    model: str | None
    preset: str | None
    name: str | None
    seed: int
    sampler: Literal["tpe", "random"]
    prune: bool
    warm_up: int
