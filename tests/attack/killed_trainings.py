"""Trainings that are killed and gone on with, workers that are killed, and two commands at once."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from counting import Attack, Counts
from killed_commands import fetching, few_digits, run_on, trainings, trials
from kills import PATIENCE, SIGNALS, Battlefield, Command, Ended, Outcome

from lenet.runs import find_runs

_TRAINING = ("--epochs", "4", "--batch-size", "5", "--batch-norm", "--threads", "1")
_RESUME = ("train", "--resume", "latest")


def _kill_trainings(random: Random, times: int, folder: Path, counts: Counts) -> None:
    """Kill trainings and go on with them, until they are complete."""
    begin = Command(("train", "--data", str(few_digits(folder)), *_TRAINING), outcome=trainings)
    field = Battlefield(folder, begin)
    life = field.run()
    assert life.code == 0, life.errors
    expected = field.outcome()
    kills: list[str] = []
    while counts.tried < times or kills:
        if not kills:
            field.renew()
        runs = find_runs(field.folder / "runs")
        field.command = replace(begin, arguments=_RESUME) if runs else begin
        if counts.tried < times:
            counts.tried += 1
            how, ended = field.kill(random, life)
            kills.append(how)
        else:
            ended = field.run()
            assert ended.code == 0, ended.errors
        title = f"kill {counts.tried} of a training, after {'; '.join(kills)}"
        if "Traceback" in ended.errors:
            counts.breaks("traceback", f"{title}: {ended.errors}")
            kills.clear()
        elif ended.code not in (0, 130, -int(getattr(signal, kills[-1].split()[0]))):
            counts.breaks("wrong answer", f"{title}: ended with {ended.code}: {ended.errors}")
            kills.clear()
        elif any(run.status == "complete" for run in find_runs(field.folder / "runs")):
            if field.outcome() != expected:
                counts.breaks("wrong answer", f"{title}: {sorted(field.outcome())}")
            kills.clear()


def _children(parent: int) -> list[int]:
    try:
        listed = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in listed.split()]


def _kill_workers(random: Random, times: int, folder: Path, counts: Counts) -> None:
    """Kill a command that has workers, or one of these; then let the same command do its work."""
    data = ("--data", str(few_digits(folder)), "--model", "softmax", "--batch-size", "5")
    both = ("--epochs", "150", "--search", "learning_rate=log:0.01..1", "--trials", "4")
    commands = (
        Command(
            ("sweep", *data, *both, "--sampler", "random", "--no-prune", "--name", "s"),
            outcome=trials,
        ),
        Command(("compare", *data, "--seeds", "2", "--epochs", "150"), outcome=trainings),
    )
    options = {"sweep": ("--workers", "2"), "compare": ("--processes", "2")}
    known: dict[str, tuple[Command, Outcome, float]] = {}
    for _ in range(times):
        command = random.choice(commands)
        name = command.arguments[0]
        if name not in known:
            command = replace(command, arguments=(*command.arguments, *options[name]))
            field = Battlefield(folder, command)
            life = field.run()
            assert life.code == 0, life.errors
            known[name] = command, field.outcome(), life.seconds
        command, expected, seconds = known[name]
        field = Battlefield(folder, command)
        counts.tried += 1
        moment = random.uniform(0, seconds)
        by = random.choice((signal.SIGKILL, signal.SIGKILL, *SIGNALS))
        of_worker = random.random() < 0.3
        title = (
            f"{by.name} of {'a worker of ' if of_worker else ''}`lenet {name}` at {moment:.2f} s"
        )
        process, start = field.start(), time.monotonic()
        time.sleep(moment)
        workers = _children(process.pid)
        if of_worker and workers:
            os.kill(workers[0], signal.SIGKILL)
        else:
            process.send_signal(by)
        try:
            ended = field.finish(process, start)
            again = field.run()
        except subprocess.TimeoutExpired:
            counts.breaks("hang", title)
            continue
        if any(map(_is_alive, workers)):
            counts.breaks("hang", f"{title}: a worker lives on")
        elif "Traceback" in ended.errors + again.errors or "BrokenPipe" in ended.errors:
            counts.breaks("traceback", f"{title}: {ended.errors} {again.errors}")
        elif again.code or field.outcome() != expected:
            counts.breaks("wrong answer", f"{title}: {again.code} {again.errors}")


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@dataclass(frozen=True)
class Pair:
    """Two commands at once.

    Attributes:
        first: One of them; its outcome is what has to come of both.
        second: The arguments of the other.
        refusals: What may be said by one that comes too late.
        may_be_gone: Whether there may be nothing in the end.
    """

    first: Command
    second: Sequence[str]
    refusals: Sequence[str] = ()
    may_be_gone: bool = False


def _pairs(folder: Path) -> list[Pair]:
    data = few_digits(folder)
    run = str(run_on(data))
    pack = Command(("data", "pack", str(data), "made"))
    convert = Command(("data", "convert", str(data), "made", "--to", "folder"))
    page = Command(("export", run, "--to", "html", "-o", "made.html"))
    source = Command(("export", run, "--to", "c", "-o", "made"))
    search = ("--model", "softmax", "--batch-size", "20", "--search", "momentum=0..0.9")
    options = ("--data", str(data), *search, "--epochs", "3", "--trials", "3", "--name", "s")
    sweep = Command(("sweep", *options), outcome=trials)
    train = Command(("train", "--data", str(data), *_TRAINING), outcome=trainings)
    stopped = _stop(folder, train)

    def resume_from(work: Path) -> None:
        shutil.copytree(stopped, work / "runs")

    resume = replace(train, arguments=_RESUME, prepare=resume_from)
    (get,) = fetching(folder)
    there, busy = "is there already", "is being trained by another process"
    done = "was completed by another process just now"
    delete = ("runs", "*", "--delete", "--yes")
    gone = (busy, done, "Could not", "There is no run", "Unknown run", "no such file")
    return [
        Pair(pack, pack.arguments, (there,)),
        Pair(convert, convert.arguments, (there,)),
        Pair(page, page.arguments),
        Pair(source, source.arguments),
        Pair(get, get.arguments),
        Pair(sweep, sweep.arguments, ("is being worked on by another process",)),
        Pair(resume, resume.arguments, (busy, done)),
        Pair(resume, delete, gone, may_be_gone=True),
        Pair(train, delete, gone, may_be_gone=True),
    ]


def _stop(folder: Path, train: Command) -> Path:
    """The runs folder of a training that was stopped in the middle."""
    field = Battlefield(folder / "stopped", train)
    process = field.start()
    deadline = time.monotonic() + PATIENCE
    while not (runs := find_runs(field.folder / "runs")) or len(runs[0].history) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    field.finish(process, 0)
    return field.folder / "runs"


def _do_two_at_once(random: Random, times: int, folder: Path, counts: Counts) -> None:
    """Two commands that want the same place: the later one waits or is told why it can't be."""
    pairs = _pairs(folder)
    known: dict[int, tuple[Ended, Outcome]] = {}
    for turn in range(times):
        number = random.randrange(len(pairs))
        pair = pairs[number]
        field = Battlefield(folder, pair.first)
        if number not in known:
            life = field.run()
            assert life.code == 0, life.errors
            known[number] = life, field.outcome()
            field.renew()
        life, expected = known[number]
        counts.tried += 1
        pause = random.uniform(0, life.seconds) * random.random()
        shown = f"`lenet {' '.join(pair.first.arguments)}`, `lenet {' '.join(pair.second)}`"
        title = f"pair {turn}: {shown}, {pause:.3f} s later"
        start = time.monotonic()
        first = field.start()
        time.sleep(pause)
        field.command = replace(pair.first, arguments=pair.second)
        second = field.start()
        try:
            ended = [field.finish(process, start) for process in (first, second)]
        except subprocess.TimeoutExpired:
            counts.breaks("hang", title)
            continue
        found = field.outcome()
        failed = [one for one in ended if one.code]
        told = "\n".join(one.errors for one in failed)
        is_known = all(any(words in one.errors for words in pair.refusals) for one in failed)
        is_gone = pair.may_be_gone and not found
        if any("Traceback" in one.errors for one in ended):
            counts.breaks("traceback", f"{title}: {ended[0].errors} {ended[1].errors}")
        elif not is_known or (len(failed) == 2 and not is_gone):
            counts.breaks("wrong answer", f"{title}: {told}")
        elif found != expected and not is_gone:
            counts.breaks("lost or half", f"{title}: {sorted(set(found) ^ set(expected))} {told}")


KILLED_TRAININGS = (
    Attack(
        "kills of train",
        "kills",
        "Gone on with, a training ends with the bits of an unbroken one: weights and curve.",
        _kill_trainings,
        few=1,
        many=1000,
    ),
    Attack(
        "kills of workers and of who has them",
        "kills",
        "No worker lives on, and the same command ends as one that was not killed.",
        _kill_workers,
        few=0,  # workers import PyTorch anew; everyday, `tests/experiments` kills some
        many=40,
    ),
    Attack(
        "two commands at once",
        "pairs",
        "What both want to make is whole; who comes too late is told so in a line.",
        _do_two_at_once,
        few=0,
        many=200,
    ),
)
