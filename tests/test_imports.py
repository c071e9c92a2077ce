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
BASE = {
    "errors",
    "_escaping",
    "_figure",
    "_safetensors",
    "_settings",
    "_storage",
    "_version",
}
# What each room may import, as the drawing in docs/concepts has it.
ALLOWED = {
    "pages": set(),
    "pictures": set(),
    "datasets": {"pictures"},
    "kernels": set(),
    "models": {"kernels", "pictures"},
    "training": {"datasets", "kernels", "models"},
    "tracking": {"training"},
    "distributed": {"training"},
    "runs": {"datasets", "distributed", "kernels", "models", "training", "tracking"},
    "evaluation": {"datasets", "kernels", "models", "training", "runs"},
    "inspection": {
        "datasets",
        "evaluation",
        "kernels",
        "models",
        "pages",
        "pictures",
        "runs",
        "training",
    },
    "prediction": {"datasets", "kernels", "models", "pictures", "runs", "training"},
    "playground": {"datasets", "models", "pages", "pictures", "runs"},
    "export": {
        "datasets",
        "evaluation",
        "kernels",
        "models",
        "pages",
        "pictures",
        "playground",
        "prediction",
        "runs",
        "training",
    },
    "serving": {
        "datasets",
        "inspection",
        "models",
        "pages",
        "pictures",
        "playground",
        "prediction",
        "runs",
    },
    "reporting": {"datasets", "evaluation", "kernels", "models", "pages", "runs", "training"},
    "comparison": {"datasets", "evaluation", "models", "runs", "training"},
    "sweeps": {"comparison", "datasets", "kernels", "models", "runs", "training"},
    "estimator": {"datasets", "kernels", "models", "pictures", "training", "runs"},
    "d2l": {"datasets", "models", "training"},
    "bench": {"datasets", "kernels", "models", "training", "runs"},
    "doctor": {"datasets", "kernels", "models", "training", "runs"},
    "cli": {
        "bench",
        "comparison",
        "datasets",
        "distributed",
        "doctor",
        "evaluation",
        "export",
        "inspection",
        "kernels",
        "models",
        "pictures",
        "prediction",
        "reporting",
        "runs",
        "serving",
        "sweeps",
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


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_what_stands_before_it(room: str) -> None:
    files = list((PACKAGE / room).glob("*.py"))
    assert files
    for file in files:
        beyond = imported_rooms(file) - ALLOWED[room] - BASE - {room}
        assert not beyond, f"{file.name} imports {beyond}"
        private = re.findall(r"from lenet\.(\w+)\._\w+ import", file.read_text())
        assert set(private) <= {room}, f"{file.name} imports private modules of {private}"


def test_every_room_is_in_the_table() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == set(ALLOWED)


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
    rooms = [lenet, *(getattr(lenet, room) for room in sorted(set(ALLOWED) - {"cli"}))]
    for room in rooms:
        for name in room.__all__:
            thing = getattr(room, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                assert thing.__doc__, f"{room.__name__}.{name} has no docstring"
