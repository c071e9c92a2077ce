"""The `lenet` command: one file a subcommand, which parses, calls the package and prints."""

from lenet.cli._main import app, main

__all__ = ["app", "main"]
