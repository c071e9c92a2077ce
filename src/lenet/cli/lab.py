"""The `lenet lab` command."""

import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lenet.cli._command import READING, Given, command
from lenet.cli._console import print_line, print_notice
from lenet.core import Settings, check_ending, option, write_atomically

if TYPE_CHECKING:
    from lenet.datasets import DataSource
    from lenet.playground import LabSet

_USUAL = ("fashion-mnist", "mnist", "digits")
_LARGE = 20_000  # images, of which a file holds every tenth


@dataclass(frozen=True)
class _Lab(Settings):
    """What is learnt from, and where the page is.

    Attributes:
        data: A dataset's name, or a folder or file of your own, to begin with.
        output: Write the page as one HTML file that holds every tenth image of larger datasets;
            nothing is served then.
        port: The port on this machine; 0 takes a free one.
        browser: Open the page in the browser.
    """

    data: str | None = option(
        None, flags=("--data", "--dataset"), metavar="NAME|PATH", usual="fashion-mnist"
    )
    output: Path | None = option(None, flags=("--output", "-o"), metavar="FILE", usual="none")
    port: int = 8000
    browser: bool = option(True, flags=("--browser/--no-browser",))


@command(_Lab, READING)
def lab(given: Given) -> None:
    """Watch a network learn, step by step, in a page of this machine's browser.

    Besides the data you name it offers Fashion-MNIST and MNIST, where these have been downloaded,
    and the bundled digits. All is computed in the page; nothing is sent anywhere. Ctrl-C stops.
    """
    from lenet.models import BUNDLED
    from lenet.playground import PlaygroundModel, build_lab, bundled_examples, serve_lab

    asked, data = given.of(_Lab), given.dataset()
    names = ("digits", "fashion") if asked.output is None else ("digits",)  # a file is to be small
    models = [PlaygroundModel(name, BUNDLED[name].read_bytes()) for name in names]
    examples = {name: bundled_examples(name) for name in names}
    if asked.output is None:
        tell = _teller(asked.browser)
        sets = _sets(data, whole=True)
        serve_lab(sets, models, examples=examples, port=asked.port, on_start=tell)
        return
    check_ending(asked.output, "The page", ".html")
    page = build_lab(_sets(data, whole=False), models, examples=examples).encode()
    write_atomically(asked.output, page)
    print_line(f"Written to {asked.output}, {len(page) / 1e6:.1f} MB")


def _sets(data: "str | DataSource | None", *, whole: bool) -> "list[LabSet]":
    """What is learnt from: what was asked for, and what can be had at once."""
    from lenet.datasets import cached_datasets, load_dataset
    from lenet.playground import LabSet, tenth_of

    there = {*cached_datasets(), "digits"}
    names = [name for name in _USUAL if name in there and name != data]
    sets = []
    for source in [data, *names] if data else names:
        dataset = load_dataset(source)
        if not whole and len(dataset.train) > _LARGE:
            dataset = tenth_of(dataset)
        sets.append(LabSet(dataset, source if isinstance(source, str) else str(source.path)))
    return sets


def _teller(browser: bool) -> Callable[[str], None]:
    def tell(address: str) -> None:
        print_notice(f"The lab is at {address}. Ctrl-C stops.")
        if browser:
            webbrowser.open(address)

    return tell
