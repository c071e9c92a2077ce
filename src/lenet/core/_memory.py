"""How much memory is free."""

from contextlib import suppress
from pathlib import Path

_GROUP = Path("/sys/fs/cgroup")  # of a container, which may hold this process to less


def free_memory() -> int | None:
    """The bytes that can still be had without swapping; `None` where the system does not say."""
    found = []
    with suppress(OSError, ValueError, LookupError):
        found.append(_numbers(Path("/proc/meminfo"))["MemAvailable:"] * 1024)
    with suppress(OSError, ValueError, LookupError):  # `max` is no number: it has no limit
        limit, used = (int((_GROUP / f"memory.{name}").read_text()) for name in ("max", "current"))
        facts = _numbers(_GROUP / "memory.stat")
        found.append(limit - used + facts["inactive_file"] + facts["active_file"])
    return min(found, default=None)


def _numbers(path: Path) -> dict[str, int]:
    lines = (line.split() for line in path.read_text().splitlines())
    return {line[0]: int(line[1]) for line in lines}
