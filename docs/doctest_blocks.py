"""Show the examples in docstrings as code; Markdown would take `>>>` for a quotation."""

import re

import griffe

# A prompt, and everything below it up to an empty line.
_EXAMPLE = re.compile(r"^>>> (?:.|\n(?!\n|\Z))*", flags=re.MULTILINE)


class DoctestBlocks(griffe.Extension):
    """Put a fence round every example in a docstring."""

    def on_object(self, *, obj: griffe.Object, **kwargs: object) -> None:
        """Change the docstring in place, before it is parsed."""
        if obj.docstring and ">>> " in obj.docstring.value:
            obj.docstring.value = _EXAMPLE.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)
