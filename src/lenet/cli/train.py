"""The `lenet train` command."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lenet.cli._command import (
    TRAINING,
    Data,
    Given,
    Panel,
    Printed,
    Quiet,
    command,
    data_option,
)
from lenet.cli._console import print_json, print_line, warn_on_stderr
from lenet.core import option
from lenet.errors import SettingError
from lenet.models import MODELS, LeNetConfig
from lenet.runs import TrainOptions
from lenet.training import Recipe

if TYPE_CHECKING:
    from lenet.runs import Run


@dataclass(frozen=True)
class _What(Data):
    """What is trained.

    Attributes:
        model: The network.
        network: A network of your own: a TOML file with its layers. Or a trained one to begin with:
            a run's folder or name, `latest`, a model file, `digits` or `fashion`; its recipe holds
            where nothing else is said.
        recipe: A recipe file: `model`, `preset` and settings in TOML, as `lenet sweep` leaves one.
            Options beside it win.
        resume: Go on with a run that was stopped: its folder, its name or `latest`. `--data` beside
            it says where your own images lie now, if they were moved.
    """

    data: str | None = data_option("fashion-mnist, or the bundled digits where that can't be had")
    model: str | None = option(None, names=MODELS, usual="lenet")
    network: str | None = option(None, metavar="FILE|RUN|MODEL")
    recipe: Path | None = option(None, metavar="FILE")
    resume: str | None = option(None, metavar="RUN")


@command(_What, Panel(TrainOptions, skip=("reuse",)), Quiet, Printed, *TRAINING)
def train(given: Given) -> None:
    """Train a network; without options, the tutorial's LeNet on Fashion-MNIST.

    Everything about the training is kept in a new folder under `runs/`: the settings, the curves,
    the model in one file, and a checkpoint from which `--resume` goes on to the same bits.

    Data is read from the folder that `LENET_DATA` names, else from the platform's cache folder, and
    downloaded once where it is missing; `LENET_OFFLINE=1` forbids that.

    `torchrun --nproc-per-node 2 -m lenet train` trains on two processes, with the same result.
    """
    from lenet import runs
    from lenet.training import join_group

    what, options = given.of(_What), given.typed_of(TrainOptions)
    as_json = given.of(Printed).json
    if as_json or given.of(Quiet).quiet:
        warn_on_stderr("lenet")  # which the display does otherwise
        options["listeners"] = []
    if what.resume is not None:
        given.refuse_others(
            ("resume", "data", "runs_folder", "track", "quiet", "json"),
            "`--resume` goes on with the run's own settings",
        )
        _print_run(runs.resume(what.resume, dataset=what.data, **options), given)
        return
    with join_group().together():  # what is missing on one machine ends the training on all
        source = given.dataset()
    if what.network is not None and what.model is not None:
        message = "`--network` and `--model` both say which network; leave out one."
        raise SettingError(message)
    changed = given.typed_of(Recipe, LeNetConfig)
    model: Any = what.model
    if what.network is not None:
        folder = given.of(TrainOptions).runs_folder
        is_toml = what.network.endswith(".toml")
        model = Path(what.network) if is_toml else runs.locate_model(what.network, folder)
    _print_run(runs.train(model, source, what.recipe, **options, **changed), given)


def _print_run(run: "Run", given: Given) -> None:
    """Write what came out, where the display has not told it."""
    from lenet.training import join_group

    if not join_group().is_first:
        return
    if given.of(Printed).json:
        print_json({"run": run.name, "folder": str(run.folder), **run.result.to_dict()})
    elif given.of(Quiet).quiet:
        print_line(str(run.folder))
