"""What lenet keeps on disk, with an odd value at some place, in the hands of whoever reads it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import FrameType
from unittest import mock

from counting import Attack, Counts
from kept_files import Kept, kept_files
from odd_values import ALL, text_of, with_odd

from lenet.errors import LenetError

_SECONDS = 20.0  # until something hangs: a machine may be busy with much else

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


def run(random: Random, times: int, folder: Path, counts: Counts) -> None:
    with quietly(folder):
        kinds = list(kept_files(folder / "kept"))
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
    is_free = kept.free == ALL or any(step in kept.free for step in where)
    is_optional = "nothing" in types and _OPTIONAL & set(where)
    is_wrong = types[0] != types[1] and not is_free and not is_optional
    pieces = [text_of(one) for one in (*kept.pieces[:place], value, *kept.pieces[place + 1 :])]
    kept.path.write_bytes(kept.join(pieces))
    return said, is_wrong


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
