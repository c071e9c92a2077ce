"""Build `lenet-core`: the package of the folder above, without what only parts of it need."""

import runpy
import sys
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

if sys.version_info >= (3, 11):
    import tomllib
else:  # hatchling brings it
    import tomli as tomllib

TREE = Path(__file__).resolve().parent.parent
LEFT_OUT = ("torch", "matplotlib", "scikit-learn")
FOR_DEVELOPERS = ("dev", "docs")


class MetadataHook(MetadataHookInterface):  # type: ignore[misc]
    """Hatchling's hook: what `lenet` says of itself, with fewer dependencies."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in the fields that are dynamic."""
        project = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        version = runpy.run_path(str(TREE / "src" / "lenet" / "_version.py"))["__version__"]
        needed = [one for one in project["dependencies"] if not one.startswith(LEFT_OUT)]
        extras = project["optional-dependencies"].items()
        fields = project | {
            "version": version,
            "dependencies": needed,
            "optional-dependencies": {k: v for k, v in extras if k not in FOR_DEVELOPERS},
        }
        metadata.update({name: fields[name] for name in metadata["dynamic"]})


class CoreBuildHook(runpy.run_path(str(TREE / "hatch_build.py"))["KernelBuildHook"]):  # type: ignore[misc]
    """Hatchling's hook: the kernels and the package, which lie in the folder above."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Say what the wheel holds."""
        if self.target_name != "wheel":
            message = "`lenet-core` has no source distribution: `lenet`'s holds its sources."
            raise RuntimeError(message)
        super().initialize(version, build_data)
        if version != "editable":
            build_data["force_include"][str(TREE / "src" / "lenet")] = "lenet"
