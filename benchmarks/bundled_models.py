"""The models that come with the package: handwritten digits and Fashion-MNIST.

    python benchmarks/bundled_models.py

Trains `modern` with seed 0 on both, and puts the model files into the package. They say themselves
what they reached.
"""

from pathlib import Path

import lenet
from lenet.models import BUNDLED

_DATASETS = {"digits": "mnist", "fashion": "fashion-mnist"}
_RUNS = Path("runs/bundled")


def main() -> None:
    for name, path in BUNDLED.items():
        run = lenet.train(
            dataset=_DATASETS[name], preset="modern", seed=0, reuse=True, runs_folder=_RUNS
        )
        path.write_bytes(run.model_path.read_bytes())
        _, card = lenet.load_model(path)
        accuracy = card.results["test_accuracy"]
        size = path.stat().st_size
        print(f"{name:<8} test acc {accuracy:.4f}  {size:,} bytes  {card.calibration}")


if __name__ == "__main__":
    main()
