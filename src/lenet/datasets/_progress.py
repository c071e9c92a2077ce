from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lenet.core import escape_name

_MANY = 2000  # files; fewer are read before anybody wonders


@contextmanager
def reading_progress(name: str, files: int) -> Iterator[Callable[[int], None] | None]:
    """A bar on stderr while many files are read, where that is a terminal.

    Yields:
        A function that takes how many more were read; none where there is no bar.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    if files < _MANY or not console.is_terminal:
        yield None
        return
    words = TextColumn("reading {task.description}", markup=False)
    columns = (words, BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(escape_name(name), total=files)
        yield lambda count: progress.advance(task, count)
