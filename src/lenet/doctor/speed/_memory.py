"""What a training adds to a process's memory, measured in processes of their own."""

import subprocess
import sys
from collections.abc import Callable

# A peak is read at a process's end, so each measurement needs a fresh one. The imports' own peak
# may be above what they leave behind, which counts as training's then.
_PROGRAM = """
import sys, tempfile
import lenet.datasets, lenet.models, lenet.runs, lenet.training
lenet.datasets.load_dataset, lenet.models.LeNet, lenet.runs.train, lenet.training.Trainer

def kilobytes(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name))

before = kilobytes("VmRSS")
with tempfile.TemporaryDirectory() as folder:
    lenet.runs.train(
        dataset=sys.argv[1], epochs=1, kernels=sys.argv[2], runs_folder=folder, listeners=[]
    )
print((kilobytes("VmHWM") - before) * 1024 / 1e6)
"""


def measure_training_memory(dataset: str, tell: Callable[[str], None]) -> dict[str, float]:
    """MB that `lenet.train` adds to what the imports take, with the kernels and with PyTorch.

    Empty where the system does not tell: only Linux does.
    """
    if sys.platform != "linux":
        return {}
    memory = {}
    for kernels in ("auto", "torch"):
        tell(f"memory of a training with `--kernels {kernels}`")
        process = subprocess.run(
            [sys.executable, "-c", _PROGRAM, dataset, kernels],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        memory[f"lenet train --kernels {kernels}"] = float(process.stdout)
    return memory
