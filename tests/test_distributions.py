"""`lenet` and `lenet-core`, built from one tree: the same package, with other dependencies."""

import email
import os
import shutil
import subprocess
import sys
import zipfile
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement

pytest.importorskip("hatchling", reason="no hatchling: `pip install 'lenet[dev]'`")

TREE = Path(__file__).parents[1]
LEFT_OUT = {"torch", "matplotlib", "scikit-learn"}
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree without what was built in it."""
    tree = tmp_path_factory.mktemp("clone")
    for name in ("src", "lenet-core"):
        ignored = shutil.ignore_patterns("__pycache__", "compiled")
        shutil.copytree(TREE / name, tree / name, ignore=ignored)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(TREE / name, tree / name)
    return tree


@pytest.fixture(scope="module")
def wheels(tree: Path) -> dict[str, Path]:
    """The wheels by their names, without kernels, which take a minute to compile."""
    offline = ("--no-index", "--no-deps", "--no-build-isolation")
    subprocess.run(
        [*PIP, "wheel", "--quiet", *offline, "-w", tree / "wheels", tree, tree / "lenet-core"],
        check=True,
        capture_output=True,
        env=os.environ | {"CXX": str(tree / "no compiler")},
    )
    found = {file.name.partition("-")[0]: file for file in (tree / "wheels").iterdir()}
    assert set(found) == {"lenet", "lenet_core"}
    return found


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {
            name: archive.read(name)
            for name in archive.namelist()
            if ".dist-info/" not in name and "/compiled/" not in name
        }


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def dependencies(wheel: Path) -> dict[str, Requirement]:
    """What an installation without extras brings along."""
    texts = metadata(wheel).get_all("Requires-Dist") or []
    found = [one for one in map(Requirement, texts) if "extra ==" not in str(one.marker)]
    return {one.name: one for one in found}


def test_both_hold_the_same_package(wheels: dict[str, Path]) -> None:
    held = contents(wheels["lenet"])
    assert contents(wheels["lenet_core"]) == held
    assert "lenet/datasets/digits/digits.csv.gz" in held


def test_the_small_one_leaves_out_three_packages(wheels: dict[str, Path]) -> None:
    all_of_them, fewer = dependencies(wheels["lenet"]), dependencies(wheels["lenet_core"])
    assert all_of_them == fewer | {name: all_of_them[name] for name in LEFT_OUT}
    assert not LEFT_OUT & set(fewer)


def test_they_say_the_same_of_themselves_otherwise(wheels: dict[str, Path]) -> None:
    one, other = metadata(wheels["lenet"]), metadata(wheels["lenet_core"])
    for field in ("Version", "License-Expression", "Requires-Python", "Author", "Classifier"):
        assert one.get_all(field) == other.get_all(field)
    extras = set(one.get_all("Provides-Extra") or [])
    assert set(other.get_all("Provides-Extra") or []) == extras - {"dev", "docs"}
    assert (TREE / "LICENSE").read_bytes() == (TREE / "lenet-core" / "LICENSE").read_bytes()


def test_the_small_one_runs_where_it_is_installed(wheels: dict[str, Path], tmp_path: Path) -> None:
    place = tmp_path / "installed"
    offline = ("--no-index", "--no-deps", "--target", place)
    subprocess.run(
        [*PIP, "install", "--quiet", *offline, wheels["lenet_core"]],
        check=True,
        capture_output=True,
    )
    code = (
        f"import sys; sys.path += {sys.path!r}\n"  # for what it depends on; `-S` reads no `.pth`
        "import lenet; print(lenet.__file__)\n"
        "sys.argv = ['lenet', 'predict', '--help']\n"
        "from lenet.cli import main; main()"
    )
    process = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
    )
    file, _, printed = process.stdout.partition("\n")
    assert Path(file).is_relative_to(place), process.stderr
    assert "Usage: lenet predict" in printed
