"""How much room an installation takes: what pip puts into a fresh environment, a package a line.

    python benchmarks/installation.py ./lenet-core
    python benchmarks/installation.py './lenet-core[serve]'

pip and setuptools, which the environment begins with, do not count; compiled Python files do.
"""

import json
import platform
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

COUNT = """
import importlib.metadata, json
sizes = {}
for one in importlib.metadata.distributions():
    files = [file.locate() for file in one.files or []]
    size = sum(file.stat().st_size for file in files if file.is_file())
    sizes[f"{one.name} {one.version}"] = size
print(json.dumps(sizes))
"""
OF_THE_ENVIRONMENT = {"pip", "setuptools"}


def measure(requirement: str) -> tuple[dict[str, int], float]:
    """Bytes by package, and the seconds that pip took."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        started = time.perf_counter()
        subprocess.run([python, "-m", "pip", "install", "--quiet", requirement], check=True)
        seconds = time.perf_counter() - started
        counted = subprocess.run([python, "-c", COUNT], check=True, capture_output=True, text=True)
    sizes = json.loads(counted.stdout)
    return {k: v for k, v in sizes.items() if k.split()[0] not in OF_THE_ENVIRONMENT}, seconds


if __name__ == "__main__":
    requirement = sys.argv[1] if len(sys.argv) > 1 else "./lenet-core"
    sizes, seconds = measure(requirement)
    for name, size in sorted(sizes.items(), key=lambda pair: -pair[1]):
        print(f"{size / 1e6:8.1f} MB  {name}")
    print(f"{sum(sizes.values()) / 1e6:8.1f} MB  {requirement}, installed in {seconds:.0f} s")
    print(f"Python {platform.python_version()}, {platform.platform()}")
