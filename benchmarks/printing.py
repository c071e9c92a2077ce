"""What the scripts of this folder print with."""

import sys


def print_line(text: str) -> None:
    """Write a line at once, also into a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
