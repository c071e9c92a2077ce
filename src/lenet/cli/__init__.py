"""The `lenet` command: one file a subcommand, which parses, calls the package and prints."""

from functools import cache
from typing import TYPE_CHECKING, Any

from lenet.cli._main import build_app, main

if TYPE_CHECKING:
    import typer

    app: typer.Typer

__all__ = ["app", "main"]

_build = cache(build_app)


def __getattr__(name: str) -> Any:
    if name == "app":  # with all commands, which `main` seldom needs
        return _build()
    message = f"module `{__name__}` has no attribute `{name}`"
    raise AttributeError(message)
