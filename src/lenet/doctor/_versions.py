import importlib.metadata
import platform

from lenet._version import __version__
from lenet.doctor._finding import Finding


def find_versions() -> Finding:
    """Of lenet, Python and PyTorch, and whether PyTorch is one that was tested."""
    torch = importlib.metadata.version("torch")
    text = f"lenet {__version__}, Python {platform.python_version()}, PyTorch {torch}"
    wanted = _wanted_torch()
    if wanted is None or _is_within(torch, wanted):
        return Finding("versions", "ok", text)
    advice = f"lenet was tested with torch{wanted}: `pip install 'torch{wanted}'`."
    return Finding("versions", "note", text, advice)


def _wanted_torch() -> str | None:
    """The versions of PyTorch that the package asks for, such as `<2.14,>=2.6`."""
    try:
        requirements = importlib.metadata.requires("lenet") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    wanted = (text.partition(";")[0].strip() for text in requirements)
    return next((text[len("torch") :] for text in wanted if text.startswith("torch")), None)


def _is_within(version: str, wanted: str) -> bool:
    """Whether a version is in a range of lower and upper bounds."""

    def numbers(text: str) -> tuple[int, ...]:
        return tuple(int(part) for part in text.split("+")[0].split(".")[:2])

    bounds = [bound.strip() for bound in wanted.split(",")]
    above = all(numbers(version) >= numbers(b[2:]) for b in bounds if b.startswith(">="))
    return above and all(
        numbers(version) < numbers(b[1:]) for b in bounds if b.startswith("<") and b[1] != "="
    )
