"""Commands in bad places: each works or ends in one line, and nothing is lost or half."""

import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import safetensors.numpy
from bad_places import LIBC, MOUNTED, PLACES, Place, mount
from counting import Attack, Counts
from PIL import Image

import lenet
from forked_process import ForkedProcess

_PATIENCE = 60.0  # seconds after which a command is taken to hang

_SIGNS = ("Traceback (most recent call last)", "panicked at", "Exception ignored")

_MAIN = "\nfrom lenet.cli import main\nmain()"

# What is there before each command.
_PREPARE = """
import lenet
from lenet.training import Listener
class Stop(Listener):
    def on_epoch(self, trainer, point):
        trainer.request_stop()
settings = dict(dataset="pictures", epochs=2, runs_folder="runs", threads=1)
lenet.train(listeners=[], **settings).folder.rename("runs/done")
try:
    lenet.train(listeners=[Stop()], **settings)
except lenet.errors.InterruptedTraining:
    (stopped,) = [run for run in lenet.find_runs("runs") if not run.is_complete]
    stopped.folder.rename("runs/stopped")
"""

# Each command with what it makes.
_COMMANDS: dict[str, str] = {
    "train --data pictures --epochs 2 --runs-folder made": "made/*/result.json",
    "train --resume runs/stopped": "runs/stopped/result.json",
    "data pack pictures made": "made/index.json",
    "data convert pictures made.npz --to npz": "made.npz",
    "data convert pictures made --to folder": "made/train/*",
    "data convert pictures made --to idx": "made/*",
    "data info pictures": "",
    "data list": "",
    "export runs/done --to html -o made.html": "made.html",
    "export runs/done --to hub -o made": "made/model.safetensors",
    "export runs/done --to c -o made": "made/*.c",
    "compare --data pictures --vary epochs=1,2 --seeds 1 --processes 1 --runs-folder made": (
        "made/comparison.png"
    ),
    "sweep --data pictures --search momentum=0.1,0.9 --epochs 1 --trials 2 --sweeps-folder made": (
        "made/*/sweep.json"
    ),
    "data show pictures -o made.png": "made.png",
    "evaluate runs/done": "",
    "report runs/done -o made.html": "made.html",
    "inspect runs/done -o made.html": "made.html",
    "predict runs/done pictures/a/0.png --csv made.csv": "made.csv",
    "predict runs/done pictures": "",
    "runs --runs-folder runs": "",
    "summary runs/done": "",
}


def attack(random: Random, times: int, folder: Path, counts: Counts) -> None:
    """Do each command in each place, in a random order, again and again."""
    template, here, kept = (folder / name for name in ("template", "here", "kept"))
    prepare(here, kept)
    here.rename(template)
    can_mount = may_mount(folder)
    places = [place for place in PLACES if can_mount or place not in MOUNTED]
    rounds: Iterator[tuple[Callable[..., AbstractContextManager[Place]], str]] = iter(())
    for _ in range(times):
        pair = next(rounds, None)
        if pair is None:
            pairs = list(itertools.product(places, _COMMANDS))
            random.shuffle(pairs)
            rounds = iter(pairs)
            pair = next(rounds)
        shutil.copytree(template, here)
        try:
            attempt(random, *pair, here, counts)
            for what in damage(here, template, resumed=pair[1].startswith("train --resume")):
                counts.breaks("lost or half", f"{pair[0].__name__}, `{pair[1]}`: {what}")
        finally:
            shutil.rmtree(here)


def prepare(here: Path, kept: Path) -> None:
    """Pictures, a run, a stopped one, and a cache that holds what was read."""
    pixels = np.random.default_rng(0)
    for name, level in (("a", 80), ("b", 200)):
        (here / "pictures" / name).mkdir(parents=True)
        for number in range(15):
            image = pixels.integers(0, level, (28, 28), np.uint8)
            Image.fromarray(image).save(here / "pictures" / name / f"{number}.png")
    (here / "pictures" / "b").rename(here / "pictures" / "ü图")
    process = in_folder(here, code=_PREPARE, environment={"LENET_CACHE": str(kept)})
    output, errors = process.communicate(_PATIENCE)
    assert process.returncode == 0, output + errors


def in_folder(folder: Path, *given: str, **more: Any) -> ForkedProcess:
    """Start a process in a folder."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        return ForkedProcess(*given, **more)
    finally:
        os.chdir(before)


def may_mount(folder: Path) -> bool:
    """Whether a file system may be mounted, as by root."""
    place = folder / "mounted"
    place.mkdir()
    try:
        mount("tmpfs", place, "size=64k")
    except OSError:
        return False
    LIBC.umount2(os.fsencode(place), 2)
    return True


def attempt(
    random: Random,
    make: Callable[[Random, Path], AbstractContextManager[Place]],
    command: str,
    here: Path,
    counts: Counts,
) -> None:
    """Run a command in a place, and judge how it ends and what it says."""
    with make(random, here) as place:
        what = f"{make.__name__}, `{command}`, {place}"
        variables = {"LENET_CACHE": str(here.with_name("own-cache")), **place.environment}
        code = place.code + _MAIN
        counts.tried += 1
        process = in_folder(here, *command.split(), code=code, environment=variables)
        try:
            output, errors = process.communicate(_PATIENCE)
        except subprocess.TimeoutExpired:
            counts.breaks("hang", what)
            return
    said = f"{what}: {process.returncode}, {output[-300:]!r}, {errors[-2000:]!r}"
    told = [line for line in errors.splitlines() if line.startswith("Error: ")]
    if any(sign in errors for sign in _SIGNS) or process.returncode < 0:
        counts.breaks("traceback", said)
    elif process.returncode and place.must_work:
        counts.breaks("wrong answer", said)
    elif process.returncode and len(told) != 1:
        counts.breaks("wrong answer", f"not one line of error: {said}")
    elif not process.returncode and _COMMANDS[command] and not list(here.glob(_COMMANDS[command])):
        counts.breaks("lost or half", f"nothing was made: {said}")


def damage(here: Path, template: Path, *, resumed: bool) -> Iterator[str]:
    """What is lost, half, or left behind."""
    for path in sorted(template.rglob("*")):
        now = here / path.relative_to(template)
        if path.is_file() and path.name != ".lock" and not (resumed and "stopped" in now.parts):
            if not now.is_file() or now.read_bytes() != path.read_bytes():
                yield f"`{now.relative_to(here)}` is not what it was"
    for path in sorted(here.rglob("*")):
        if path.name.endswith(".partial") or (path.name.startswith(".") and path.name != ".lock"):
            yield f"`{path.relative_to(here)}` was left"
        elif path.is_file():
            try:
                read(path)
            except Exception as error:  # whatever a reader raises
                yield f"`{path.relative_to(here)}`: {error!r}"
    if (here / "made" / "index.json").exists():
        lenet.load_dataset(here / "made")


def read(path: Path) -> None:
    """Read a file as whoever gets it would; raises where it is not whole."""
    if path.suffix == ".safetensors":
        safetensors.numpy.load_file(path)
    elif path.suffix == ".npz":
        with np.load(path) as arrays:
            assert all(arrays[name].size for name in arrays)
    elif path.suffix == ".json":
        json.loads(path.read_text(encoding="utf-8"))
    elif path.suffix == ".html":
        assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    elif path.suffix == ".png":
        with Image.open(path) as picture:
            picture.load()


ATTACKS = (
    Attack(
        "commands in bad places",
        "commands",
        "Where a disk is full, a folder closed, a home nowhere, a cache damaged, files or memory "
        "few, the clock set or a stream closed, a command works or ends in one line; what was "
        "there stays, and what is made is whole or absent.",
        attack,
        few=3,
        many=2500,
    ),
)
