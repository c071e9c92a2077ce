"""What a build does besides packing: it compiles the kernels and makes README's links absolute.

Without a compiler, or for the platform `any`, the package is built without kernels.
"""

import os
import re
import runpy
import shutil
import tempfile
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

    kept: Path | None = None

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
        if (
            is_without
        ):  # what is in the folder may be of an earlier build, where it can't be written
            self.kept = Path(tempfile.mkdtemp())
            (self.kept / "build.log").write_text(log, encoding="utf-8")
            place = KERNELS.relative_to("src") / "compiled" / "build.log"
            build_data["force_include"][str(self.kept / "build.log")] = place.as_posix()
            return
        build_data["artifacts"].append((KERNELS / "compiled" / "*").as_posix())
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform or wheel_platform()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was kept for the wheel alone."""
        if self.kept:
            shutil.rmtree(self.kept, ignore_errors=True)


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
