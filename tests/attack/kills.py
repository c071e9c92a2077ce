"""Commands that are killed: at random instants, and at each of their calls that write.

What a command makes is there whole or not at all then, and the same command makes it afterwards,
with nothing left beside it.
"""

import hashlib
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from counting import Counts

from forked_process import ForkedProcess

PATIENCE = 120.0  # seconds after which a process is taken to hang
SIGNALS = {signal.SIGKILL: 6, signal.SIGINT: 1, signal.SIGTERM: 1, signal.SIGHUP: 1}
_NO_FILES = {"tmp", "cache"}  # what lies beside the outcome

Outcome = dict[str, bytes]


def all_files(folder: Path) -> Outcome:
    """What lies in a folder, hidden ones too, but for what a command keeps for itself."""
    found: Outcome = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.split("/")[0] not in _NO_FILES and path.name != ".lock":
            found[name] = b"" if path.is_dir() else hashlib.sha256(path.read_bytes()).digest()
    return found


@dataclass(frozen=True)
class Command:
    """A command that makes files.

    Attributes:
        arguments: Behind `lenet`.
        prepare: Puts something into the folder before the command begins.
        outcome: What in the folder has to be the same whenever it is made.
        is_whole: Whether what a kill leaves is all or nothing of it; else something to go on from.
        before: Code that runs in the process before the command line.
        environment: Variables.
    """

    arguments: Sequence[str]
    prepare: Callable[[Path], object] = lambda folder: None
    outcome: Callable[[Path], Outcome] = all_files
    is_whole: bool = True
    before: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Ended:
    code: int
    errors: str
    seconds: float
    calls: int = 0


class Battlefield:
    """A folder in which a command is done, again and again."""

    def __init__(self, folder: Path, command: Command):
        self.folder, self.command = folder / "work", command
        self._calls: list[int] = []  # that it is to be killed at, before any comes again
        self.renew()

    def renew(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in _NO_FILES:
            (self.folder / name).mkdir(parents=True)
        self.command.prepare(self.folder)

    def start(self, *death: float, count_in: str = "") -> ForkedProcess:
        """Begin it, to die as `dying.run` has it."""
        call = f"dying.run({str(self.folder)!r}, *{death}, count_in={count_in!r})"
        return ForkedProcess(
            *self.command.arguments,
            code=f"import dying\n{self.command.before}\n{call}",
            environment={
                "TMPDIR": str(self.folder / "tmp"),
                "LENET_CACHE": str(self.folder / "cache"),
                **self.command.environment,
            },
        )

    def finish(self, process: ForkedProcess, start: float) -> Ended:
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode is not None
        return Ended(process.returncode, errors, time.monotonic() - start)

    def run(self) -> Ended:
        """To its end, without a kill."""
        counted = self.folder.with_name("calls")
        start = time.monotonic()
        ended = self.finish(self.start(count_in=str(counted)), start)
        ended.calls = int(counted.read_text())
        return ended

    def kill(self, random: Random, life: Ended) -> tuple[str, Ended]:
        """Begin and kill it; gives how, in words."""
        (by,) = random.choices(list(SIGNALS), list(SIGNALS.values()))
        start = time.monotonic()
        if random.random() < 0.5:
            if not self._calls:
                self._calls = random.sample(range(1, life.calls + 1), life.calls)
            call, after = self._calls.pop(), 0.0
            if by == signal.SIGKILL and random.random() < 0.6:
                by, after = signal.SIGALRM, 10 ** random.uniform(-4.7, -3.3)
            how = f"{by.name} {after:.6f} s after its call {call} of {life.calls}"
            return how, self.finish(self.start(call, int(by), after), start)
        process = self.start()
        moment = random.uniform(0, life.seconds)
        try:
            process.wait(moment)
            life.seconds += 0.1 * (time.monotonic() - start - life.seconds)  # so that others hit
        except subprocess.TimeoutExpired:
            process.send_signal(by)
        ended = self.finish(process, start)
        if by == signal.SIGINT and ended.code == 1 and not ended.errors:
            ended.code = -by  # the fork server's answer, before the process is Python's own
        return f"{by.name} after {moment:.3f} of {life.seconds:.3f} s", ended

    def outcome(self) -> Outcome:
        return self.command.outcome(self.folder)

    def left(self) -> list[str]:
        """What lies in the temporary folder, but for a file of ONNX Runtime."""
        return sorted({path.name for path in (self.folder / "tmp").iterdir()} - {".ses"})


def kill_again_and_again(
    commands: Callable[[Path], Sequence[Command]],
) -> Callable[[Random, int, Path, Counts], None]:
    """An attack: each time one of some commands is killed, looked at, and done again."""

    def attack(random: Random, times: int, folder: Path, counts: Counts) -> None:
        given = folder / "given"
        given.mkdir()
        known: dict[int, tuple[Battlefield, Ended, Outcome, Outcome]] = {}
        choice = commands(given)
        for turn in range(times):
            place = random.randrange(len(choice))
            if place not in known:
                field = Battlefield(folder, choice[place])
                before = field.outcome()
                life = field.run()
                assert life.code == 0, life.errors
                known[place] = field, life, before, field.outcome()
            field, life, before, expected = known[place]
            field.renew()
            title = f"kill {turn} of `lenet {' '.join(choice[place].arguments)}`"
            counts.tried += 1
            try:
                _kill_once(random, title, field, life, before, expected, counts)
            except subprocess.TimeoutExpired:
                counts.breaks("hang", title)

    return attack


def _kill_once(
    random: Random,
    title: str,
    field: Battlefield,
    life: Ended,
    before: Outcome,
    expected: Outcome,
    counts: Counts,
) -> None:
    how, killed = field.kill(random, life)
    title = f"{title} by {how}"
    if "Traceback" in killed.errors:
        counts.breaks("traceback", f"{title}: {killed.errors}")
        return
    by = signal.Signals[how.split()[0]]
    if killed.code not in (0, -by, 130, 128 + by):
        counts.breaks("wrong answer", f"{title}: ended with {killed.code}: {killed.errors}")
        return
    now = field.outcome()
    seen, *states = (_shown(state) for state in (now, before, expected))
    if field.command.is_whole and seen not in states:
        odd = sorted({name for name, _ in set(seen.items()) ^ set(expected.items())})
        counts.breaks("lost or half", f"{title}: differs in {odd}")
        return
    again = field.run()
    is_refused = seen == states[1] and "is there already" in again.errors
    if "Traceback" in again.errors:
        counts.breaks("traceback", f"{title}, then again: {again.errors}")
    elif again.code != 0 and not is_refused:
        counts.breaks("wrong answer", f"{title}, then again: {again.code} {again.errors}")
    elif (after := field.outcome()) != expected:
        odd = sorted({name for name, _ in set(after.items()) ^ set(expected.items())})
        counts.breaks("lost or half", f"{title}, then again: differs in {odd}")
    elif left := field.left():
        counts.breaks("lost or half", f"{title}, then again: left {left}")


def _shown(outcome: Outcome) -> Outcome:
    return {
        name: content
        for name, content in outcome.items()
        if not any(part.startswith(".") for part in name.split("/"))
    }
