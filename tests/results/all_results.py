"""What is found out of runs. `python all_results.py RUN FOLDER …` does it without PyTorch."""

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.modules["torch"] = None  # type: ignore[assignment]

import lenet
from lenet.results import describe_inspection, inspect_network, write_inspection

INPUTS = {"one": ["test:3"], "two": ["class:3", "all:5"]}


def look(run: Path, pages: Path) -> dict[str, object]:
    """Score a run, report on it and look inside it; pages go into a folder."""
    found: dict[str, object] = {"single": lenet.evaluate(run).to_dict()}
    found["mirrored"] = lenet.evaluate(run, views="mirrored").to_dict()
    pages.mkdir()
    lenet.report(run, output=pages / "report.html")
    for name, inputs in INPUTS.items():
        inspection = inspect_network(run, inputs)
        found[name] = describe_inspection(inspection)
        write_inspection(inspection, pages / f"{name}.html")
    return found


if __name__ == "__main__":
    paths = list(map(Path, sys.argv[1:]))
    print(json.dumps([look(*pair) for pair in zip(paths[::2], paths[1::2], strict=True)]))  # noqa: T201
