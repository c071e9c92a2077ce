"""What lenet keeps on disk, with an odd value at some place, in the hands of whoever reads it."""

import io
import json
import math
import os
import shutil
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any
from unittest import mock

import numpy as np
from counting import Attack, Counts

import lenet
from lenet.cli import main
from lenet.datasets import Dataset, Split, pack_dataset
from lenet.errors import Interrupted, LenetError
from lenet.experiments import resume_sweep
from lenet.models import Network
from lenet.runs import Run, find_runs
from lenet.training import Listener, Trainer

_SECONDS = 20.0  # until something hangs: a machine may be busy with much else
_RAW = "@raw:"  # before what stands in a file as it is, though it is no value of Python's
_TWICE = "@twice:"  # before a name that an object has a second time
_ODD: tuple[object, ...] = (
    *(None, True, False, "", "x", "\ud800", "10", "NaN", "\0", "ä" * 1200),
    *(0, -1, 1, 3, 2**31, 2**63, 10**400, -0.0, 0.5, -1.5, 1e26, 1e300),
    *(float("nan"), float("inf"), -float("inf")),
    *([], {}, [1], [[]], ["x"], [None], {"x": 1}, {"": None}, f"{_RAW}1e400", f"{_RAW}-1e-400"),
    *(f"{_RAW}{'[' * 50_000}{']' * 50_000}", f"{_RAW}{chr(123)}", f"{_RAW}{'9' * 5000}"),
)  # fmt: skip


# Of what is well-formed, and does not go with the data; or names what is not there.
_FITS = (
    *("but `few` has", "; `few` has", "labels of `packed`", "There is no device"),
    *("`x`", "`10`", "`NaN`", "\\x00", "``", "ud800"),
)
# What may be nothing.
_OPTIONAL = {
    *(
        "test_loss",
        "test_accuracy",
        "validation_loss",
        "validation_accuracy",
        "source",
        "storage",
        "preparation",
    ),
    *("started", "lenet", "python", "torch", "numpy", "platform", "processor", "device"),
    *("kernels", "git_commit"),
}


class Hang(BaseException):
    """It took too long; no error, so that nothing takes it for one."""


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


def run(random: Random, times: int, folder: Path, counts: Counts) -> None:
    with quietly(folder):
        kinds = list(_kept(folder / "kept"))
        whole = {kept.path: kept.path.read_bytes() for kept in kinds}
        for kept in kinds:  # as it is, it is read: else nothing below would mean anything
            kept.read(random)
            kept.path.write_bytes(whole[kept.path])
        for number in range(times):
            kept = kinds[number % len(kinds)]
            said, is_wrong = _change(kept, random)
            _judge(kept, said, is_wrong, random, counts)
            kept.path.write_bytes(whole[kept.path])


def _judge(kept: Kept, said: str, is_wrong: bool, random: Random, counts: Counts) -> None:
    """See how a file is read; what is wrong for sure must be refused."""
    what = f"{kept.path.name}: {said}"
    counts.tried += 1
    try:
        with at_most(_SECONDS):
            kept.read(random)
        if is_wrong:
            counts.breaks("wrong answer", f"{what}: it was taken")
    except LenetError as error:
        message = str(error)
        names = f"{kept.path.stem}`", kept.path.name, kept.path.parent.name, *_FITS
        is_named = any(name in message for name in names)
        if "\n" in message or not is_named or len(message) > 2000:
            counts.breaks("wrong answer", f"{what}: {message[:300]!r}")
    except Hang:
        counts.breaks("hang", what)
    except MemoryError:
        counts.breaks("memory", what)
    except AssertionError as error:
        counts.breaks("wrong answer", f"{what}: {error}")
    except Exception as error:
        counts.breaks("traceback", f"{what}: {type(error).__name__}: {str(error)[:300]}")


def _change(kept: Kept, random: Random) -> tuple[str, bool]:
    """Change a value of a file; gives what was changed, and whether to one of a wrong type."""
    place = random.choice([at for at, piece in enumerate(kept.pieces) if piece is not None])
    value, said, where, types = with_odd(kept.pieces[place], random)
    is_free = kept.free == _ALL or any(step in kept.free for step in where)
    is_optional = "nothing" in types and _OPTIONAL & set(where)
    is_wrong = types[0] != types[1] and not is_free and not is_optional
    pieces = [text_of(one) for one in (*kept.pieces[:place], value, *kept.pieces[place + 1 :])]
    kept.path.write_bytes(kept.join(pieces))
    return said, is_wrong


def _type_of(value: Any) -> str:
    """What JSON calls it."""
    if isinstance(value, str) and value.startswith(_RAW):
        text = value.removeprefix(_RAW)
        return "nothing" if text == "1e400" else "number" if text == "-1e-400" else "odd"
    if isinstance(value, float) and not math.isfinite(value):
        return "nothing"
    known = {bool: "truth", str: "text", list: "list", dict: "object", type(None): "nothing"}
    return known.get(type(value), "number")


def with_odd(value: Any, random: Random) -> tuple[Any, str, tuple[Any, ...], tuple[str, str]]:
    """What JSON can hold, with one change somewhere.

    Returns:
        It, the change in words, where it is, and which type has become which.
    """
    places = list(places_in(value))
    place = random.choice(places)
    within = value
    for step in place:
        within = within[step]
    kind = random.choice(["replace"] * 6 + ["remove", "add", "twice"])
    odd = random.choice(_ODD)
    shown, same = repr(odd)[:30], ("", "")
    if kind == "remove" and place:
        return _put(value, place, _REMOVED), f"without {place}", place, same
    if kind == "add" and isinstance(within, dict):
        return (
            _put(value, (*place, random.choice(["x", "kind", ""])), odd),
            f"{place} has more: {shown}",
            place,
            same,
        )
    if kind == "add" and isinstance(within, list):
        return _put(value, place, [*within, odd]), f"{place} is longer: {shown}", place, same
    if kind == "twice" and isinstance(within, dict) and within:
        name = random.choice(list(within))
        return (
            _put(value, (*place, _TWICE + name), odd),
            f"{place} has `{name}` twice: {shown}",
            place,
            same,
        )
    types = _type_of(within), _type_of(odd)
    return _put(value, place, odd), f"{place} is {shown}", place, types


_REMOVED, _ALL = object(), ("*",)


def places_in(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where values lie in what JSON can hold, itself among them; of long lists some."""
    yield above
    items: Any = value.items() if isinstance(value, dict) else ()
    items = list(enumerate(value))[:3] if isinstance(value, list) else items
    for key, inner in items:
        yield from places_in(inner, (*above, key))


def _put(value: Any, place: tuple[Any, ...], odd: object) -> Any:
    if not place:
        return odd
    first, rest = place[0], place[1:]
    inner = odd if not rest else _put(value[first], rest, odd)
    if isinstance(value, list):
        return [inner if at == first else one for at, one in enumerate(value)
                if at != first or inner is not _REMOVED]  # fmt: skip
    changed = {**value, first: inner}
    return {name: one for name, one in changed.items() if one is not _REMOVED}


def text_of(value: Any) -> str:
    """The JSON of a value, raw parts and doubled names as they are meant."""
    text = json.dumps(value)
    text = text.replace(f'"{_TWICE}', '"')
    while (start := text.find(f'"{_RAW}')) >= 0:
        end = text.index('"', start + 1)
        text = text[:start] + text[start + 1 + len(_RAW) : end] + text[end + 1 :]
    return text


def _toml(texts: list[str]) -> bytes:
    return "\n".join(texts).encode("utf-8", "surrogatepass")


def _json(texts: list[str]) -> bytes:
    return texts[0].encode("utf-8", "surrogatepass")


def _kept(folder: Path) -> Iterator[Kept]:
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
    yield Kept(config, (values,), _json, lambda random: lenet.predict(hub, picture), _ALL)


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

    yield _safetensors(cached, load, _ALL)  # a damaged one is as good as none


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


@contextmanager
def quietly(folder: Path) -> Iterator[None]:
    """Work in a folder alone."""
    before, handler = Path.cwd(), signal.getsignal(signal.SIGINT)
    (folder / "kept").mkdir()
    with mock.patch.dict(os.environ, LENET_CACHE=str(folder / "cache")):
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
            signal.signal(signal.SIGINT, handler)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


RECORDS = Attack(
    name="odd values in records",
    unit="files",
    promise="Whatever stands in a file that lenet keeps or is given settings by, it is read, or "
    "refused in one line that names the file.",
    run=run,
    few=60,
    many=5_000,
)
