import importlib
import sys

from lenet.doctor._finding import Finding

# Module and function of every check, imported only then: PyTorch itself may be broken.
_CHECKS = {
    "versions": ("_versions", "find_versions"),
    "machine": ("_machine", "find_machine"),
    "device": ("_device", "find_device"),
    "cores": ("_cores", "find_cores"),
    "kernels": ("_kernels", "find_kernels"),
    "results": ("_kernels", "check_kernel_results"),
    "data": ("_storage", "find_data"),
    "runs": ("_storage", "find_run_folder"),
    "peers": ("_peers", "find_peers"),
}


def examine() -> list[Finding]:
    """Look at every part of this installation. Nothing is fetched or left behind.

    Returns:
        A finding a part. A check that itself fails is a finding too, so that the others are told.

    >>> [finding.name for finding in examine()][:3]
    ['versions', 'machine', 'device']
    """
    return [_examine_part(name, *place) for name, place in _CHECKS.items()]


def _examine_part(name: str, module: str, function: str) -> Finding:
    """What a check finds, or that it failed."""
    try:
        check = getattr(importlib.import_module(f"lenet.doctor.{module}"), function)
        finding: Finding = check()
    except Exception as error:  # whatever is broken on a machine, the rest is still worth telling
        if isinstance(error, ImportError) and sys.modules.get("torch") is None:
            return Finding(name, "wrong", "can't be looked at without PyTorch")
        text = f"The check failed: {type(error).__name__}: {error}"
        return Finding(name, "wrong", text, "Please report this, with the whole output.")
    return finding
