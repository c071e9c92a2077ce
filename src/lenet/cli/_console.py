"""What every subcommand needs to write to the terminal."""

import logging
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lenet.core import escape_name, escape_text, json_text, write_atomically
from lenet.errors import StorageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@contextmanager
def output_errors() -> Iterator[None]:
    """Say of what is printed where it can't be written: it may go into a file on a full disk.

    That its reader has gone is no error of that kind.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        message = f"Could not write what is printed: {(error.strerror or str(error)).lower()}."
        raise StorageError(message) from error


def drop_output() -> None:
    """Let what is printed, and has been and waits to be written, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_line(text: str = "") -> None:
    """Write a line of output; control characters in it are shown escaped."""
    with output_errors():
        sys.stdout.write(f"{escape_text(text)}\n")


def print_json(values: object, **style: Any) -> None:
    """Write JSON that any reader takes: what is not finite is `null`.

    The style is `json.dumps`'s, with two blanks of indentation where nothing else is said.
    """
    print_line(json_text(values, **({"indent": 2} | style)))


def print_table(rows: Sequence[Sequence[str]], left_columns: int = 1) -> None:
    """Write rows under each other, as wide as they are, so that a pipe gets all of them.

    The first row holds the headings; columns on the left are aligned to the left, the others hold
    numbers.
    """
    rows = [[escape_name(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if index < left_columns else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print_line("  ".join(cells).rstrip())


def listed(names: Iterable[str]) -> str:
    """Names in a sentence: `one`, `two` or `three`."""
    *before, last = (f"`{name}`" for name in names)
    return f"{', '.join(before)} or {last}" if before else last


def print_notice(message: str) -> None:
    """Write something for a person to stderr; control characters are shown escaped."""
    with output_errors():
        sys.stdout.flush()
    with suppress(OSError):  # there is nobody else to tell
        sys.stderr.write(f"{escape_text(message)}\n")


class _Notices(logging.Handler):
    """Writes records of a log to stderr, as notices; once where it listens to two logs of them."""

    _last: logging.LogRecord | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if record is not self._last:
            self._last = record
            print_notice(f"Warning: {record.getMessage()}")


_NOTICES, _NOTHING = _Notices(logging.WARNING), logging.NullHandler()


def warn_on_stderr(log: str, *, is_on: bool = True) -> None:
    """Show what a log of the package warns of, or leave that to who tells it otherwise."""
    logging.getLogger(log).addHandler(_NOTICES if is_on else _NOTHING)


def forget_logs() -> None:
    """Leave the package's warnings to Python again."""
    for log in map(logging.getLogger, ("lenet", "lenet.datasets", "lenet.kernels")):
        for handler in (_NOTICES, _NOTHING):
            log.removeHandler(handler)


def print_error(message: str) -> None:
    """Write an error for a person to stderr."""
    print_notice(f"Error: {message}")


def save_figure(
    figure: "Figure", path: Path, kind: str = "png", dpi: float | Literal["figure"] = 150
) -> None:
    """Write a drawing into a picture file."""
    image = BytesIO()
    figure.savefig(image, format=kind, dpi=dpi)
    write_atomically(path, image.getvalue())
