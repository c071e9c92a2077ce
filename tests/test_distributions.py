"""`lenet` and `lenet-core`, built from one tree: the same package, with other dependencies."""

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
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


def build_wheels(
    folder: Path, *projects: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Let pip build wheels into a folder."""
    offline = ("--no-index", "--no-deps", "--no-build-isolation")
    return subprocess.run(
        [*PIP, "wheel", "--quiet", *offline, "-w", folder, *projects],
        capture_output=True,
        text=True,
        env=os.environ | variables,
    )


@pytest.fixture(scope="module")
def wheels(tree: Path) -> dict[str, Path]:
    """The wheels by their names, without kernels, which take a minute to compile."""
    folder = tree / "wheels"
    process = build_wheels(folder, tree, tree / "lenet-core", CXX=str(tree / "no compiler"))
    assert process.returncode == 0, process.stderr
    found = {file.name.partition("-")[0]: file for file in folder.iterdir()}
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


def test_a_wheel_without_kernels_says_why(wheels: dict[str, Path], tree: Path) -> None:
    name = "lenet/kernels/compiled/build.log"
    for wheel in wheels.values():
        with zipfile.ZipFile(wheel) as archive:
            assert [one for one in archive.namelist() if "/compiled/" in one] == [name]
            said = archive.read(name).decode()
        assert said.startswith(f"Without kernels, because `{tree}/no compiler` can't be run")


def test_the_small_one_leaves_out_three_packages(wheels: dict[str, Path]) -> None:
    all_of_them, fewer = dependencies(wheels["lenet"]), dependencies(wheels["lenet_core"])
    assert all_of_them == fewer | {name: all_of_them[name] for name in LEFT_OUT}
    assert not LEFT_OUT & set(fewer)


def test_they_say_the_same_of_themselves_otherwise(wheels: dict[str, Path]) -> None:
    one, other = metadata(wheels["lenet"]), metadata(wheels["lenet_core"])
    for field in (
        "Version",
        "License-Expression",
        "Requires-Python",
        "Author",
        "Classifier",
        "Project-URL",
    ):
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


PRETENDS = """
import sys
from pathlib import Path
Path(sys.argv[sys.argv.index("-o") + 1]).write_text(sys.argv[3])
"""


def test_a_wheel_for_another_platform_has_its_libraries(tree: Path, tmp_path: Path) -> None:
    zig = tmp_path / "modules" / "ziglang" / "__main__.py"  # in place of the compiler
    zig.parent.mkdir(parents=True)
    zig.write_text(PRETENDS)
    variables = {"PYTHONPATH": str(tmp_path / "modules"), "LENET_PLATFORM": "win_amd64"}
    process = build_wheels(tmp_path / "wheels", tree / "lenet-core", **variables)
    assert process.returncode == 0, process.stderr
    (wheel,) = (tmp_path / "wheels").iterdir()
    assert wheel.name.endswith("-py3-none-win_amd64.whl")
    with zipfile.ZipFile(wheel) as archive:
        compiled = [name for name in archive.namelist() if "/compiled/" in name]
        names = {name.rpartition("/")[2] for name in compiled}
        kinds = ("avx2", "avx512", "baseline")
        assert names == {"SHA256SUMS", "build.log", *(f"lenet_{kind}.dll" for kind in kinds)}
        assert archive.read(compiled[0].rpartition("/")[0] + "/lenet_avx2.dll") == (
            b"x86_64-windows-gnu"
        )
        assert str(sys.executable).encode() not in b"".join(map(archive.read, compiled))


def test_an_unknown_platform_is_named_with_those_that_there_are(tree: Path, tmp_path: Path) -> None:
    process = build_wheels(tmp_path, tree / "lenet-core", LENET_PLATFORM="beos")
    assert process.returncode
    assert "`LENET_PLATFORM` must be one of manylinux_2_17_x86_64" in process.stderr


def test_links_in_the_readme_are_whole_in_the_metadata(wheels: dict[str, Path]) -> None:
    one = metadata(wheels["lenet"])
    (source,) = (
        address.partition(", ")[2]
        for address in one.get_all("Project-URL") or []
        if address.startswith("Source, ")
    )
    text = one.get_payload()
    assert isinstance(text, str)
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert links
    assert [link for link in links if not re.match("https?://|#", link)] == []
    at = f"v{one['Version']}"
    assert f"{source}/raw/{at}/docs/images/curves.svg" in links
    assert f"{source}/blob/{at}/README.zh-CN.md" in links
    written = (TREE / "README.md").read_text(encoding="utf-8")
    of_repository = [link.partition(f"{at}/")[2] for link in links if link.startswith(source)]
    assert all(f"]({link})" in written for link in of_repository)
    assert [link for link in of_repository if not (TREE / link.partition("#")[0]).exists()] == []


def test_the_sdist_has_all_that_git_has(tmp_path: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=TREE, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is no clone")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path],
        cwd=TREE,
        check=True,
        capture_output=True,
    )
    (sdist,) = tmp_path.iterdir()
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    missing = {name for name in listed.stdout.splitlines() if (TREE / name).exists()} - packed
    assert missing == set()
    assert not [name for name in packed if "/compiled/" in name or "__pycache__" in name]
