"""What the tests of `lenet doctor` share."""

from lenet.doctor import Finding
from lenet.doctor._examine import _CHECKS, _examine_part

PARTS = ["versions", "machine", "device", "cores", "kernels", "results", "data", "runs", "peers"]


def find(name: str) -> Finding:
    """One of the findings."""
    return _examine_part(name, *_CHECKS[name])


def fail(*arguments: object, **settings: object) -> None:
    """What a broken machine does."""
    message = "no driver"
    raise OSError(message)
