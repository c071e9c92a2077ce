"""Places where a command can do as little as it likes: full disks, closed folders, no memory."""

import ctypes
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

LIBC = ctypes.CDLL(None, use_errno=True)

# Without its capabilities, root may do as little as anybody else.
_AS_ANYBODY = """
import ctypes
libc = ctypes.CDLL(None)
for capability in range(64):
    libc.prctl(24, capability)
libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())
"""


@dataclass(frozen=True)
class Place:
    """How a place is made for one command.

    Attributes:
        code: What the process does before it becomes lenet.
        environment: Variables of the process.
        must_work: Whether nothing there is a reason to fail.
    """

    code: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    must_work: bool = False


@contextmanager
def full_disk(random: Random, here: Path) -> Iterator[Place]:
    """A file system of its own with a little room."""
    aside = here.with_name("aside")
    here.rename(aside)
    here.mkdir()
    mount("tmpfs", here, "size=8m")
    try:
        shutil.copytree(aside, here, dirs_exist_ok=True)
        room = os.statvfs(here)
        left = random.choice((0, random.randrange(4), random.randrange(200))) * room.f_frsize
        with (here / "filler").open("wb") as file:
            file.write(bytes(room.f_bavail * room.f_frsize - left))
        yield Place()
        (here / "filler").unlink()
        shutil.rmtree(aside)
        shutil.copytree(here, aside)  # to be looked at
    finally:
        LIBC.umount2(os.fsencode(here), 2)
        here.rmdir()
        aside.rename(here)


def mount(kind: str, place: Path, options: str) -> None:
    """Mount a file system; raises where that is not allowed."""
    if LIBC.mount(kind.encode(), os.fsencode(place), kind.encode(), 0, options.encode()):
        raise OSError(ctypes.get_errno(), "no file system may be mounted here")


@contextmanager
def short_files(random: Random, here: Path) -> Iterator[Place]:
    """No file may be longer, as where a quota ends."""
    most = random.choice((0, 100, 4096, random.randrange(300_000)))
    yield Place(f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))")


@contextmanager
def closed_folders(random: Random, here: Path) -> Iterator[Place]:
    """All of it may be read, and nothing written."""
    folders = [here, *(path for path in here.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        yield Place(_AS_ANYBODY)
    finally:
        for folder in folders:
            folder.chmod(0o755)


@contextmanager
def after_somebody_else(random: Random, here: Path) -> Iterator[Place]:
    """Home, cache, data and a run are another user's, who closed them."""
    closed = here.with_name("closed")
    names = ("lenet/prepared", ".cache/lenet/datasets", ".config/matplotlib")
    for name in names:
        (closed / name).mkdir(parents=True)
    run = here / "runs" / "closed"
    run.mkdir()
    for folder in (closed, run):
        folder.chmod(random.choice((0o000, 0o111, 0o444)))
    variables = {"HOME": str(closed)}
    variables |= random.choice(({}, {"LENET_CACHE": str(closed / "lenet")}))
    variables |= random.choice(({}, {"LENET_DATA": str(closed / "data")}))
    try:
        yield Place(_AS_ANYBODY, variables, must_work=True)
    finally:
        closed.chmod(0o755)
        shutil.rmtree(closed)
        run.rmdir()


@contextmanager
def no_home(random: Random, here: Path) -> Iterator[Place]:
    """Home is nowhere, a file, a circle of links or no path."""
    (here / "circle").symlink_to("circle")
    home = random.choice(
        ("/nowhere", str(here / "pictures/a/0.png"), str(here / "circle"), "", "~")
    )
    code = "import os\nfor name in ('LENET_CACHE', 'LENET_DATA'): os.environ.pop(name, None)"
    yield Place(code, {"HOME": home, "XDG_CACHE_HOME": home}, must_work=True)
    (here / "circle").unlink()


@contextmanager
def damaged_cache(random: Random, here: Path) -> Iterator[Place]:
    """What is in the cache was cut off, changed, or is a folder or a circle of links."""
    cache = here.with_name("cache")
    shutil.copytree(here.with_name("kept"), cache)
    for path in (cache / "prepared").iterdir():
        content = bytearray(path.read_bytes())
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
        way = random.randrange(4)
        if way >= 2:
            path.unlink()
        if way == 0:
            path.write_bytes(content)
        elif way == 1:
            path.write_bytes(content[: random.randrange(len(content))])
        elif way == 2:
            path.mkdir()
        else:
            path.symlink_to(path)
    try:
        yield Place("", {"LENET_CACHE": str(cache)}, must_work=True)
    finally:
        shutil.rmtree(cache)


@contextmanager
def odd_umask(random: Random, here: Path) -> Iterator[Place]:
    """What is made is open to all, or closed to who made it."""
    mask = random.choice((0o000, 0o077, 0o177, 0o277, 0o477, 0o777))
    yield Place(f"{_AS_ANYBODY}import os\nos.umask({mask})", must_work=mask in (0o000, 0o077))
    for folder in [here, *(path for path in here.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)  # to be looked at and removed


@contextmanager
def few_files(random: Random, here: Path) -> Iterator[Place]:
    """As after `ulimit -n 64`, or with fewer beside those that are open."""
    code = "import os, resource\nopen_now = len(os.listdir('/proc/self/fd'))\n"
    most = random.choice(("64", f"open_now + {random.randrange(1, 12)}"))
    yield Place(f"{code}resource.setrlimit(resource.RLIMIT_NOFILE, ({most}, {most}))")


@contextmanager
def little_memory(random: Random, here: Path) -> Iterator[Place]:
    """Some megabytes beside those that the process has."""
    more = random.randrange(8, 512)
    yield Place(
        "import resource\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        f"most = size + {more} * 2**20\n"
        "resource.setrlimit(resource.RLIMIT_AS, (most, most))"
    )


@contextmanager
def other_time(random: Random, here: Path) -> Iterator[Place]:
    """The clock was set, by up to years, also while the command runs; that of files was not."""
    yield Place(
        "import datetime, random, time\n"
        f"random = random.Random({random.random()})\n"
        "now, now_ns, local, form = time.time, time.time_ns, time.localtime, time.strftime\n"
        "def shift(): return random.choice((-1, 1)) * random.choice((1, 3600, 10**8, 10**9))\n"
        "time.time = lambda: now() + shift()\n"
        "time.time_ns = lambda: now_ns() + shift() * 10**9\n"
        "time.localtime = lambda at=None: local(time.time() if at is None else at)\n"
        "time.strftime = lambda f, t=None: form(f, time.localtime() if t is None else t)\n"
        "class Shifted(datetime.datetime):\n"
        "    @classmethod\n"
        "    def now(cls, zone=None): return cls.fromtimestamp(time.time(), zone)\n"
        "datetime.datetime = Shifted\n"
        "import lenet.runs._run\n"
        "lenet.runs._run.datetime = Shifted\n",
        must_work=True,
    )


@contextmanager
def closed_streams(random: Random, here: Path) -> Iterator[Place]:
    """Some of the streams are closed, as by `>&-`."""
    names = random.sample(("stdin", "stdout", "stderr"), random.randint(1, 3))
    lines = [
        f"os.close({('stdin', 'stdout', 'stderr').index(name)}); sys.{name} = None"
        for name in names
    ]
    yield Place("import os, sys\n" + "\n".join(lines), must_work=True)


@contextmanager
def narrow_words(random: Random, here: Path) -> Iterator[Place]:
    """Files and classes have names that what is printed has no characters for."""
    code = "import sys\nsys.stdout.reconfigure(encoding='ascii', errors='strict')\n"
    code += "sys.stderr.reconfigure(encoding='ascii', errors='strict')"
    yield Place(code, {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}, must_work=True)


@contextmanager
def no_temporary_folder(random: Random, here: Path) -> Iterator[Place]:
    """There is none, or none that can be written."""
    code = "import tempfile\ntempfile.tempdir = None\n"
    if random.random() < 0.5:
        code += "tempfile._candidate_tempdir_list = lambda: ['/nowhere']\n"
    yield Place(code, {"TMPDIR": "/nowhere"})


@contextmanager
def small_temporary_folder(random: Random, here: Path) -> Iterator[Place]:
    """It has little room."""
    place = here.with_name("temporary")
    place.mkdir()
    mount("tmpfs", place, f"size={random.choice((4, 8, 64, 512))}k")
    try:
        yield Place("import tempfile\ntempfile.tempdir = None\n", {"TMPDIR": str(place)})
    finally:
        LIBC.umount2(os.fsencode(place), 2)
        place.rmdir()


PLACES: tuple[Callable[[Random, Path], AbstractContextManager[Place]], ...] = (
    full_disk,
    short_files,
    closed_folders,
    after_somebody_else,
    no_home,
    damaged_cache,
    odd_umask,
    few_files,
    little_memory,
    other_time,
    closed_streams,
    narrow_words,
    no_temporary_folder,
    small_temporary_folder,
)

MOUNTED = (full_disk, small_temporary_folder)
