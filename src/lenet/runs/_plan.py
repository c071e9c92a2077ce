"""From what was asked for to a trainer: data, plan, network, settings of a run, trainer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenet.core import NONE_CLASS, field_types
from lenet.datasets import (
    Dataset,
    DataSource,
    ImageHolder,
    SharedImages,
    as_dataset,
    dataset_names,
    describe_dataset,
    examine_dataset,
    load_dataset,
)
from lenet.errors import (
    DataFileError,
    DatasetError,
    DownloadError,
    ModelError,
    RunError,
    StorageError,
    UnknownNameError,
)
from lenet.kernels import EngineName, kernel_status
from lenet.models import (
    MODELS,
    ArrayNetwork,
    Network,
    Normalisation,
    identify,
    model_config,
    unknown_setting,
)
from lenet.runs._run import Run, RunConfig
from lenet.training import (
    ALONE,
    Listener,
    Peers,
    Recipe,
    Trainer,
    errors_of_file,
    override_settings,
    own,
    preset_for,
)

if TYPE_CHECKING:
    from torch import nn

_LOG = logging.getLogger("lenet.runs")
_LOG.addHandler(logging.NullHandler())  # listeners tell it, so Python need not
_DEFAULT_DATASET, _BUNDLED_DATASET = "fashion-mnist", "digits"
_LECUN_BACKGROUND, _LECUN_RANGE = -0.1, 1.275  # so that ink is 1.175


def name_of_data(dataset: str | Path | DataSource | ImageHolder | None) -> str:
    """What data that was asked for is called, before it is read."""
    if isinstance(dataset, Dataset):
        return dataset.name
    if isinstance(dataset, (str, Path, DataSource)):
        return str(dataset)
    return _DEFAULT_DATASET if dataset is None else ""


def find_dataset(
    dataset: str | Path | DataSource | ImageHolder | None, listeners: Sequence[Listener]
) -> Dataset:
    """The data that was asked for; without a wish and a network, what is bundled."""
    if isinstance(dataset, Dataset):
        return dataset
    if dataset is not None:
        data = as_dataset(dataset)
        if data.origin or not isinstance(dataset, (str, Path, DataSource)):
            announce(listeners, describe_dataset(data, examine_dataset(data)) + "\n")
        return data
    try:
        return load_dataset(_DEFAULT_DATASET)
    except (DataFileError, DownloadError, StorageError):
        announce(
            listeners,
            f"`{_DEFAULT_DATASET}` is neither on this machine nor to be downloaded, so this trains "
            f"on the bundled `{_BUNDLED_DATASET}`; `--data {_DEFAULT_DATASET}` says why.",
        )
        return load_dataset(_BUNDLED_DATASET)


def announce(listeners: Sequence[Listener], text: str) -> None:
    """Tell every listener, and whoever reads the log, something that the person should know."""
    _LOG.info("%s", text.strip())
    for listener in listeners:
        listener.on_message(text)


@dataclass(frozen=True)
class Plan:
    """What is to be trained and how.

    Attributes:
        preset: The preset that network and recipe begin from.
        recipe: How to train.
        model: The network's name in the registry; or a network that is built or described already.
        settings: The network's settings that differ from its defaults.
    """

    preset: str
    recipe: Recipe
    model: str | nn.Module | Network | ArrayNetwork
    settings: dict[str, Any]


def make_plan(
    dataset: str,
    model: str | Path | nn.Module | Network | ArrayNetwork | None,
    recipe: Recipe | None,
    preset: str | None,
    settings: dict[str, Any],
    data: Dataset | None = None,
    *,
    are_own: bool | None = None,
) -> Plan:
    """Put together what was asked for and what the preset brings, as far as that goes with it.

    Args:
        dataset: The dataset's name, which may decide the preset.
        model: A name in the registry, or a network; the preset's where none is given.
        recipe: How to train; the preset's where none is given.
        preset: The preset's name; the one that suits network and data where none is given.
        settings: Fields of the recipe and of the network's settings, together.
        data: The images, where they are known already; those of one's own decide the
            preset, be they in files or in memory.
        are_own: Whether these are images of one's own; told by where they came from by default.

    Raises:
        SettingError: Something is unknown, ill-typed or out of range.
    """
    if isinstance(model, Path) or (isinstance(model, str) and model.endswith(".toml")):
        path, model = Path(model), Network.read(model)
        with errors_of_file(path):
            model.classes  # noqa: B018  # sees that there are some
    if isinstance(model, str) and model not in MODELS:
        raise UnknownNameError("model", model, MODELS)
    if are_own is None:
        are_own = data is not None and _are_own(data)
    base = preset_for(
        dataset,
        preset,
        model if isinstance(model, str) else None,
        own_images=_own_images(data, settings) if data and are_own else None,
    )
    model = base.model if model is None else model
    of_recipe = field_types(Recipe)
    of_model = field_types(MODELS[model]) if isinstance(model, str) else {}
    for name in settings:
        if name not in of_recipe and name not in of_model:
            network = f"`{model}`" if isinstance(model, str) else "a network of one's own"
            raise unknown_setting(name, network, [*of_recipe, *of_model])
    for_recipe = {name: value for name, value in settings.items() if name in of_recipe}
    for_model = {name: value for name, value in settings.items() if name in of_model}
    if model == base.model:
        for_model = base.settings | for_model
    for_recipe = override_settings((recipe or base.recipe).to_dict(), for_recipe)
    return Plan(base.name, Recipe.from_dict(for_recipe), model, for_model)


def _are_own(data: Dataset) -> bool:
    """Whether images are a person's own: read from files, or in memory under no known name."""
    return data.origin is not None or data.name not in dataset_names()


def _own_images(data: Dataset, settings: dict[str, Any]) -> tuple[int, int]:
    """How many images there are for training, and how many of them will be held out."""
    images = len(data.train)
    validation = settings.get("validation", own(images).recipe.validation)
    learnt_from = data.with_validation(validation).train if validation else data.train
    return images, images - len(learnt_from)


def build_network(plan: Plan, data: Dataset, seed: int) -> ArrayNetwork | nn.Module:
    network: Any = plan.model
    if isinstance(network, str):
        shape = {"input_shape": data.image_shape, "classes": len(data.class_names)}
        config = model_config(network, {**shape, **plan.settings})
        network = ArrayNetwork.build(config, seed)
    elif isinstance(network, Network):
        network = ArrayNetwork.build(replace(network, input_shape=data.image_shape), seed)
    elif not isinstance(network, ArrayNetwork):
        import torch

        from lenet.models import as_lenet

        if type(network) is torch.nn.Sequential:
            network = as_lenet(network, data.image_shape) or network
        if any(parameter.dtype is not torch.float32 for parameter in network.parameters()):
            message = "The network's weights must be float32."
            raise ModelError(message)
    _, settings = identify(network, data.image_shape)
    data.check_fits(settings.input_shape, settings.classes)
    if data.none_index is not None and len(data.class_names) < 3:
        message = f"`{data.name}` has one class beside `{NONE_CLASS}`; it takes two to tell apart."
        raise DatasetError(message)
    return network  # type: ignore[no-any-return]


def measure_normalisation(recipe: Recipe, data: Dataset) -> Normalisation:
    """How pixels become the network's input, measured on the training images if need be."""
    if recipe.normalisation == "unit":
        return Normalisation()
    if recipe.normalisation == "lecun":
        return Normalisation(mean=-_LECUN_BACKGROUND / _LECUN_RANGE, std=1 / _LECUN_RANGE)
    pixels = data.train.images
    return Normalisation(mean=float(pixels.mean()) / 255, std=float(pixels.std()) / 255 or 1.0)


def build_trainer(
    plan: Plan,
    data: Dataset,
    *,
    seed: int,
    device: str = "cpu",
    engine: EngineName = "auto",
    normalisation: Normalisation | None = None,
    shared: SharedImages | None = None,
    peers: Peers = ALONE,
) -> Trainer:
    """What trains a plan's network by its recipe on some images; every training begins here.

    Args:
        plan: What is to be trained and how.
        data: The images. Where the recipe wants a validation split and they have none, it is held
            out by `seed`, and the trainer's `dataset` has it.
        seed: Decides weights, order, augmentation and validation split; 0 or more.
        device: Where to train.
        engine: What computes, as for `train`.
        normalisation: How pixels become the network's input; measured where it is not known.
        shared: The same images where they lie on the device already.
        peers: The processes that train together.

    Raises:
        ModelError: The network does not fit the images, or is of a class that is not registered.
        SettingError: A setting is ill-typed, out of range or at odds with the images.
    """
    recipe = plan.recipe
    if recipe.validation:
        divide = data.with_validation if shared is None else shared.hold_out
        data = divide(recipe.validation, seed)
    network = build_network(plan, data, seed)
    normalisation = normalisation or measure_normalisation(recipe, data)
    return Trainer(
        network,
        data,
        recipe,
        device=device,
        seed=seed,
        mean=normalisation.mean,
        std=normalisation.std,
        engine=engine,
        shared=shared,
        peers=peers,
    )


def rebuild_trainer(
    config: RunConfig,
    data: Dataset,
    *,
    engine: EngineName,
    device: str,
    network: nn.Module | ArrayNetwork | None = None,
    shared: SharedImages | None = None,
    peers: Peers = ALONE,
) -> Trainer:
    """What trains a run's network anew, as its config says; `restore` brings it to where it was."""
    network = network or ArrayNetwork.build(config.settings, config.seed)
    return build_trainer(
        Plan(config.preset, config.recipe, network, {}),
        data,
        seed=config.seed,
        device=device,
        engine=engine,
        normalisation=config.normalisation,
        shared=shared,
        peers=peers,
    )


def describe_run(plan: Plan, trainer: Trainer, threads: int) -> RunConfig:
    """All that decides what a plan's trainer computes."""
    batches, data = trainer.train_batches, trainer.dataset
    name, settings = identify(trainer.network, data.image_shape)
    return RunConfig(
        dataset=data.name,
        fingerprint=data.fingerprint(),
        model=name,
        settings=settings,
        recipe=plan.recipe,
        preset=plan.preset,
        normalisation=Normalisation(batches.mean, batches.std),
        seed=trainer.seed,
        device=trainer.device,
        threads=threads,
        engine=trainer.engine.name,
        source=data.origin.source if data.origin else None,
    )


def engine_of(run: Run) -> EngineName:
    """What a run goes on with, so that the bits stay.

    Raises:
        RunError: The compiled kernels, which are not here.
    """
    if run.config.engine in ("torch", "numpy"):
        return run.config.engine
    if reason := kernel_status().reason:
        message = f"`{run.folder}` was trained with compiled kernels. {reason}"
        raise RunError(message)
    return "auto"
