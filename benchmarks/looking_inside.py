"""The pictures of docs/guides/looking-inside.md, of networks that are trained for them.

    python benchmarks/looking_inside.py

Trainings are kept in runs/looking-inside and not made again. Pictures go to docs/images.
"""

import subprocess
import sys
from pathlib import Path

import lenet

RUNS = Path("runs") / "looking-inside"
NETWORKS = {"lenet": "fast", "softmax": "softmax"}  # the preset of each
PICTURES = {
    "templates": ("softmax", ["--parts", "filters"]),
    "first-layer": ("lenet", []),
    "two-inputs": (
        "lenet",
        ["class:pullover", "class:coat", "--layer=1", "--layer=4", "--layer=8", "--layer=10"],
    ),
    "saliency": ("lenet", ["test:6", "--parts", "saliency"]),
    "neighbours": ("lenet", ["test:0", "test:23", "noise", "--parts", "neighbours"]),
    "map": ("lenet", ["class:bag", "noise", "--parts", "map"]),
}


def main() -> None:
    runs = {
        name: lenet.train(
            dataset="fashion-mnist", preset=preset, threads=1, reuse=True, runs_folder=RUNS
        )
        for name, preset in NETWORKS.items()
    }
    for picture, (network, arguments) in PICTURES.items():
        output = Path("docs") / "images" / f"inside-{picture}.png"
        options = [str(runs[network].folder), *arguments, "--output", str(output)]
        print(f"\n$ lenet inspect {' '.join(options)}", flush=True)
        subprocess.run([sys.executable, "-m", "lenet", "inspect", *options], check=True)


if __name__ == "__main__":
    main()
