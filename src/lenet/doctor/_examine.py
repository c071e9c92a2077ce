import sys

from lenet.doctor import _installation, _kernels
from lenet.doctor._installation import Finding

CHECKS = {
    "versions": _installation.find_versions,
    "machine": _installation.find_machine,
    "device": _installation.find_device,
    "cores": _installation.find_cores,
    "kernels": _kernels.find_kernels,
    "results": _kernels.check_kernel_results,
    "data": _installation.find_data,
    "runs": _installation.find_run_folder,
    "peers": _installation.find_peers,
}


def examine() -> list[Finding]:
    """Look at every part of this installation. Nothing is fetched or left behind.

    Returns:
        A finding a part. A check that itself fails is a finding too, so that the others are told.

    >>> [finding.name for finding in examine()][:3]
    ['versions', 'machine', 'device']
    """
    return [examine_part(name) for name in CHECKS]


def examine_part(name: str) -> Finding:
    """What a check finds, or that it failed."""
    try:
        return CHECKS[name]()
    except Exception as error:  # whatever is broken on a machine, the rest is still worth telling
        if isinstance(error, ImportError) and sys.modules.get("torch") is None:
            return Finding(name, "wrong", "can't be looked at without PyTorch")
        text = f"The check failed: {type(error).__name__}: {error}"
        return Finding(name, "wrong", text, "Please report this, with the whole output.")
