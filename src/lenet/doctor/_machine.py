import platform

from lenet.doctor._finding import Finding
from lenet.runs import processor_name


def find_machine() -> Finding:
    """Processor and system."""
    return Finding("machine", "ok", f"{processor_name()}, {platform.platform()}")
