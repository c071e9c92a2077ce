import importlib.metadata
import platform

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from lenet._version import __version__
from lenet.doctor._finding import Finding
from lenet.errors import install_command


def find_versions() -> Finding:
    """Of lenet, Python and PyTorch, and whether PyTorch works and is one that was tested."""
    text = f"lenet {__version__}, Python {platform.python_version()}"
    wanted = _wanted_torch()
    install = install_command(f"'torch{wanted}'")
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return Finding("versions", "wrong", f"{text}, no PyTorch", f"Install it: `{install}`.")
    text += f", PyTorch {version}"
    try:
        import torch  # noqa: F401
    except Exception as error:  # libraries that are missing or do not fit are of several classes
        command = install_command(f"--force-reinstall 'torch{wanted}'")
        advice = f"Install it again: `{command}`."
        return Finding("versions", "wrong", f"{text}, which can't be imported: {error}", advice)
    if wanted.contains(version, prereleases=True):
        return Finding("versions", "ok", text)
    return Finding("versions", "note", text, f"lenet was tested with torch{wanted}: `{install}`.")


def _wanted_torch() -> SpecifierSet:
    """The versions of PyTorch that the package asks for, any where it is not installed."""
    try:
        texts = importlib.metadata.requires("lenet") or []
    except importlib.metadata.PackageNotFoundError:
        texts = []
    requirements = map(Requirement, texts)
    return next((each.specifier for each in requirements if each.name == "torch"), SpecifierSet())
