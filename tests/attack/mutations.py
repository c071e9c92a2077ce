"""Every reader, given files that are damaged: a result, or one line that says what is wrong."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from random import Random

import numpy as np
import samples
from counting import Attack, Counts
from mutating import mutate, mutate_inside
from reading_in_forks import in_a_fork, read_in_forks
from samples import Sample, files_in

import lenet
from lenet.datasets import open_unlabelled
from lenet.datasets._prepared import find_prepared  # whose key is made of where a file lies
from lenet.errors import DataFileError
from lenet.pictures import Preparation, cut_sheet, prepare, read_picture
from lenet.runs._plan import rebuild_trainer  # what `resume` does before it trains
from lenet.runs._recorder import restore
from lenet.serving import open_model, predict_each
from lenet.training import read_recipe_file

_NO_CACHE = "/dev/null/cache"  # else what one file gave would be told of the next of that size
_OBJECT = Preparation("object", channels=3, height=32, width=32)
Reader = Callable[[Path], object]  # of a place; gives all that came of it


def _read_pictures() -> Reader:
    model = open_model("digits")

    def read(path: Path) -> object:
        pixels = read_picture(path)
        answers = [
            answer.top
            for many in (False, True)
            for answer in predict_each([path], model, many=many)
        ]
        return pixels, prepare(pixels, _OBJECT), answers, cut_sheet(pixels).cells

    return read


def _read_data() -> Reader:
    def read(path: Path) -> object:
        error: lenet.LenetError | None = None
        try:
            dataset = lenet.load_dataset(path, size=6, for_training=False)
            found = dataset.fingerprint(), dataset.class_names
        except lenet.LenetError as told:
            error = told
        # Much that is no dataset holds pictures that can be answered.
        pictures = [(part.pictures, part.labels) for part in open_unlabelled(path).read()]
        if error:
            raise error
        return found, pictures

    return read


def _read_packed() -> Reader:
    def read(path: Path) -> object:
        dataset = lenet.load_dataset(path, for_training=False)
        return dataset.fingerprint(), dataset.class_names, dataset.preparation

    return read


def _read_models() -> Reader:
    images = np.random.default_rng(0).integers(0, 256, (2, 1, 28, 28), np.uint8)

    def read(path: Path) -> object:
        lenet.load(path)
        model = open_model(path)
        return asdict(model.card), model.probabilities(images)

    return read


def _read_runs() -> Reader:
    images = np.random.default_rng(0).integers(0, 256, (8, 1, 28, 28), np.uint8)
    dataset = samples.some_dataset(28)

    def read(path: Path) -> object:
        lenet.find_runs(path.parent)
        run = lenet.open_run(path)
        facts: list[object] = [run.config.to_dict(), run.history, run.status, run.environment]
        if run.is_complete:
            facts.append(run.result)
            facts.append(open_model(run).probabilities(images))
            return facts
        trainer = rebuild_trainer(run.config, dataset, engine="auto", device="cpu")
        restore(trainer, run)
        state = trainer.state()
        return [*facts, state.values, {n: state.arrays[n] for n in sorted(state.arrays)}]

    return read


def _read_settings() -> Reader:
    def read(path: Path) -> object:
        if path.suffix == ".toml" and path.stem == "network":
            return lenet.Network.read(path).to_dict()
        return read_recipe_file(path, with_search=True)

    return read


def _read_cache() -> Reader:
    def read(path: Path) -> object:
        os.environ["LENET_CACHE"] = str(path)
        lenet.datasets.prepared_datasets()
        (kept,) = (path / "prepared").iterdir()
        dataset = find_prepared(kept.stem)
        if dataset is None:
            message = "As good as none."
            raise DataFileError(message)
        return dataset.fingerprint(), dataset.class_names, dataset.preparation, dataset.origin

    return read


@dataclass(frozen=True)
class _Damage:
    """The samples as they lie on the disk, and what is done to them.

    Every file has a number; the first ones are the samples as they are.
    """

    kept: list[Sample]
    folder: Path
    seed: int

    def sample(self, number: int) -> Sample:
        return self.kept[number % len(self.kept)]

    def describe(self, number: int) -> str:
        sample = self.sample(number)
        return f"`{sample.name}`, no. {number} of seed {self.seed}"

    def damaged(self, number: int) -> tuple[str, bytes]:
        """The name and the content of the file that is another one."""
        sample, random = self.sample(number), Random(f"{self.seed} {number}")
        name = random.choice(sample.damaged or sorted(sample.files))
        is_inside = not (sample.is_sealed or sample.is_refused) and random.random() < 0.5
        return name, (mutate_inside if is_inside else mutate)(sample.files[name], random)

    def open(self, open_reader: Callable[[], Reader]) -> Callable[[int], str]:
        """What reads a file by its number, in a process in which nothing was read before."""
        read = open_reader()
        for number, sample in enumerate(self.kept):
            _write(self.folder / str(number), sample.files)

        def read_one(number: int) -> str:
            sample = self.sample(number)
            place = self.folder / str(number % len(self.kept))
            if number < len(self.kept):
                return _digest(read(place / sample.place))
            name, content = self.damaged(number)
            (place / name).write_bytes(content)
            try:
                return _digest(read(place / sample.place))
            finally:
                (place / name).write_bytes(sample.files[name])

        return read_one


def _attack(
    make: Callable[[Path], list[Sample]],
    open_reader: Callable[[], Reader],
    random: Random,
    times: int,
    folder: Path,
    counts: Counts,
) -> None:
    """Damage the samples in turn and read them."""
    with _environment("LENET_CACHE", _NO_CACHE), _environment("LENET_OFFLINE", "1"):
        for module in ("pyarrow.parquet", "torch"):
            import_module(module)  # which each fork would do again
        (folder / "made").mkdir()
        in_a_fork(
            lambda: _keep(
                [*make(folder / "made"), *samples.failed(make.__name__)], folder / "samples"
            )
        )
        damage = _Damage(_kept(folder / "samples"), folder / "read", random.getrandbits(32))
        whole: dict[int, str] = {}
        total = len(damage.kept) + times
        for reading in read_in_forks(partial(damage.open, open_reader), range(total)):
            number, sample = reading.number, damage.sample(reading.number)
            place = number % len(damage.kept)
            if number == place:
                whole[place] = reading.what
                assert not reading.breaks, (sample.name, reading)
                assert reading.is_error == sample.is_refused, (sample.name, reading)
                continue
            counts.tried += 1
            if reading.breaks:
                counts.breaks(reading.breaks, f"{damage.describe(number)}: {reading.what}")
            elif sample.is_sealed and not reading.is_error and reading.what != whole[place]:
                counts.breaks("wrong answer", f"{damage.describe(number)}: other data, no error")


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _keep(made: list[Sample], folder: Path) -> None:
    """Write samples down, as what is no text does not go through a pipe."""
    for number, sample in enumerate(made):
        _write(folder / f"{number:03}" / "files", sample.files)
        facts = {name: value for name, value in vars(sample).items() if name != "files"}
        (folder / f"{number:03}" / "facts.json").write_text(json.dumps(facts))


def _kept(folder: Path) -> list[Sample]:
    return [
        Sample(**json.loads((place / "facts.json").read_text()), files=files_in(place / "files"))
        for place in sorted(folder.iterdir())
    ]


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    yield
    if before is None:
        del os.environ[name]
    else:
        os.environ[name] = before


def _digest(result: object) -> str:
    """What names a result to its last bit."""
    digest = hashlib.sha256()
    _update(digest.update, result)
    return digest.hexdigest()


def _update(update: Callable[[bytes], object], result: object) -> None:
    if isinstance(result, np.ndarray):
        update(repr((result.shape, result.dtype)).encode() + result.tobytes())
    elif isinstance(result, (list, tuple)):
        for one in result:
            _update(update, one)
    elif isinstance(result, dict):
        _update(update, list(result.items()))
    else:
        update(repr(result).encode())


def _row(
    name: str,
    promise: str,
    make: Callable[[Path], list[Sample]],
    read: Callable[[], Reader],
    few: int,
    many: int,
) -> Attack:
    return Attack(f"damaged {name}", "files", promise, partial(_attack, make, read), few, many)


_READ_OR_REFUSED = "A damaged file is read, or refused in one line that names it."
_NEVER_OTHER = "A damaged file is refused in one line that names it, or gives what it held before."

DAMAGED_FILES = (
    _row("pictures", _READ_OR_REFUSED, samples.pictures, _read_pictures, 150, 6000),
    _row("tables", _READ_OR_REFUSED, samples.tables, _read_data, 60, 4000),
    _row("arrays", _READ_OR_REFUSED, samples.arrays, _read_data, 60, 4000),
    _row("folders", _READ_OR_REFUSED, samples.folders, _read_data, 30, 1500),
    _row("packed sets", _NEVER_OTHER, samples.packed_sets, _read_packed, 30, 1500),
    _row("model files", _NEVER_OTHER, samples.models, _read_models, 40, 2000),
    _row("runs and checkpoints", _NEVER_OTHER, samples.runs, _read_runs, 30, 2000),
    _row("recipes and networks", _READ_OR_REFUSED, samples.settings, _read_settings, 20, 1000),
    _row("caches", _NEVER_OTHER, samples.cached, _read_cache, 20, 500),
)
