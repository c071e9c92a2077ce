"""The playground as one page that holds all it needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lenet.datasets import Split
from lenet.errors import SettingError
from lenet.kernels import web_core
from lenet.playground._packing import as_data_address, pack, pack_program, sheet_png
from lenet.playground._page import fill_page
from lenet.playground._script import join_modules, shorten

_FOLDER = Path(__file__).parent
_MOST_ROWS = 16384  # of a sheet of examples; browsers do not decode larger pictures


@dataclass(frozen=True)
class PlaygroundModel:
    """A model on the page.

    Attributes:
        name: What it is called there.
        content: Its model file, which the page then holds.
        url: Or where the page's own server has the file, such as `models/digits.safetensors`; it
            is fetched when it is asked for first.

    Raises:
        SettingError: There is neither content nor address, or both, or the address leads to
            another server.
    """

    name: str
    content: bytes | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        if (self.content is None) == (self.url is None):
            message = f"`{self.name}` must have either `content` or `url`."
            raise SettingError(message)
        if self.url is not None and ("//" in self.url or ":" in self.url):
            message = f"`url` must be relative, on the page's own server, not `{self.url}`."
            raise SettingError(message)


def build_playground(
    models: Sequence[PlaygroundModel], *, examples: Mapping[str, Split] | None = None
) -> str:
    """Make the page on which a person draws and sees what networks make of it.

    It is one file. Nothing is fetched, bar models that have an address on its own server; a policy
    in it forbids all else.

    Args:
        models: Those to choose from; the first is shown first.
        examples: Images to step through, by the model's name: uint8 (N, C, H, W) of the shape that
            this model takes, with labels that are indices of its classes.

    Returns:
        The text of an HTML file.

    Raises:
        SettingError: There is no model, two have one name, examples are for a model that is not
            there, or there are too many of them.

    >>> from lenet.models import BUNDLED
    >>> digits = PlaygroundModel("digits", BUNDLED["digits"].read_bytes())
    >>> build_playground([digits]).startswith("<!doctype html>")
    True
    """
    examples = dict(examples or {})
    _check(models, examples)
    written = {
        "core": _packed_core(),
        "models": [_describe_model(model) for model in models],
        "examples": {name: describe_examples(name, split) for name, split in examples.items()},
    }
    script = join_modules(_FOLDER, "app.js")
    style = shorten((_FOLDER / "playground.css").read_text(encoding="utf-8"))
    is_served = any(model.url is not None for model in models)
    return fill_page(
        (_FOLDER / "playground.html").read_text(encoding="utf-8"),
        script=script,
        style=style,
        data=written,
        rules={"connect-src": "'self'" if is_served else "'none'"},
    )


def page_script(entry: str) -> str:
    """One of the page's modules with all that it imports, as a script that stands in no page.

    Args:
        entry: The module's file, such as `native_network.js`; its exports are at the script's top.
    """
    return join_modules(_FOLDER, entry)


def _check(models: Sequence[PlaygroundModel], examples: Mapping[str, Split]) -> None:
    """Refuse what the page could not show."""
    if not models:
        message = "A playground needs at least one model."
        raise SettingError(message)
    names = [model.name for model in models]
    for name in names:
        if names.count(name) > 1:
            message = f"Two models are called `{name}`; each needs a name of its own."
            raise SettingError(message)
    for name in examples:
        if name not in names:
            message = f"There are examples for `{name}`, but there is no such model."
            raise SettingError(message)


@cache
def _packed_core() -> str:
    """The native core, which prepares pictures and computes networks."""
    return pack_program(web_core("answering"))


def _describe_model(model: PlaygroundModel) -> dict[str, str]:
    """A model as the page reads it."""
    if model.content is not None:
        return {"name": model.name, "packed": pack(model.content)}
    return {"name": model.name, "url": model.url or ""}


def describe_examples(name: str, examples: Split) -> dict[str, object]:
    """Examples as the page reads them."""
    count, _, height, _ = examples.images.shape
    if count * height > _MOST_ROWS:
        message = f"`{name}` has {count} examples; at most {_MOST_ROWS // height} fit into a page."
        raise SettingError(message)
    address = as_data_address(sheet_png(examples.images))
    return {"sheet": address, "labels": examples.labels.tolist()}
