"""Build what a release publishes: the sdist, and the wheels of all platforms, into `dist/`.

    make wheels                                                  # all, in an environment of its own
    .venv-wheels/bin/python tools/wheels.py win_amd64            # the sdist and one platform

The wheels are built from the sdist, whose tree is unpacked into a temporary folder, by Zig for
every platform (`src/lenet/kernels/native/build.py` has them). The first build for a platform takes
minutes, as Zig compiles the C++ library for it; it keeps that in its cache. `lenet-core` has a
wheel for any platform besides, without kernels; where `lenet` has no wheel, pip builds it from the
sdist. What an index would refuse ends the program with a message.

`tools/try_wheels.py` tries them.
"""

import os
import runpy
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
PLATFORMS = runpy.run_path(str(ROOT / "src/lenet/kernels/native/build.py"))["PLATFORMS"]


def main() -> None:
    platforms = sys.argv[1:] or list(PLATFORMS)
    if unknown := set(platforms) - set(PLATFORMS):
        sys.exit(f"Not a platform: {', '.join(unknown)}. There are {', '.join(PLATFORMS)}.")
    shutil.rmtree(DIST, ignore_errors=True)
    build("sdist", ROOT)
    with tempfile.TemporaryDirectory() as folder:
        (sdist,) = DIST.glob("lenet-*.tar.gz")
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        (tree,) = Path(folder).iterdir()
        for platform in platforms:
            build("wheel", tree, platform)
            build("wheel", tree / "lenet-core", platform)
        build("wheel", tree / "lenet-core", "any")
    built = sorted(DIST.iterdir())
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *built], check=True)
    print(*table(built), sep="\n")


def build(kind: str, project: Path, platform: str = "") -> None:
    """Let hatchling build an sdist or a wheel of a project, for a platform."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", DIST],
        cwd=project,
        env=os.environ | {"LENET_PLATFORM": platform},
        check=True,
    )


def table(files: Iterable[Path]) -> list[str]:
    """What was built, as the rows of a table."""
    rows = [f"| `{file.name}` | {file.stat().st_size / 1e6:.2f} MB |" for file in files]
    return ["| File | Size |", "| --- | --- |", *rows]


if __name__ == "__main__":
    main()
