"""What the tests of `lenet doctor` share."""

from lenet.doctor import Finding
from lenet.doctor._examine import examine_part  # one check alone; others take seconds

PARTS = ["versions", "machine", "device", "cores", "kernels", "engines", "results"]
PARTS += ["data", "cache", "runs", "peers"]


def find(name: str) -> Finding:
    """One of the findings."""
    return examine_part(name)


def fail(*arguments: object, **settings: object) -> None:
    """What a broken machine does."""
    message = "no driver"
    raise OSError(message)
