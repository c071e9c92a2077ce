"""The `lenet` command: one file a subcommand, which parses, calls the package and prints."""

from lenet.cli._main import main

__all__ = ["main"]
