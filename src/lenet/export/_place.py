"""Putting a finished file or folder where it belongs, and nothing where it is not finished."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from lenet.core import doing_first_on_signals, staged_folder, stop_on_signals, storage_errors
from lenet.errors import ExportError


@contextmanager
def unfinished_folder(output: Path) -> Iterator[Path]:
    """A folder beside an output, so that a rename is enough; it is gone afterwards.

    The output's folder is, too, if nothing came of it.
    """
    made = [folder for folder in output.parents if not folder.exists()]

    def remove_parents() -> None:
        for parent in made:
            with suppress(OSError):  # the output is in it
                parent.rmdir()

    with storage_errors(output):
        output.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Of a signal the inner one is done first.
        with doing_first_on_signals(remove_parents), ExitStack() as stack:
            with storage_errors(output):
                folder = stack.enter_context(staged_folder(output))
            yield folder
    finally:
        remove_parents()


def put_into_place(made: Path, output: Path) -> None:
    """Rename a file or a folder to its place; what was there is lost only once it is there."""
    check_place(output, made)
    with storage_errors(output), stop_on_signals(lambda: None):  # no stop between two renames
        for file in (path for path in (made, *made.rglob("*")) if path.is_file()):
            with file.open("rb+") as opened:  # so that a power cut does not leave empty files
                os.fsync(opened.fileno())
        if not made.is_dir():
            made.replace(output)
            return
        aside = output.with_name(f".{output.name}.before")
        if output.exists():
            shutil.rmtree(aside, ignore_errors=True)
            output.rename(aside)
        try:
            made.rename(output)
        except BaseException:
            if aside.exists():
                aside.rename(output)
            raise
        shutil.rmtree(aside, ignore_errors=True)  # there after a kill between two renames, too


def check_place(output: Path, made: Path) -> None:
    """Raise if something at a place may not be replaced by a file or folder.

    A file may be replaced by a file, as everywhere. A folder may be replaced if it is empty or
    holds the very names that the new one holds: then it is an earlier export.
    """
    if output.is_dir() != made.is_dir() and output.exists():
        kind = "folder" if output.is_dir() else "file"
        message = f"`{output}` is a {kind}; choose another `--output`."
        raise ExportError(message)
    if not output.is_dir():
        return
    before, after = ({entry.name for entry in place.iterdir()} for place in (output, made))
    if before and before != after:
        others = sorted(before - after) or sorted(after - before)
        message = (
            f"`{output}` is no earlier export of this kind ("
            f"{'it holds' if before - after else 'it lacks'} `{others[0]}`), so it is not "
            "replaced; choose another `--output`."
        )
        raise ExportError(message)
