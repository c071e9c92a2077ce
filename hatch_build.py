"""What a build does besides packing: it compiles the kernels and makes README's links absolute.

Without a compiler, or for the platform `any`, the package is built without kernels.
"""

import os
import re
import runpy
import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

TREE = Path(__file__).resolve().parent
KERNELS = Path("src/lenet/kernels")
VARIABLE = "LENET_PLATFORM"  # what a wheel is for, where that is not this machine: `make wheels`
PICTURES = (".png", ".svg", ".jpg")


class KernelBuildHook(BuildHookInterface):  # type: ignore[type-arg, misc]
    """Hatchling's hook: runs before a wheel is put together, also for an editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say what the wheel holds."""
        build = runpy.run_path(str(TREE / KERNELS / "native" / "build.py"))
        platform = os.environ.get(VARIABLE)
        if platform == "any":
            shutil.rmtree(build["LIBRARIES"], ignore_errors=True)
            return
        if platform and platform not in build["PLATFORMS"]:
            message = f"`{VARIABLE}` must be one of {', '.join([*build['PLATFORMS'], 'any'])}."
            raise ValueError(message)
        log = build["compile_libraries"](target=build["elsewhere"](platform) if platform else None)
        self.app.display_info(log.encode("ascii", "backslashreplace").decode())
        is_without = build["WITHOUT"] in log
        if platform and (is_without or ": failed" in log):
            raise RuntimeError(log)
        # Where nothing could be written, what is there is of an earlier build.
        kept = "build.log" if is_without else "*"
        build_data["artifacts"].append((KERNELS / "compiled" / kept).as_posix())
        if not is_without:
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform or wheel_platform()}"


class ReadmeHook(MetadataHookInterface):  # type: ignore[misc]
    """Hatchling's hook: README as an index shows it, where there are no files beside it."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in the field that is dynamic."""
        source = metadata["urls"]["Source"]
        version = runpy.run_path(str(TREE / "src" / "lenet" / "_version.py"))["__version__"]

        def absolute(link: re.Match[str]) -> str:
            kind = "raw" if link[0].partition("#")[0].endswith(PICTURES) else "blob"
            return f"{source}/{kind}/v{version}/{link[0]}"

        text = (TREE / "README.md").read_text(encoding="utf-8")
        text = re.sub(r"(?<=\]\()(?![a-z]+:|#)[^)\s]+", absolute, text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def wheel_platform() -> str:
    """The platform of the wheel's tag: where the libraries run."""
    from packaging.tags import platform_tags

    return next(platform_tags())
