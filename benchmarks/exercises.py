"""The commands of docs/guides/exercises.md, whose pictures they draw into docs/images.

    python benchmarks/exercises.py                 # all of them
    python benchmarks/exercises.py pooling depth   # some, by the names of their pictures

Trainings are kept in runs/exercises and not made again.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
SHOWN = re.compile(
    r"^\$ lenet (compare .+)\n```\n+!\[.+\]\(\.\./(images/exercise-(.+)\.svg)\)", re.M
)


def main() -> None:
    guide = (DOCS / "guides" / "exercises.md").read_text(encoding="utf-8")
    exercises = {name: (command, picture) for command, picture, name in SHOWN.findall(guide)}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(exercises)}; all by default")
    wanted = parser.parse_args().names
    if unknown := set(wanted) - exercises.keys():
        parser.error(f"no such exercise: {', '.join(sorted(unknown))}")
    for name in wanted or exercises:
        command, picture = exercises[name]
        print(f"\n$ lenet {command}", flush=True)
        options = [*command.split(), "--picture", str(DOCS / picture)]
        folder = ["--runs-folder", "runs/exercises"]
        subprocess.run([sys.executable, "-m", "lenet", *options, *folder], check=True)


if __name__ == "__main__":
    main()
