"""The commands that are killed: what they are given, and what has to come of them."""

import functools
import hashlib
import http.server
import json
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from counting import Attack
from kills import Command, Outcome, all_files, kill_again_and_again
from test_cut_sheets import write_sheet

import lenet
from blank_picture import save_blank
from lenet.core import Drawing
from lenet.datasets import Dataset, Split, convert_dataset
from lenet.runs import Run, find_runs
from small_dataset import FILE_NAMES, SmallDataset


def few_digits(folder: Path) -> Path:
    """An NPZ file of a few images of one's own."""
    digits = lenet.load_dataset("digits")
    train = Split(digits.train.images[:100], digits.train.labels[:100])
    test = Split(digits.test.images[:12], digits.test.labels[:12])
    return convert_dataset(
        Dataset("few", digits.class_names, train, test), folder / "few.npz", "npz"
    )


def run_on(data: Path) -> Path:
    """A run that is complete."""
    real, Drawing.savefig = Drawing.savefig, _paint_nothing  # type: ignore[method-assign]
    try:
        options: dict[str, Any] = {"epochs": 1, "batch_size": 10, "threads": 1, "listeners": []}
        run = lenet.train("lenet", data, runs_folder=data.parent / "runs", **options)
    finally:
        Drawing.savefig = real  # type: ignore[method-assign]
    return run.folder


def _paint_nothing(figure: Drawing, file: Any, **options: Any) -> None:
    save_blank(file, **options)


def _packing(folder: Path) -> Sequence[Command]:
    data = few_digits(folder)
    pictures = convert_dataset(lenet.load_dataset(data), folder / "few", "folder")
    return [Command(("data", "pack", str(place), "packed")) for place in (data, pictures)]


def _converting(folder: Path) -> Sequence[Command]:
    data = str(few_digits(folder))
    targets = {"folder": "made", "idx": "made", "npz": "made.npz", "parquet": "made"}
    return [Command(("data", "convert", data, to, "--to", form)) for form, to in targets.items()]


def _cutting(folder: Path) -> Sequence[Command]:
    sheet = write_sheet(folder / "sheet.png")
    return [Command(("data", "cut", str(sheet), "-o", "made"))]


def _exporting(folder: Path) -> Sequence[Command]:
    run = str(run_on(few_digits(folder)))
    targets = {"c": "made", "c-int8": "made", "html": "made.html", "hub": "made"}
    targets |= {"onnx": "made.onnx", "onnx-int8": "made.onnx"}
    often = ("c", "c-int8", "html") * 3 + ("hub", "onnx", "onnx-int8")
    return [Command(("export", run, "--to", to, "-o", targets[to])) for to in often]


def _scoring(folder: Path) -> Sequence[Command]:
    data = few_digits(folder)
    run = str(run_on(data))
    pictures = str(convert_dataset(lenet.load_dataset(data), folder / "few", "folder"))
    return [
        Command(("report", run, "-o", "report.html")),
        Command(("evaluate", run, "--csv", "answers.csv")),
        Command(("predict", run, pictures, "--csv", "answers.csv")),
        Command(("predict", run, pictures, "--picture", "seen.png")),
        Command(("inspect", run, "-o", "page.html", "--parts", "filters,activations")),
        Command(("data", "show", str(data), "-o", "sheet.png")),
    ]


def _old(*names: str) -> Any:
    """Puts files into a folder that are to be replaced."""

    def prepare(folder: Path) -> None:
        for name in names:
            (folder / name).write_bytes(b"what was there before")

    return prepare


def _overwriting(folder: Path) -> Sequence[Command]:
    run = str(run_on(few_digits(folder)))
    return [
        Command(("export", run, "--to", "html", "-o", "m.html"), _old("m.html")),
        Command(("evaluate", run, "--csv", "answers.csv"), _old("answers.csv")),
        Command(("report", run, "-o", "report.html"), _old("report.html")),
    ]


def _deleting(folder: Path) -> Sequence[Command]:
    run = run_on(few_digits(folder))

    def prepare(work: Path) -> None:
        for name in ("one", "other"):
            shutil.copytree(run, work / "runs" / name)

    return [Command(("runs", "one*", "--delete", "--yes"), prepare)]


def _sweeping(folder: Path) -> Sequence[Command]:
    options = ["--data", str(few_digits(folder)), "--model", "softmax", "--batch-size", "20"]
    options += ["--search", "learning_rate=log:0.01..1", "--search", "momentum=0,0.9"]
    options += ["--epochs", "3", "--trials", "6", "--warm-up", "0", "--name", "s"]
    return [
        Command(("sweep", *options, "--sampler", sampler), outcome=trials, is_whole=False)
        for sampler in ("tpe", "random")
    ]


def trials(folder: Path) -> Outcome:
    """What is the same in every sweep of this search, and names that have no place there."""
    found = all_files(folder)
    table = folder / "sweeps" / "s" / "trials.csv"
    rows = [line.split(",") for line in table.read_text().splitlines()] if table.exists() else []
    seconds = rows[0].index("seconds") if rows else 0
    kept = [row[:seconds] + row[seconds + 1 :] for row in rows]
    database = "sweeps/s/trials.db"  # which holds times
    found |= {name: b"" for name in found if name == database}
    return found | {"sweeps/s/trials.csv": json.dumps(kept).encode()}


def _comparing(folder: Path) -> Sequence[Command]:
    options = ["--data", str(few_digits(folder)), "--model", "softmax", "--batch-size", "20"]
    options += ["--seeds", "2", "--epochs", "3"]
    return [Command(("compare", *options, "--together"), outcome=curves, is_whole=False)]


def trainings(folder: Path) -> Outcome:
    """The networks and curves of all trainings in a folder; and what has no place there."""
    return _complete(folder, _to_the_last_bit)


def curves(folder: Path) -> Outcome:
    """The same of trainings that go on alone where their company is further: up to rounding."""
    return _complete(folder, _up_to_rounding)


def _to_the_last_bit(run: Run) -> bytes:
    points = [{**point.to_dict(), "seconds": 0} for point in run.history]
    return hashlib.sha256(run.model_path.read_bytes() + json.dumps(points).encode()).digest()


def _up_to_rounding(run: Run) -> bytes:
    return json.dumps([round(point.train_loss, 3) for point in run.history]).encode()


def _complete(folder: Path, describe: Callable[[Run], bytes]) -> Outcome:
    found: Outcome = {}
    for run in find_runs(folder / "runs") + find_runs(folder / "runs" / "compare"):
        if run.is_complete:
            found[f"seed {run.config.seed}"] = describe(run)
    hidden = [path for path in folder.rglob(".*") if path.name != ".lock"]
    return found | {path.relative_to(folder).as_posix(): b"" for path in hidden}


def fetching(folder: Path) -> Sequence[Command]:
    random = np.random.default_rng(5)
    images = random.integers(0, 256, (1000, 28, 28), dtype=np.uint8)
    labels = (np.arange(1000) % 10).astype(np.uint8)
    files = SmallDataset(images, labels, images[:100], labels[:100]).compressed_files()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Silent, directory=str(folder))
    )
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    digests = [hashlib.sha256(files[name]).hexdigest() for name in FILE_NAMES]
    sums = [hashlib.md5(files[name], usedforsecurity=False).hexdigest() for name in FILE_NAMES]
    code = (
        "from dataclasses import replace\n"
        "from lenet.datasets import CATALOG\n"
        "entry = CATALOG['fashion-mnist']\n"
        f"both = zip(entry.files, {digests}, {sums}, strict=True)\n"
        "files = tuple(replace(file, sha256=sha256, md5=md5) for file, sha256, md5 in both)\n"
        f"mirrors = ('http://127.0.0.1:{server.server_address[1]}/',)\n"
        "CATALOG[entry.name] = replace(entry, files=files, mirrors=mirrors)\n"
    )
    place = {"LENET_OFFLINE": "", "NO_PROXY": "127.0.0.1", "LENET_DATA": "data"}

    def prepare(work: Path) -> None:
        (work / "data").mkdir()

    arguments = ("data", "get", "fashion-mnist")
    return [
        Command(
            arguments, prepare, outcome=_fetched, is_whole=False, before=code, environment=place
        )
    ]


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _fetched(folder: Path) -> Outcome:
    return all_files(folder / "data")


def _attack(name: str, promise: str, commands: Any, many: int, few: int = 1) -> Attack:
    return Attack(name, "kills", promise, kill_again_and_again(commands), few, many)


_WHOLE = "What it makes is there whole or not at all, and the same command makes it afterwards."

# What is long to do is not done in the everyday tests.
KILLED_COMMANDS = (
    _attack("kills of pack", _WHOLE, _packing, 200),
    _attack("kills of convert", _WHOLE, _converting, 200, few=0),
    _attack("kills of cut", _WHOLE, _cutting, 100, few=0),
    _attack("kills of export", _WHOLE, _exporting, 150, few=0),
    _attack("kills of report, evaluate, predict, inspect and show", _WHOLE, _scoring, 300),
    _attack(
        "kills of what replaces a file",
        "The file is the old one or the new one, and the same command brings the new one.",
        _overwriting,
        150,
    ),
    _attack(
        "kills of data get",
        "The same command ends with the published files, and nothing beside them.",
        fetching,
        100,
        few=0,
    ),
    _attack("kills of runs --delete", "A run is there whole or not at all.", _deleting, 100, few=0),
    _attack(
        "kills of sweep",
        "The same command ends with the trials, values and scores of an unbroken sweep.",
        _sweeping,
        100,
        few=0,  # `tests/experiments` kills some
    ),
    _attack(
        "kills of compare",
        "The same command ends with the networks and curves of an unbroken comparison.",
        _comparing,
        150,
        few=0,  # `tests/experiments` kills some
    ),
)
