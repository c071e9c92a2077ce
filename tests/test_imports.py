"""The rooms know only what stands before them, and importing costs little."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lenet

PACKAGE = Path(lenet.__file__).parent
GROUND = {"core", "errors", "_version"}
# Which rooms each room imports: no fewer and no more, so that the drawing in docs/concepts is true.
ARROWS = {
    "kernels": set(),
    "pictures": set(),
    "datasets": {"pictures"},
    "models": {"kernels", "pictures"},
    "training": {"datasets", "kernels", "models"},
    "runs": {"datasets", "kernels", "models", "training"},
    "results": {"datasets", "models", "pictures", "runs", "training"},
    "experiments": {"datasets", "kernels", "models", "results", "runs", "training"},
    "playground": {"datasets", "runs"},
    "export": {
        "datasets",
        "kernels",
        "models",
        "pictures",
        "playground",
        "results",
        "runs",
        "training",
    },
    "serving": {
        "datasets",
        "kernels",
        "models",
        "pictures",
        "playground",
        "results",
        "runs",
        "training",
    },
    "d2l": {"datasets", "models", "training"},
    "estimator": {"datasets", "kernels", "models", "pictures", "runs", "training"},
    "doctor": {"datasets", "kernels", "models", "runs", "training"},
    "cli": {
        "datasets",
        "doctor",
        "experiments",
        "export",
        "models",
        "pictures",
        "results",
        "runs",
        "serving",
        "training",
    },
}


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


@pytest.mark.parametrize("room", ARROWS)
def test_a_room_imports_what_the_drawing_says(room: str) -> None:
    files = list((PACKAGE / room).rglob("*.py"))
    imported = set[str]().union(*map(imported_rooms, files))
    assert imported - GROUND - {room} == ARROWS[room]
    for file in files:
        private = re.findall(r"from lenet\.(\w+)\.(?:\w+\.)*_\w+ import", file.read_text())
        assert set(private) <= {room}, f"{file.name} imports private modules of {private}"


def test_the_ground_imports_no_room() -> None:
    files = [*(PACKAGE / "core").rglob("*.py"), PACKAGE / "errors.py"]
    assert set[str]().union(*map(imported_rooms, files)) <= GROUND


def test_a_room_stands_after_all_that_it_imports() -> None:
    order = list(ARROWS)
    for room, imported in ARROWS.items():
        assert imported <= set(order[: order.index(room)])


def test_every_room_is_in_the_table() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == {"core", *ARROWS}


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


def test_every_public_name_can_be_imported_and_is_documented() -> None:
    rooms = [lenet, *(getattr(lenet, room) for room in sorted({"core", *ARROWS} - {"cli"}))]
    for room in rooms:
        for name in room.__all__:
            thing = getattr(room, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                assert thing.__doc__, f"{room.__name__}.{name} has no docstring"
