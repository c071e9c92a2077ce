"""The keywords that public functions take complete and check in an editor: they are the settings'.

`python tests/test_keywords.py` writes them anew after a setting has changed.
"""

import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import lenet.core
from lenet.core import Compute, Settings, field_types
from lenet.experiments import CompareOptions, SweepOptions, SweepWork
from lenet.models import MODELS
from lenet.runs import TrainOptions
from lenet.training import Recipe

FILE = Path(lenet.core.__file__).parent / "_keywords.py"
ROOT = Path(__file__).parent.parent
HEAD = '''"""The keywords of public functions, for editors and type checkers.

Written by `python tests/test_keywords.py` from the classes of settings, which hold the defaults,
the explanations and the checks.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict
'''
NAMES = {int: "int", float: "float", bool: "bool", str: "str", type(None): "None"}
KEYWORDS: list[tuple[str, str, str, list[type[Settings]]]] = [
    ("ComputeKeywords", "", "Where something is computed, and by what.", [Compute]),
    (
        "RecipeKeywords",
        "",
        "How a network is trained, and the settings of all networks.",
        [Recipe, *MODELS.values()],
    ),
    ("TrainKeywords", "ComputeKeywords, RecipeKeywords", "What `train` takes.", [TrainOptions]),
    (
        "CompareKeywords",
        "ComputeKeywords, RecipeKeywords",
        "What `compare` takes.",
        [CompareOptions],
    ),
    ("SweepWorkKeywords", "ComputeKeywords", "What `resume_sweep` takes.", [SweepWork]),
    ("SweepKeywords", "SweepWorkKeywords, RecipeKeywords", "What `sweep` takes.", [SweepOptions]),
]


def in_source(annotation: Any) -> str:
    """A type as it is written, for what a person may pass."""
    if annotation in NAMES:
        return NAMES[annotation]
    if annotation is Path:
        return "Path | str"
    if get_origin(annotation) is Literal:
        choices = ", ".join(f'"{choice}"' for choice in get_args(annotation))
        return f"Literal[{choices}]"
    if get_origin(annotation) is tuple:
        item = in_source(get_args(annotation)[0])
        return f"str | Sequence[{item}]" if item == "str" else f"Sequence[{item}]"
    assert get_origin(annotation) in (Union, types.UnionType), annotation
    return " | ".join(map(in_source, get_args(annotation)))


def written() -> str:
    """What the file is to hold."""
    known: dict[str, dict[str, str]] = {}
    blocks = [HEAD]
    for name, bases, explanation, classes in KEYWORDS:
        inherited: dict[str, str] = {}
        for base in filter(None, bases.split(", ")):
            inherited |= known[base]
        own: dict[str, str] = {}
        for cls in classes:
            for field, annotation in field_types(cls).items():
                if field in inherited:
                    continue
                assert own.setdefault(field, in_source(annotation)) == in_source(annotation)
        known[name] = inherited | own
        lines = [f"\n\nclass {name}({bases or 'TypedDict'}, total=False):"]
        lines += [f'    """{explanation}"""\n']
        lines += [f"    {field}: {text}" for field, text in own.items()]
        blocks.append("\n".join(lines) + "\n")
    return "".join(blocks)


def test_the_keywords_are_those_of_the_settings() -> None:
    assert FILE.read_text() == written(), "run `python tests/test_keywords.py`"


if __name__ == "__main__":
    FILE.write_text(written())
