"""The native core for web pages: `make wasm`, after changing src/lenet/kernels/native/.

    python tools/wasm.py            # compile into src/lenet/kernels/web/, which is committed
    python tools/wasm.py --check    # compile, and compare with what is there

Needs the compiler of the group `web` in pyproject.toml. The same source gives the same bytes in any
folder and on any machine; docs/decisions says why they are committed.
"""

import argparse
import hashlib
import os
import runpy
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
NATIVE = TREE / "src" / "lenet" / "kernels" / "native"
FOLDER = NATIVE.parent / "web"
BUILD = runpy.run_path(str(NATIVE / "build.py"))
ZIG = [sys.executable, "-m", "ziglang"]
TARGET = ["-target", "wasm32-wasi"]
SOURCES = "SOURCES_SHA256"  # what the files were made from, for a test that has no compiler
ANSWERING = {unit: flags for unit, flags in BUILD["UNITS"].items() if unit != "interface.cpp"}
# What a page's machine may have: relaxed SIMD fuses products and sums. A page that trains nothing
# holds the last, which is small.
FILES = {
    "lenet_relaxed_simd.wasm": (BUILD["UNITS"], ["-msimd128", "-mrelaxed-simd"]),
    "lenet_simd.wasm": (BUILD["UNITS"], ["-msimd128"]),
    "lenet_answering.wasm": (ANSWERING, ["-msimd128", "-Os"]),
}
OF_MACHINES = {"-fPIC", "-pthread"}  # a page loads one program, which has one thread
FLAGS = [
    *(flag for flag in BUILD["FLAGS"] if flag not in OF_MACHINES),
    *("-Werror", "-fno-exceptions", "-fno-rtti"),
]
LINK = ["-mexec-model=reactor", "-Wl,--export-dynamic", "-s"]
WEB = {"web.cpp": BUILD["CPP"]}  # a unit that only pages need


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, but compare")
    is_check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        files = compile_all(Path(folder))
    files[SOURCES] = f"{digest_of_sources()}\n".encode()
    differing = [name for name, content in files.items() if content != committed(name)]
    if is_check and differing:
        sys.exit(f"Not what the source gives: {', '.join(differing)}. Run `make wasm`, and commit.")
    for name, content in files.items():
        if not is_check:
            FOLDER.mkdir(exist_ok=True)
            (FOLDER / name).write_bytes(content)
        state = "changed" if name in differing else "as before"
        print(f"{name}: {len(content):,} bytes, {state}")


def committed(name: str) -> bytes:
    """What lies in the tree, if anything does."""
    file = FOLDER / name
    return file.read_bytes() if file.is_file() else b""


def digest_of_sources() -> str:
    """A checksum of all that the files are made from, and how."""
    digest = hashlib.sha256(repr((FILES, FLAGS, LINK, WEB)).encode())
    for file in sorted(NATIVE.glob("*.[ch]*")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def compile_all(folder: Path) -> dict[str, bytes]:
    """The files, by their names."""
    compiling, linking = [], []
    for name, (units, options) in FILES.items():
        objects = []
        for unit, flags in {**units, **WEB}.items():
            objects.append(str(folder / f"{name}.{unit}.o"))
            command = [*ZIG, "c++" if flags is BUILD["CPP"] else "cc", *TARGET, *FLAGS, *flags]
            compiling.append([*command, *options, "-c", unit, "-o", objects[-1]])
        # C's library alone, without SIMD, so that one serves all: compiled once, and kept by Zig.
        linking.append([*ZIG, "cc", *TARGET, *objects, "-o", str(folder / name), *LINK])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda command: run(command, folder), compiling))
    for command in linking:
        run(command, folder)
    return {name: (folder / name).read_bytes() for name in FILES}


def run(command: list[str], folder: Path) -> None:
    """Run the compiler among the sources; what it keeps of them goes with the folder."""
    environment = os.environ | {"ZIG_LOCAL_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run(command, cwd=NATIVE, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr.strip() or f"`{' '.join(command)}` failed.")


if __name__ == "__main__":
    main()
