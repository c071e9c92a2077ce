"""The tutorial's exercises over three seeds: the tables and pictures of docs/guides/exercises.md.

    python benchmarks/exercises.py                 # all of them
    python benchmarks/exercises.py pooling depth   # some

Trainings are kept in runs/exercises and not made again. Pictures go to docs/images.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from printing import print_line

EXERCISES = {
    "pooling": ["--vary", "pooling=average,max"],
    "activation": ["--vary", "activation=sigmoid,tanh,relu"],
    "learning-rate": ["--vary", "learning_rate=0.1,0.3,0.9,2"],
    "relu": ["--activation=relu", "--pooling=max", "--vary", "learning_rate=0.9,0.3,0.1,0.03"],
    "kernel-size": ["--vary", "kernel_size=3,5,7"],
    "channels": ["--vary", "channels=3,8/6,16/12,32/24,64"],
    "depth": [
        "--activation=relu",
        "--learning-rate=0.1",
        "--kernel-size=3",
        "--padding=1",
        "--vary",
        "channels=16/16,32/16,32,64",
    ],
    "dense-widths": ["--vary", "dense_widths=84/120,84/256,128,64"],
    "initialisation": ["--vary", "initialisation=xavier,kaiming,normal,pytorch"],
    "epochs": ["--vary", "epochs=5,10,20,40"],
    "mnist": ["--models", "softmax,mlp,lenet", "--data", "mnist"],
    "family": ["--models", "softmax,mlp,lenet", "--data", "fashion-mnist"],
}


def main() -> None:
    """Run the exercises that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("exercises", nargs="*", help=f"of {', '.join(EXERCISES)}; all by default")
    parser.add_argument("--seeds", default="3", help="how many seeds each")
    arguments = parser.parse_args()
    unknown = set(arguments.exercises) - EXERCISES.keys()
    if unknown:
        parser.error(f"no such exercise: {', '.join(sorted(unknown))}")
    for name in arguments.exercises or EXERCISES:
        picture = Path("docs") / "images" / f"exercise-{name}.svg"
        options = [*EXERCISES[name], "--seeds", arguments.seeds, "--picture", str(picture)]
        print_line(f"\n$ lenet compare {' '.join(options)}")
        command = [sys.executable, "-m", "lenet", "compare", *options]
        subprocess.run([*command, "--runs-folder", "runs/exercises"], check=True)


if __name__ == "__main__":
    main()
