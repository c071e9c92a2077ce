"""Try the wheels in `dist/` as far as one Linux machine can, after `make wheels`.

    .venv/bin/python tools/try_wheels.py          # with the Python of a development environment
    .venv/bin/python tools/try_wheels.py --musl-aarch64 /opt/musl-arm64 --write

Each library of a wheel is given to a program that is compiled for its platform
(`tests/kernels/native/library.cpp`) and makes a forward pass and training steps of the tutorial's
LeNet; NumPy's numbers are the oracle. Other systems and processors are emulated, by `wine` and
`qemu-aarch64-static`; what can't be run, macOS among it, is only linked. `auditwheel` says which
Linux the libraries need. Then `lenet-core` is installed into fresh environments, without a compiler
on the path, and trains there: from the wheel for this machine, and from the one for any platform.

`--write` puts the table into the page `docs/reference/support.md`. Ends with status 1 where
something is not as it should be. Debian has what is needed: `qemu-user-static`,
`libc6-arm64-cross`, `musl` and `wine64`; and the `musl` of arm64, to be unpacked into the folder
that `--musl-aarch64` names.
"""

import argparse
import hashlib
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from packaging.tags import platform_tags

from lenet.datasets import Dataset, Split
from lenet.kernels import kernel_status
from lenet.models import ArrayNetwork, LeNetConfig
from lenet.models.layers import forward_all
from lenet.training import Listener, Recipe, Trainer

ROOT = Path(__file__).parents[1]
DIST, PAGE = ROOT / "dist", ROOT / "docs" / "reference" / "support.md"
BEGIN, END = "<!-- rows of tools/try_wheels.py -->\n", "<!-- end of those rows -->\n"
HEADINGS = ("Wheel for", "`lenet`", "`lenet-core`", "Libraries, stripped", "Run")
TOOLS = ROOT / ".venv-wheels" / "bin"
NATIVE = ROOT / "src" / "lenet" / "kernels" / "native"
BUILD = runpy.run_path(str(NATIVE / "build.py"))
KINDS = ("baseline", "avx2", "avx512")
IMAGES, STEPS = 100, 5
LARGEST_DIFFERENCE = 1e-5  # of the largest number, logits, losses and each array by itself
TIMEOUT = 600  # seconds a process
QUIET = {"WINEDEBUG": "-all", "LENET_OFFLINE": "1"}
HERE = set(map(str, platform_tags()))


class Failed(Exception):
    """What is wrong, in a line."""


class Oracle(NamedTuple):
    """What the program gets, and what NumPy makes of it."""

    numbers: bytes
    results: list[NDArray[np.float32]]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--musl-aarch64", default="", metavar="FOLDER", help="a root with `lib/`")
    parser.add_argument("--write", action="store_true", help="put the table into the page")
    options = parser.parse_args()
    oracle = ask_numpy()
    failures, rows = 0, []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for platform in [*BUILD["PLATFORMS"], "any"]:
            wheels = sorted(DIST.glob(f"*-py3-none-{platform}.whl"))
            try:
                said = try_platform(platform, wheels, folder / platform, oracle, options)
            except Failed as error:
                said, failures = f"✗ {error}", failures + 1
            rows.append(row_of(platform, wheels, folder / platform, said))
            print(f"{platform}: {said}", flush=True)
    if options.write:
        table = [HEADINGS, ["---"] * len(HEADINGS), *rows]
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        lines = "".join(f"| {' | '.join(row)} |\n" for row in table)
        PAGE.write_text(f"{before}{BEGIN}{lines}{END}{rest.partition(END)[2]}", encoding="utf-8")
    return int(failures > 0)


def ask_numpy() -> Oracle:
    """Weights, images and labels, and what training with them comes to by NumPy."""
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (IMAGES, 1, 28, 28), dtype=np.uint8)
    labels = draw.integers(0, 10, IMAGES)
    network = ArrayNetwork.build(LeNetConfig(), seed=0)
    weights = b"".join(array.tobytes() for array in network.arrays.values())
    inputs = images.astype(np.float32) / np.float32(255)
    logits, _ = forward_all(network.placed, inputs, network.arrays, draw)
    losses = Losses()
    split = Split(images, labels)
    trainer = Trainer(
        network,
        Dataset("random", tuple("0123456789"), split, split),
        Recipe(epochs=STEPS, batch_size=IMAGES, learning_rate=0.5, momentum=0.9),
        listeners=[losses],
        engine="numpy",
    )
    trainer.run()
    numbers = weights + images.tobytes() + labels.astype(np.uint8).tobytes()
    return Oracle(numbers, [logits, np.array(losses.found), *network.arrays.values()])


class Losses(Listener):
    """Keeps the loss of every step."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def on_step(self, trainer: Trainer) -> None:
        self.found.append(float(trainer.losses[0]))


def try_platform(
    platform: str, wheels: Sequence[Path], folder: Path, oracle: Oracle, options: argparse.Namespace
) -> str:
    """Try the wheels for a platform; returns what was run."""
    names = [wheel.name.partition("-")[0] for wheel in wheels]
    if names != (["lenet_core"] if platform == "any" else ["lenet", "lenet_core"]):
        message = f"`dist/` has {names or 'nothing'} for it"
        raise Failed(message)
    folder.mkdir()
    if platform == "any":
        return f"{install(wheels[-1], folder, 'NumPy trains this network, slowly.')}, and says so"
    libraries = unpack(wheels, folder)
    if set(libraries) != set(BUILD["elsewhere"](platform).kinds):
        message = f"it has the libraries {', '.join(libraries)}"
        raise Failed(message)
    system = system_of(platform, options)
    said = [audit(wheels[0], system)] if "linux" in platform else []
    if system.missing:
        return "; ".join([*said, f"linked, not run: {system.missing}"])
    command = system.command
    program = compile_program(platform, folder)
    kinds = KINDS[: 1 + processor_level()] if len(libraries) > 1 else KINDS[:1]
    worst = {}
    for kind in kinds:
        given = [*command, program, libraries[kind], IMAGES, STEPS]
        worst[kind] = compare(run(given, folder, oracle.numbers), oracle)
    numbers = ", ".join(f"`{kind}` {difference:.0e}" for kind, difference in worst.items())
    by = f" by `{command[0]}`" if command else ""
    said.append(f"a forward pass and {STEPS} steps{by}, off NumPy's by {numbers}")
    if left := set(libraries) - set(kinds):
        said.append(f"not {', '.join(left)}, which this processor lacks")
    if HERE.intersection(platform.split(".")):
        said.append(install(wheels[-1], folder, ""))
    return "; ".join(said)


def unpack(wheels: Sequence[Path], folder: Path) -> dict[str, Path]:
    """The libraries of the wheels, which have the same, by kind; checked by their checksums."""
    found: dict[str, Path] = {}
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / wheel.name)
        compiled = folder / wheel.name / "lenet" / "kernels" / "compiled"
        sums = (compiled / "SHA256SUMS").read_text(encoding="utf-8").split()
        for file in sorted(compiled.glob("lenet_*")):
            kind = file.stem.partition("_")[2]
            if hashlib.sha256(file.read_bytes()).hexdigest() not in sums:
                message = f"`{file.name}` has not its checksum"
                raise Failed(message)
            if kind in found and found[kind].read_bytes() != file.read_bytes():
                message = f"`{file.name}` is another in `{wheel.name}`"
                raise Failed(message)
            found[kind] = file
    return found


class System(NamedTuple):
    """Where the programs of a platform run on this machine.

    Attributes:
        command: What they are arguments of, such as an emulator.
        libraries: The folder of its C library, where that is not this machine's.
        missing: What there is not, or nothing.
    """

    command: Sequence[str] = ()
    libraries: Path | None = None
    missing: str = ""


def system_of(platform: str, options: argparse.Namespace) -> System:
    """What runs the programs of a platform."""
    if platform.startswith("macosx"):
        return System(missing="there is no emulator of macOS")
    if platform.startswith("win"):
        return System(["wine"], missing="" if shutil.which("wine") else "there is no `wine`")
    is_arm, is_musl = platform.endswith("aarch64"), platform.startswith("musl")
    if not is_arm and not is_musl:
        return System()
    if not is_arm:
        root, loader = Path("/"), "ld-musl-x86_64.so.1"
    elif is_musl:
        root, loader = Path(options.musl_aarch64), "ld-musl-aarch64.so.1"
    else:
        root, loader = Path("/usr/aarch64-linux-gnu"), "ld-linux-aarch64.so.1"
    found = root / "lib" / loader
    command = ["qemu-aarch64-static", "-L", str(root)] if is_arm else []
    needed = [loader] * (not found.exists()) + command[:1] * (not shutil.which((*command, "sh")[0]))
    missing = f"there is no `{needed[0]}`" if needed else ""
    return System(command, found.resolve().parent if is_musl else None, missing)


def audit(wheel: Path, system: System) -> str:
    """What `auditwheel` says that a wheel needs, if that is what its name promises."""
    given = [] if system.libraries is None else [f"LD_LIBRARY_PATH={system.libraries}"]
    told = run(["env", *given, TOOLS / "auditwheel", "show", wheel], DIST).decode()
    tags = re.findall(r'"((?:many|musl)linux_\w+)"', " ".join(told.split()))
    if any(tag in wheel.name for tag in tags):
        return f"`auditwheel`: `{tags[0]}`"
    # Zig calls musl by the name that musl's loader knows, and `auditwheel` by Alpine's.
    foreign = re.findall(r"^lib\S+$", told.partition("need to be eliminated")[2], re.MULTILINE)
    if system.libraries is None or foreign != ["libc.so"]:
        message = f"auditwheel says {', '.join([*tags, *foreign]) or told}"
        raise Failed(message)
    return "`auditwheel`: nothing but musl's `libc.so`"


def compile_program(platform: str, folder: Path) -> Path:
    """The program that loads a library, for a platform."""
    program = folder / "library.exe"
    zig = [TOOLS / "python", "-m", "ziglang", "c++", "-target", BUILD["PLATFORMS"][platform]]
    dynamic = ["-dynamic"] if platform.startswith("musl") else []
    source = ROOT / "tests" / "kernels" / "native" / "library.cpp"
    run([*zig, *dynamic, "-std=c++17", "-O3", "-I", NATIVE, source, "-o", program], folder)
    return program


def processor_level() -> int:
    """The place in `KINDS` of the best that this processor runs."""
    best = kernel_status().instructions
    if best is None:
        sys.exit("This needs an environment with kernels: `make kernels`.")
    return KINDS.index(best)


def compare(told: bytes, oracle: Oracle) -> float:
    """How far the results of the program are off NumPy's, of the largest number of each array."""
    given, worst = np.frombuffer(told, np.float32), 0.0
    if len(given) != sum(array.size for array in oracle.results):
        message = f"the program gives {len(given)} numbers"
        raise Failed(message)
    for expected in oracle.results:
        mine, given = given[: expected.size], given[expected.size :]
        difference = np.abs(mine - expected.ravel()).max() / np.abs(expected).max()
        worst = max(worst, float(difference))
    if not worst <= LARGEST_DIFFERENCE:
        message = f"the numbers are {worst:.0e} off NumPy's"
        raise Failed(message)
    return worst


def install(wheel: Path, folder: Path, expected: str) -> str:
    """Install a wheel where there is no compiler, and train; a line of it begins as expected."""
    there = folder / "environment" / "bin"
    run([sys.executable, "-m", "venv", there.parent], folder)
    run(
        [there / "pip", "install", "--quiet", "--only-binary", ":all:", wheel],
        folder,
        path=str(there),
    )
    train = [there / "lenet", "train", "--data", "digits", "--epochs", "1"]
    lines = run(train, folder, path=str(there)).decode().splitlines()
    if expected and not any(line.startswith(expected) for line in lines):
        message = f"the training does not say `{expected}`"
        raise Failed(message)
    if not expected and any("slowly" in line for line in lines):
        message = "the training is done by NumPy"
        raise Failed(message)
    return "installed without a compiler, trains"


def run(command: Sequence[object], folder: Path, given: bytes = b"", path: str = "") -> bytes:
    """What a command prints; `Failed` where it fails."""
    try:
        process = subprocess.run(
            list(map(str, command)),
            cwd=folder,
            env=os.environ | {**QUIET, "PATH": path or os.environ["PATH"]},
            input=given,
            capture_output=True,
            timeout=TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(str(error)) from None
    if process.returncode:
        told = (process.stderr or process.stdout).decode(errors="replace").strip()
        message = f"`{Path(str(command[0])).name}` ended with {process.returncode}: {told[-300:]}"
        raise Failed(message)
    return process.stdout


def row_of(platform: str, wheels: Sequence[Path], folder: Path, said: str) -> list[str]:
    """The wheels for a platform as a row of the table."""
    sizes = {wheel.name.partition("-")[0]: wheel.stat().st_size for wheel in wheels}
    libraries = sorted(folder.glob("lenet_core-*/lenet/kernels/compiled/lenet_*"))
    held = ", ".join(
        f"`{one.stem.partition('_')[2]}` {one.stat().st_size / 1000:.0f} kB" for one in libraries
    )
    in_megabytes = [
        f"{sizes[name] / 1e6:.2f} MB" if name in sizes else "–" for name in ("lenet", "lenet_core")
    ]
    return [f"`{platform.partition('.')[0]}`", *in_megabytes, held or "none", said]


if __name__ == "__main__":
    sys.exit(main())
