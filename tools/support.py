"""Try lenet in fresh environments: on every Python here, with the newest and the lowest packages.

    python tools/support.py                                      # the lowest on the oldest alone
    python tools/support.py --python 3.11 --versions lowest --torch newest
    python tools/support.py --python 3.13 --torch none --write   # without PyTorch; into the page

A row is an environment of its own in a temporary folder, one after the other: with PyTorch it takes
up to 6 GB and some minutes, without it half a GB. The lowest versions are the lower bounds of
`pyproject.toml`; what these need besides is as new as they take. Nothing is compiled but
lenet's kernels, and these not where the tree has them. A warning that a person would see is a
failure, too. `--write` puts the rows into the page
`docs/reference/support.md`, in place of those of the same Python and packages. It runs with the
Python of a development environment.
"""

import argparse
import datetime
import email
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from packaging.requirements import Requirement

from lenet.runs import processor_name

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "support.md"
PICTURE = ROOT / "docs" / "images" / "photos" / "a.jpg"
COMPILED = ROOT / "src" / "lenet" / "kernels" / "compiled"
BUILT_FROM = ("src", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE")
MINORS = range(10, 15)
EXTRA = "serve"
BEGIN, END = "<!-- rows of tools/support.py -->\n", "<!-- end of the rows -->\n"
HEADINGS = ("Python", "Packages", "PyTorch", "NumPy", "Works", "Processor and system", "Day")
TIMEOUT = 900  # seconds a step
STEPS = {  # what is done after the installation, before the service is asked
    "import": ("-c", "import lenet; [getattr(lenet, name) for name in lenet.__all__]"),
    "train": ("-m", "lenet", "train", "--data", "digits", "--epochs", "1"),
    "evaluate": ("-m", "lenet", "evaluate", "latest"),
    "predict": ("-m", "lenet", "predict", "latest", str(PICTURE)),
    "export": ("-m", "lenet", "export", "latest", "--to", "c"),
}


class StepError(Exception):
    """What went wrong with a step, in a line."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", nargs="+", metavar="3.X", help="numbers or paths; all here")
    parser.add_argument("--versions", nargs="+", choices=("newest", "lowest"))
    parser.add_argument("--torch", metavar="VERSION|newest|none", help="another than the row's")
    parser.add_argument("--write", action="store_true", help="put the rows into the page")
    options = parser.parse_args()
    pythons = list(find_pythons(options.python or [f"3.{minor}" for minor in MINORS]))
    if not pythons:
        parser.error("There is no such Python here.")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        wheel = build_wheel(Path(folder))
        for python in pythons:
            for versions in options.versions or ["newest", "lowest"][: 1 + (python == pythons[0])]:
                rows.append(try_row(wheel, python, versions, options.torch))
                print(as_line(rows[-1]), flush=True)
    if options.write:
        PAGE.write_text(with_rows(PAGE.read_text(encoding="utf-8"), rows), encoding="utf-8")
    return int(any(row[4] != "yes" for row in rows))


def find_pythons(names: Sequence[str]) -> Iterator[str]:
    """The interpreters of these names that run: a path, one on the path, or pyenv's newest."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for name in names:
        of_pyenv = sorted(versions.glob(f"{Path(name).name}.*/bin/python"))
        candidates = [shutil.which(name), shutil.which(f"python{name}"), *of_pyenv[-1:]]
        yield from [os.path.abspath(one) for one in candidates if one and runs(one)][:1]


def runs(python: str | Path) -> bool:
    """Whether an interpreter does anything; of those that pyenv has on the path not all do."""
    return subprocess.run([python, "-c", "import ssl, venv"], capture_output=True).returncode == 0


def build_wheel(folder: Path) -> Path:
    """The package, from a copy of the tree; without kernels if the tree has them compiled."""
    source = folder / "source"
    source.mkdir()
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            left = shutil.ignore_patterns("__pycache__", "compiled")
            shutil.copytree(ROOT / name, source / name, ignore=left)
        else:
            shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source]
    run(command, folder)
    return next(folder.glob("*.whl"))


def try_row(wheel: Path, python: str, versions: str, torch: str | None) -> list[str]:
    """Install lenet, use it, and say how that went."""
    packages = versions
    if torch:
        packages += ", no PyTorch" if torch == "none" else f", PyTorch {torch}"
    found, works, step = {}, "yes", "install"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        number = run([python, "-c", "import platform; print(platform.python_version())"], folder)
        there = folder / "environment" / ("Scripts" if os.name == "nt" else "bin") / "python"
        try:
            run([python, "-m", "venv", folder / "environment"], folder)
            install = [there, "-m", "pip", "install", "-q", "--only-binary", ":all:"]
            run([*install, *pins(needed_by(wheel, number), versions, torch)], folder)
            run([*install, "--no-deps", wheel], folder)
            if COMPILED.is_dir():
                where = run([there, "-c", "import lenet; print(lenet.__path__[0])"], folder)
                kernels = Path(where) / "kernels" / "compiled"
                shutil.copytree(COMPILED, kernels, dirs_exist_ok=True)
            listed = json.loads(run([there, "-m", "pip", "list", "--format", "json"], folder))
            found = {one["name"]: one["version"] for one in listed}
            for step, arguments in STEPS.items():
                if step != "import" or torch != "none":  # networks are classes of PyTorch's
                    run([there, *arguments], folder, strict=True)
            step = "serve"
            ask_service(there, folder)
        except StepError as error:
            works = f"✗ {step}: {error}"
    machine = f"{processor_name()}, {platform.system()} {platform.machine()}"
    day = datetime.date.today().isoformat()
    return [number, packages, found.get("torch", "–"), found.get("numpy", "–"), works, machine, day]


def needed_by(wheel: Path, python: str) -> list[Requirement]:
    """What the package and its extra need on a Python of this number."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    short = ".".join(python.split(".")[:2])
    place = {"extra": EXTRA, "python_version": short, "python_full_version": python}
    needed = map(Requirement, metadata.get_all("Requires-Dist", []))
    return [one for one in needed if one.marker is None or one.marker.evaluate(place)]


def pins(needed: Sequence[Requirement], versions: str, torch: str | None) -> list[str]:
    """What pip installs: each as it is declared or at its lower bound, PyTorch as asked for."""
    wanted = []
    for one in needed:
        lowest = next((each.version for each in one.specifier if each.operator == ">="), None)
        declared = f"{one.name}{one.specifier}"
        if one.name == "torch" and torch:
            exact = declared if torch == "newest" else f"torch=={torch}"
            wanted += [] if torch == "none" else [exact]
        else:
            wanted.append(f"{one.name}=={lowest}" if versions == "lowest" and lowest else declared)
    return wanted


def ask_service(python: Path, folder: Path) -> None:
    """Start the service with the run, send it a picture, and stop it."""
    with subprocess.Popen(
        [os.fspath(python), "-u", "-m", "lenet", "serve", "latest", "--port", "0"],
        cwd=folder,
        env=surroundings(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as service:
        assert service.stderr
        told, address = "", ""
        try:
            for line in service.stderr:  # all of them, where it does not start
                told += line
                address = line.partition(" at ")[2].strip()
                if address.startswith("http"):
                    break
            else:
                raise StepError(in_a_line(told))
            request = urllib.request.Request(f"{address}/v1/predict", PICTURE.read_bytes())
            with urllib.request.urlopen(request, timeout=60) as answer:
                json.load(answer)
        except (OSError, ValueError) as error:
            raise StepError(in_a_line(str(error))) from None
        finally:
            service.terminate()
        refuse_warnings(told + service.stderr.read())


def run(command: Sequence[object], folder: Path, *, strict: bool = False) -> str:
    """What a command prints; `StepError` where it fails or, if that is strict, prints a warning."""
    try:
        process = subprocess.run(
            list(map(str, command)),
            cwd=folder,
            env=surroundings(folder),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StepError(in_a_line(str(error))) from None
    if process.returncode:
        raise StepError(in_a_line(process.stderr or process.stdout))
    if strict:
        refuse_warnings(process.stderr)
    return process.stdout.strip()


def surroundings(folder: Path) -> dict[str, str]:
    """The environment variables: no packages from elsewhere, and nothing fetched but packages."""
    kept = {
        name: value for name, value in os.environ.items() if name[:6] not in ("PYTHON", "LENET_")
    }
    compiler = {"CXX": "none"} if COMPILED.is_dir() else {}
    return kept | compiler | {"LENET_OFFLINE": "1", "LENET_DATA": str(folder / "data")}


def refuse_warnings(told: str) -> None:
    for line in told.splitlines():
        if "Warning" in line:
            raise StepError(in_a_line(line))


def in_a_line(told: str) -> str:
    """The end of what was told, without this machine's folders, as a cell of a table takes it."""
    last = (told.strip().splitlines() or ["nothing was said"])[-1].strip()
    return re.sub(r"(?<![\w:/])/\S+/", "", last).replace("|", "/")[:300]


def as_line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def with_rows(page: str, rows: Sequence[Sequence[str]]) -> str:
    """The page with rows in place of its own of the same Python, up to the patch, and packages."""
    before, _, rest = page.partition(BEGIN)
    table, _, after = rest.partition(END)
    old = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    by_key = {(row[0].rpartition(".")[0], row[1]): list(row) for row in [*old, *rows]}
    ordered = sorted(by_key.items(), key=lambda one: (int(one[0][0].partition(".")[2]), one[0][1]))
    lines = [HEADINGS, ["---"] * len(HEADINGS), *(row for _, row in ordered)]
    return before + BEGIN + "".join(f"{as_line(line)}\n" for line in lines) + END + after


if __name__ == "__main__":
    sys.exit(main())
