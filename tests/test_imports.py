"""The rooms know only what stands before them, and importing costs little."""

import ast
import inspect
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import lenet

PACKAGE = Path(lenet.__file__).parent
DOCUMENT = Path(__file__).parents[1] / "docs" / "concepts" / "architecture.md"
GROUND = {"core", "errors", "_version"}
ROOMS = sorted({path.parent.name for path in PACKAGE.glob("*/__init__.py")} - GROUND)


def imported_rooms(file: Path) -> set[str]:
    """The rooms, or modules of the base, that a file imports anywhere in it."""
    rooms = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "lenet":
            rooms |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lenet."):
            rooms.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            names = (alias.name.split(".") for alias in node.names)
            rooms |= {name[1] for name in names if name[0] == "lenet" and len(name) > 1}
    return rooms


def arrows() -> dict[str, set[str]]:
    """The rooms that each room imports, bar the ground."""
    found = {}
    for room in ROOMS:
        files = (PACKAGE / room).rglob("*.py")
        found[room] = set[str]().union(*map(imported_rooms, files)) - GROUND - {room}
    return found


def drawing() -> str:
    """The rooms from the top floor down, each with those that it imports."""
    imported = arrows()

    def floor(room: str) -> int:
        return 1 + max(map(floor, imported[room]), default=0)

    ordered = sorted(ROOMS, key=lambda room: (-floor(room), room))
    lines = [f"{floor(room):>2}  {room:<12}{', '.join(sorted(imported[room]))}" for room in ordered]
    return "\n".join([*map(str.rstrip, lines), " 0  core"]) + "\n"


def test_the_drawing_of_the_rooms_is_true() -> None:
    (drawn,) = re.findall(r"```text\n([^`]*  core\n)```", DOCUMENT.read_text())
    assert drawn == drawing(), "`python tests/test_imports.py` draws it anew"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_entered_by_its_face(room: str) -> None:
    for file in (PACKAGE / room).rglob("*.py"):
        private = re.findall(r"from lenet\.(\w+)\.(?:\w+\.)*_\w+ import", file.read_text())
        assert set(private) <= {room}, f"{file.name} imports private modules of {private}"


def test_the_ground_imports_no_room() -> None:
    files = [*(PACKAGE / "core").rglob("*.py"), PACKAGE / "errors.py"]
    assert set[str]().union(*map(imported_rooms, files)) <= GROUND


def test_no_files_of_a_room_know_each_other() -> None:
    modules = {
        ".".join(("lenet", *path.relative_to(PACKAGE).with_suffix("").parts)): path
        for path in PACKAGE.rglob("_*.py")
    }
    imported = {
        name: {
            node.module
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom) and node.module in modules
        }
        for name, path in modules.items()
    }
    order = TopologicalSorter(imported)
    order.prepare()  # raises `CycleError`, which names them


@pytest.mark.parametrize(
    "code",
    [
        "import lenet",
        "import lenet; lenet.Recipe(); lenet.LeNetConfig(); lenet.errors",
        "import sys; sys.argv = ['lenet', '--help']; import lenet.cli\n"
        "try: lenet.cli.main()\nexcept SystemExit as leave: assert leave.code == 0",
        "import sys; sys.argv = ['lenet', 'train', '--help']; import lenet.cli\n"
        "try: lenet.cli.main()\nexcept SystemExit as leave: assert leave.code == 0",
        "import sys; sys.argv = ['lenet', 'data', 'info', '--help']; import lenet.cli\n"
        "try: lenet.cli.main()\nexcept SystemExit as leave: assert leave.code == 0",
        "import sys; sys.argv = ['lenet', 'report', '--help']; import lenet.cli\n"
        "try: lenet.cli.main()\nexcept SystemExit as leave: assert leave.code == 0",
        "import sys; sys.argv = ['lenet', 'inspect', '--help']; import lenet.cli\n"
        "try: lenet.cli.main()\nexcept SystemExit as leave: assert leave.code == 0",
        "import sys; sys.argv = ['lenet', 'serve', '--help']; import lenet.cli\n"
        "try: lenet.cli.main()\nexcept SystemExit as leave: assert leave.code == 0",
        "import sys; sys.argv = ['lenet', 'sweep', '--help']; import lenet.cli\n"
        "try: lenet.cli.main()\nexcept SystemExit as leave: assert leave.code == 0",
        "import sys; sys.argv = ['lenet', 'doctor', '--help']; import lenet.cli\n"
        "try: lenet.cli.main()\nexcept SystemExit as leave: assert leave.code == 0",
    ],
)
def test_no_torch_is_imported_before_it_is_needed(code: str) -> None:
    code += "\nimport sys; heavy = {'torch', 'numpy', 'sklearn', 'matplotlib'} & set(sys.modules)"
    code += (
        "\nheavy |= {'tensorboard', 'mlflow', 'sqlalchemy', 'optuna', 'fastapi'} & set(sys.modules)"
    )
    code += "\nassert not heavy, heavy"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_command_makes_nothing_ready_for_others(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['lenet', 'runs', '--runs-folder', 'here']; import lenet.cli\n"
        "try: lenet.cli.main()\nexcept SystemExit as leave: assert leave.code == 0\n"
        "others = {'pydantic', 'lenet.cli.compare', 'lenet.cli.sweep', 'lenet.cli.predict'}\n"
        "assert not others & set(sys.modules), others & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)


def test_every_public_name_can_be_imported_and_is_documented() -> None:
    rooms = [lenet, *(getattr(lenet, room) for room in sorted({"core", *ROOMS} - {"cli"}))]
    for room in rooms:
        for name in room.__all__:
            thing = getattr(room, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                assert thing.__doc__, f"{room.__name__}.{name} has no docstring"


if __name__ == "__main__":
    text = DOCUMENT.read_text()
    DOCUMENT.write_text(re.sub(r"(```text\n)[^`]*(```)", rf"\1{drawing()}\2", text, count=1))
