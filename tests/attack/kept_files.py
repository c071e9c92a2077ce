"""What lenet keeps on disk or is given, each as it is written and with whoever reads it."""

import io
import json
import os
import shutil
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import numpy as np
from odd_values import ALL, text_of

import lenet
from lenet.cli import main
from lenet.datasets import Dataset, Split, pack_dataset
from lenet.errors import Interrupted, LenetError
from lenet.experiments import resume_sweep
from lenet.models import Network
from lenet.runs import Run, find_runs
from lenet.training import Listener, Trainer


class Begun(BaseException):
    """A training could begin, and need not be made; no error, so that nothing is made of it."""


class StopAtOnce(Listener):
    def on_start(self, trainer: Trainer) -> None:
        raise Begun


@dataclass(frozen=True)
class Kept:
    """A kind of file.

    Attributes:
        path: Where it lies.
        pieces: What is in it, apart: the JSON values, or bytes that stay as they are.
        join: The file's content, from the pieces.
        read: Does what reads it; may look at anything but may not write to it.
        free: The first steps to what may be of any type, as nothing is done by it.
    """

    path: Path
    pieces: tuple[Any, ...]
    join: Callable[[list[str]], bytes]
    read: Callable[[Random], object]
    free: tuple[str, ...] = ()


def _toml(texts: list[str]) -> bytes:
    return "\n".join(texts).encode("utf-8", "surrogatepass")


def _json(texts: list[str]) -> bytes:
    return texts[0].encode("utf-8", "surrogatepass")


def kept_files(folder: Path) -> Iterator[Kept]:
    """Each kind of file, as lenet has written it."""
    digits = lenet.load_dataset("digits")
    train, test = (
        Split(split.images[:count], split.labels[:count])
        for split, count in ((digits.train, 48), (digits.test, 16))
    )
    data = Dataset("few", digits.class_names, train, test, preparation=digits.preparation)
    options: dict[str, Any] = {"model": "softmax", "batch_size": 16, "engine": "numpy"}
    options["listeners"] = [StopAtOnce()]
    unheard = options | {"listeners": []}
    complete = lenet.train(dataset=data, epochs=2, runs_folder=folder / "runs", **unheard)
    stopped = folder / "stopped"
    with suppress(Interrupted):
        more = {"momentum": 0.5, "validation": 0.3, "listeners": [_StopLater()]}
        lenet.train(dataset=data, epochs=3, runs_folder=stopped, **options | more)
    (under_way,) = find_runs(stopped)
    picture = test.images[0, 0]
    yield from _of_models(folder, complete, data, picture)
    yield from _of_runs(folder, complete, data, options)
    yield from _of_states(under_way, data)
    yield from _of_settings(folder, data)
    yield from _of_data(folder, data)
    yield from _of_sweeps(folder, data)


class _StopLater(Listener):
    """Ends a training in its second epoch."""

    def on_epoch(self, trainer: Trainer, point: object) -> None:
        trainer.request_stop()


def _of_models(folder: Path, made: Run, data: Dataset, picture: Any) -> Iterator[Kept]:
    """Model files, with their own header and that of safetensors; and a folder for a hub."""
    file = folder / "one.safetensors"
    file.write_bytes(made.model_path.read_bytes())

    def use(random: Random) -> None:
        answer = lenet.predict(file, picture)
        json.dumps([(one.class_name, one.probability, one.top) for one in answer], allow_nan=False)
        lenet.evaluate(file, data)
        if random.random() < 0.2:
            lenet.LeNetClassifier.load(file).predict(data.test.images[:2])  # type: ignore[union-attr]
            with suppress(Begun):
                lenet.train(file, data, runs_folder=folder / "on", listeners=[StopAtOnce()])

    yield _safetensors(file, use, ("recipe", "results"))
    list_of_layers = folder / "list.safetensors"
    network = Network.from_dict(
        {
            "layers": [
                {"kind": "convolution", "filters": 2, "kernel_size": 5, "bias": False},
                {"kind": "batch_norm"},
                {"kind": "activation", "function": "relu"},
                {"kind": "pooling", "method": "max", "kernel_size": 2},
                {"kind": "flatten"},
                {"kind": "dense", "units": 10},
            ]
        }
    )
    lenet.models.save_model(
        list_of_layers,
        lenet.models.ArrayNetwork.build(network, 0),
        class_names=data.class_names,
        preparation=data.preparation,
        recipe={"epochs": 1},
        results={"epochs": 1, "test_accuracy": 0.5, "train_loss": 2.5},
    )
    yield _safetensors(
        list_of_layers,
        lambda random: lenet.predict(list_of_layers, picture),
        ("recipe", "results"),
    )

    hub = folder / "hub"
    hub.mkdir()
    shutil.copy(made.model_path, hub)
    config = hub / "config.json"
    config.write_text(json.dumps({"library_name": "lenet", "num_labels": 10, "id2label": {}}))
    values = json.loads(config.read_text())
    yield Kept(config, (values,), _json, lambda random: lenet.predict(hub, picture), ALL)


def _safetensors(path: Path, read: Callable[[Random], object], free: tuple[str, ...] = ()) -> Kept:
    """A file of safetensors: its header, what stands there as a text of ours, and its numbers."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"].pop("sha256", None)  # of an older lenet, or whoever can make a digest
    ((own, text),) = header["__metadata__"].items()

    def join(texts: list[str]) -> bytes:
        outer, inner = texts
        outer = outer.replace(json.dumps("own"), json.dumps(inner))
        written = outer.encode("utf-8", "surrogatepass")
        return struct.pack("<Q", len(written)) + written + content[8 + size :]

    pieces = {**header, "__metadata__": {own: "own"}}, json.loads(text)
    return Kept(path, pieces, join, read, free)


def _of_runs(folder: Path, made: Run, data: Dataset, options: dict[str, Any]) -> Iterator[Kept]:
    """The files of a complete run."""

    def use(random: Random) -> None:
        run, above = Run(made.folder), made.folder.parent
        rows = json.loads(_printed("runs", "--json", "--runs-folder", str(above)))
        _printed("runs", "--runs-folder", str(above))
        _ = run.started, run.environment, run.config, run.history, run.result
        assert all("error" not in row for row in rows), rows
        with suppress(Begun):
            lenet.train(dataset=data, reuse=True, runs_folder=above, epochs=2, **options)
        for other in above.iterdir():
            if other != run.folder:
                shutil.rmtree(other)
        if random.random() < 0.1:
            lenet.report(run, data, output=folder / "report.html")

    for path in (made.config_path, made.environment_path, made.result_path):
        yield Kept(path, (json.loads(path.read_text()),), _json, use)
    lines = tuple(map(json.loads, made.history_path.read_text().splitlines()))
    yield Kept(made.history_path, lines, lambda texts: _toml([*texts, ""]), use)


def _of_states(made: Run, data: Dataset) -> Iterator[Kept]:
    """A checkpoint, and what is kept for trackers."""

    def use(random: Random) -> None:
        before = {path: path.read_bytes() for path in made.folder.iterdir() if path.is_file()}
        try:
            with suppress(Begun):
                lenet.resume(made.folder, dataset=data, listeners=[StopAtOnce()])
        finally:
            for path in made.folder.iterdir():
                if path.name != ".lock":
                    path.write_bytes(before[path]) if path in before else path.unlink()

    yield _safetensors(made.checkpoint_path, use)
    tracking = made.folder / "tracking.json"
    tracking.write_text(json.dumps({"nobody": {}}))
    yield Kept(tracking, (json.loads(tracking.read_text()),), _json, use)
    yield Kept(made.config_path, (json.loads(made.config_path.read_text()),), _json, use)


def _of_settings(folder: Path, data: Dataset) -> Iterator[Kept]:
    """What people write: recipes and networks, in TOML."""
    recipe, network = folder / "recipe.toml", folder / "network.toml"

    def train(**given: Any) -> None:
        with suppress(Begun):
            lenet.train(
                dataset=data,
                engine="numpy",
                runs_folder=folder / "tried",
                listeners=[StopAtOnce()],
                **given,
            )

    settings = lenet.training.Recipe(batch_size=16).to_dict()
    values = {
        "model": "lenet",
        "channels": [2, 3],
        "dense_widths": [5],
        "kernel_size": 5,
        **settings,
    }
    yield _toml_file(recipe, values, lambda random: train(recipe=recipe))
    layers = [{"kind": "flatten"}, {"kind": "dense", "units": 10}]
    parts = {"input_shape": [1, 28, 28], "initialisation": "xavier", "layers": layers}
    yield _toml_file(network, parts, lambda random: train(model=network, batch_size=16))


def _toml_file(path: Path, values: dict[str, Any], read: Callable[[Random], object]) -> Kept:
    def join(texts: list[str]) -> bytes:
        (text,) = texts
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return text.encode("utf-8", "surrogatepass")  # no TOML any more
        lines = found.items() if isinstance(found, dict) else [("x", found)]
        content = "\n".join(f"{json.dumps(name)} = {_in_toml(value)}" for name, value in lines)
        return content.encode("utf-8", "surrogatepass")

    kept = Kept(path, (values,), join, read)
    path.write_bytes(join([text_of(values)]))
    return kept


def _in_toml(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{json.dumps(name)} = {_in_toml(one)}" for name, one in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_in_toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return str(value) if type(value) is int else json.dumps(value)


def _of_data(folder: Path, data: Dataset) -> Iterator[Kept]:
    """A packed set, and data of one's own that are kept prepared."""
    pack_dataset(data, folder / "packed")
    index = folder / "packed" / "index.json"
    known = lenet.load_dataset(index.parent)

    def use(random: Random) -> None:
        found = lenet.load_dataset(index.parent)
        assert all(type(name) is str for name in found.class_names)
        assert np.array_equal(found.train.images, known.train.images)

    said = json.loads(index.read_text())
    said.pop("sha256")  # as of an older lenet, or whoever changes it on purpose
    yield Kept(index, (said,), _json, use)
    own = folder / "own.npz"
    np.savez(own, x_train=data.train.images[:, 0], y_train=data.train.labels)
    as_read = lenet.load_dataset(own, size=20)
    (cached,) = (Path(os.environ["LENET_CACHE"]) / "prepared").iterdir()

    def load(random: Random) -> None:
        _printed("data", "list")
        _printed("data", "list", "--json")
        found = lenet.load_dataset(own, size=20)
        assert found.fingerprint() == as_read.fingerprint()
        assert found.class_names == as_read.class_names
        assert (found.name, found.preparation) == (as_read.name, as_read.preparation)
        assert found.origin == as_read.origin

    yield _safetensors(cached, load, ALL)  # a damaged one is as good as none


def _of_sweeps(folder: Path, data: Dataset) -> Iterator[Kept]:
    """What a sweep searches. Its data are others, so that none is gone on with."""
    path = folder / "sweep" / "sweep.json"
    path.parent.mkdir()
    values = {
        "format": 1,
        "version": "0.1",
        "trials": 2,
        "storage": None,
        "dataset": "digits",
        "fingerprint": "0" * 64,
        "source": None,
        "model": "softmax",
        "preset": "book",
        "recipe": lenet.training.Recipe(epochs=1).to_dict(),
        "settings": {"initialisation": "xavier"},
        "validation": 0.1,
        "search": {"learning_rate": "log:0.01..1", "momentum": "0,0.9"},
        "seed": 0,
        "sampler": "tpe",
        "prune": True,
        "warm_up": 2,
    }
    path.write_text(json.dumps(values))

    def use(random: Random) -> None:
        try:
            resume_sweep(path.parent)
        except LenetError as error:
            if "is not the data that" not in str(error):
                raise

    yield Kept(path, (values,), _json, use)


def _printed(*arguments: str) -> str:
    """What a command prints; that it refused is an error of ours."""
    out, err = io.StringIO(), io.StringIO()
    with mock.patch.object(sys, "argv", ["lenet", *arguments]):
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main()
            except SystemExit as leaving:
                if leaving.code:
                    raise LenetError(" ".join(err.getvalue().split())) from None
    return out.getvalue()
