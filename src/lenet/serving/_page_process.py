"""Makes the page at `/`: `python -m lenet.serving._page_process MODELS`, with its text as output.

A process of its own, as examples to step through come from datasets, which need PyTorch; the
service does not keep that in its memory.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lenet.datasets import Split
from lenet.errors import LenetError
from lenet.playground import (
    PlaygroundModel,
    build_playground,
    bundled_examples,
    choose_examples,
)
from lenet.runs import load_data_of, open_run


def main(told: str) -> None:
    """Write the page.

    Args:
        told: JSON: of each model its `name`, the `url` of its file, and where its examples are: the
            `bundled` model or the `run` folder, or `null` for both.
    """
    models = json.loads(told)
    examples = {}
    for model in models:
        if (found := _examples_for(model["bundled"], model["run"])) is not None:
            examples[model["name"]] = found
    shown = [PlaygroundModel(model["name"], url=model["url"]) for model in models]
    try:
        page = build_playground(shown, examples=examples)
    except LenetError:  # examples that are too large for a page
        page = build_playground(shown)
    sys.stdout.buffer.write(page.encode())


def _examples_for(bundled: str | None, run: str | None) -> Split | None:
    """Test images for a model, if there are any on this machine."""
    if bundled is not None:
        return bundled_examples(bundled)
    if run is None:
        return None
    try:
        test = load_data_of(open_run(Path(run))).test
        return None if test is None or not len(test) else choose_examples(test)
    except LenetError:
        return None


if __name__ == "__main__":
    main(sys.argv[1])
