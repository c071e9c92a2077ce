"""Launch a training on several processes again and again, and count what does not end well.

    python benchmarks/launches.py --launches 100

Each launch is `torchrun --standalone --nproc-per-node 2 -m lenet train` on the bundled digits, one
epoch long. It ends well if torchrun's exit code is 0, which it is only if each process's is, and
the run is complete. Prints what was different, and at the end the counts and a launch's time.
"""

import argparse
import collections
import statistics
import tempfile
import time
from pathlib import Path

from torchrun import run_members

from lenet.runs import find_runs

TRAIN = ("-m", "lenet", "train", "--data", "digits", "--epochs", "1", "--threads", "1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--launches", type=int, default=100)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    codes: collections.Counter[int] = collections.Counter()
    seconds, complete = [], 0
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(arguments.launches):
            folder, started = Path(scratch, str(number)), time.perf_counter()
            command = [*TRAIN, "--runs-folder", str(folder)]
            process = run_members(arguments.processes, command)
            seconds.append(time.perf_counter() - started)
            codes[process.returncode] += 1
            complete += [run.status for run in find_runs(folder)] == ["complete"]
            if process.returncode:
                print(f"launch {number + 1}: exit code {process.returncode}\n{process.stderr}")
            if (number + 1) % 10 == 0:
                print(f"{number + 1} launches: exit codes {dict(codes)}", flush=True)
    print(
        f"{arguments.launches} launches of {arguments.processes} processes: exit codes "
        f"{dict(codes)}, {complete} runs complete, {statistics.median(seconds):.1f} s a launch "
        f"({min(seconds):.1f}–{max(seconds):.1f})"
    )


if __name__ == "__main__":
    main()
