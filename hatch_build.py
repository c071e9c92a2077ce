"""Compile the CPU kernels while the package is built; without a compiler, build without them."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TREE = Path(__file__).resolve().parent
KERNELS = Path("src/lenet/kernels")


class KernelBuildHook(BuildHookInterface):  # type: ignore[type-arg, misc]
    """Hatchling's hook: runs before a wheel is put together, also for an editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say what the wheel holds."""
        build = runpy.run_path(str(TREE / KERNELS / "native" / "build.py"))
        self.app.display_info(build["compile_libraries"]())
        build_data["artifacts"].append((KERNELS / "compiled" / "*").as_posix())
        if any(build["LIBRARIES"].glob("*" + build["library_suffix"]())):
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{wheel_platform()}"


def wheel_platform() -> str:
    """The platform of the wheel's tag: where the libraries run."""
    from packaging.tags import platform_tags

    return next(platform_tags())
