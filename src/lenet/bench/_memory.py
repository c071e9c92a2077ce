"""What a training adds to a process's memory, measured in processes of their own."""

import subprocess
import sys
from collections.abc import Callable

# The peak of a process is read at its end, so each measurement needs a fresh one. The imports' own
# peak may be above what they leave behind, which counts as training's then.
_PROGRAM = """
import os, resource, sys, tempfile
import lenet.datasets, lenet.models, lenet.runs, lenet.training
lenet.datasets.load_dataset, lenet.models.LeNet, lenet.runs.train, lenet.training.Trainer
with open("/proc/self/statm") as file:
    before = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
with tempfile.TemporaryDirectory() as folder:
    lenet.runs.train(
        dataset=sys.argv[1], epochs=1, kernels=sys.argv[2], runs_folder=folder, listeners=[]
    )
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print((after - before) / 1e6)
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
