"""Compilers that die, lie, hang or say no text, and libraries that were damaged afterwards."""

import json
import os
import runpy
import shlex
import shutil
import subprocess
from pathlib import Path
from random import Random

from counting import Attack, Counts

from forked_process import ForkedProcess
from lenet.kernels import _library  # where the compiled libraries lie, and how each is called

_PATIENCE = 60.0  # seconds after which something is taken to hang
_BUILD = Path(_library.__file__).parent / "native" / "build.py"
# The parts of a compiler that may go wrong; `$out` is what it is to write.
_SCRIPT = """#!/bin/sh
{first}
while [ $# -gt 1 ] && [ "$1" != -o ]; do shift; done
out="$2"
case "$out" in *_*.so) ;; *) [ $# -gt 1 ] && : > "$out"; exit 0 ;; esac
{write}
{say}
{last}
"""
_SAY = ("", "printf 'error: \\344\\366\\n'", "printf 'a\\nb error\\n' >&2", "yes | head -c 100000")
_LAST = ("exit 0", "exit 0", "exit 0", "exit 1", "kill -9 $$", "kill -11 $$")
_WORDS = ('g++ "-O2', "g++ '", "\\", "/nowhere/c++", "/", "/etc/passwd", "\udcff", "-O2", "false")
# A picture is answered with what was compiled, as `sys.argv` says where.
_ANSWER = """
import os, sys
from pathlib import Path
from lenet.kernels import _library, kernel_status
_library.FOLDER = Path(sys.argv[1])
_library._load.cache_clear()
status = kernel_status()
from lenet.cli import main
sys.argv = ["lenet", "predict", "digits", sys.argv[2], "--json"]
print(status.instructions, flush=True)
main()
"""


def attack(random: Random, times: int, folder: Path, counts: Counts) -> None:
    """Build with a compiler of that kind, then answer a picture with what came of it."""
    build = runpy.run_path(str(_BUILD))
    limits = build["compile_libraries"].__globals__
    limits["FIRST_ANSWER"] = limits["PATIENCE"] = 5
    picture = draw_picture(folder)
    expected = answer(_library.FOLDER, picture)[1]
    before = os.environ.get("CXX")
    try:
        for number in range(times):
            # What a folder may be called.
            place = folder / random.choice(
                ("plain", "a b", "a'b", 'a"b', "ü 图", "$(x)", "-x", "a\\b")
            )
            place.mkdir()
            compiled = place / "compiled"
            if random.random() < 0.7:
                os.environ["CXX"] = compiler(random, place)
                what = f"{number}: {os.environ['CXX']!r}, {read_script(place)!r}"
                try:
                    log = build["compile_libraries"](compiled)
                except Exception as error:  # whatever stops an installation
                    counts.breaks("traceback", f"{what}: {error!r}")
                    log = ""
                made = list(compiled.glob("lenet_*"))
                if bool(made) == (build["WITHOUT"] in log):
                    counts.breaks("wrong answer", f"{what}: {log!r}, {made}")
            else:
                shutil.copytree(_library.FOLDER, compiled)
                what = f"{number}: {damage(random, compiled)}"
            counts.tried += 1
            code, said = answer(compiled, picture)
            if code is None:
                counts.breaks("hang", what)
            elif code or "Traceback" in said:
                counts.breaks("traceback", f"{what}: {code}, {said[-1000:]!r}")
            elif answered(said) != answered(expected):
                counts.breaks("wrong answer", f"{what}: {said!r}, not {expected!r}")
            shutil.rmtree(place)
    finally:
        os.environ.pop("CXX", None)
        if before is not None:
            os.environ["CXX"] = before


def draw_picture(folder: Path) -> Path:
    """Something that looks like a digit."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (28, 28))
    ImageDraw.Draw(image).line([(8, 6), (20, 6), (12, 23)], fill=255, width=3)
    image.save(folder / "picture.png")
    return folder / "picture.png"


def compiler(random: Random, place: Path) -> str:
    """The command of a compiler."""
    if random.random() < 0.2:
        return random.choice(_WORDS)
    library = _library._path(random.choice(("baseline", "baseline", "avx2")))
    library = library if library.exists() else _library._path("baseline")
    size = library.stat().st_size
    path = shlex.quote(str(library))
    write = random.choice(
        (
            f'head -c {random.randrange(size)} {path} > "$out"',
            f'head -c {random.randrange(size)} {path} > "$out"; truncate -s {size} "$out"',
            f'cat {path} > "$out"',
            'echo half > "$out"',
            'mkdir "$out"',
            'ln -s "$out" "$out"',
            ":",
        )
    )
    first = "exec sleep 100" if random.random() < 0.01 else ""
    script = place / "c++"
    script.write_text(
        _SCRIPT.format(first=first, write=write, say=random.choice(_SAY), last=random.choice(_LAST))
    )
    script.chmod(0o755)
    return shlex.quote(str(script))


def read_script(place: Path) -> str:
    script = place / "c++"
    return script.read_text() if script.exists() else ""


def damage(random: Random, folder: Path) -> str:
    """Spoil one of the files, or several; says how."""
    done = []
    for path in random.sample(sorted(folder.iterdir()), random.randint(1, 3)):
        content = bytearray(path.read_bytes())
        way = random.choice(("cut", "bit", "zeros", "gone", "folder", "circle"))
        if way == "cut":
            path.write_bytes(content[: random.randrange(len(content))])
        elif way == "bit":
            content[random.randrange(len(content))] ^= 1 << random.randrange(8)
            path.write_bytes(content)
        elif way == "zeros":
            start = random.randrange(len(content))
            path.write_bytes(bytes(content[:start]).ljust(len(content), b"\0"))
        else:
            path.unlink()
            if way == "folder":
                path.mkdir()
            elif way == "circle":
                path.symlink_to(path)
        done.append(f"{path.name} {way}")
    return ", ".join(done)


def answer(compiled: Path, picture: Path) -> tuple[int | None, str]:
    """What a process says with the libraries of a folder, and how it ends."""
    process = ForkedProcess(str(compiled), str(picture), code=_ANSWER)
    try:
        output, errors = process.communicate(_PATIENCE)
    except subprocess.TimeoutExpired:
        return None, ""
    return process.returncode, output + errors


def answered(said: str) -> object:
    """What the picture shows, with what instruction sets may differ in rounded away."""
    found = json.loads(said.splitlines()[1])
    return found["class_name"], round(found["probability"], 5), found["doubt"], found["box"]


ATTACKS = (
    Attack(
        "compilers and damaged kernels",
        "builds",
        "Whatever a compiler does or leaves, the installation goes on and says why it is without "
        "kernels; a library that is damaged is not used, and answers stay what they were.",
        attack,
        few=2,
        many=500,
        needs=_library._path("baseline"),
    ),
)
