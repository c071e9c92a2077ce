"""Commands on several processes, for the scripts of this folder."""

import os
import subprocess
import sys

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node")


def run_members(processes: int, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run Python on so many processes, one thread each unless OMP_NUM_THREADS is set."""
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    whole = [*TORCHRUN, str(processes), *arguments]
    return subprocess.run(whole, capture_output=True, text=True, env=environment)
