import re
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"([\\`*_\[\]#|~$])")
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")


def escaped(text: str) -> str:
    r"""A text within a line of Markdown that is read as it is.

    >>> print(escaped("a|b <i>*c*\n#1"))
    a\|b &lt;i&gt;\*c\* \#1
    """
    shown = _UNSHOWABLE.sub(" ", text).replace("&", "&amp;").replace("<", "&lt;")
    return _MARKUP.sub(r"\\\1", shown.replace(">", "&gt;"))


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already.

    >>> print(markdown_table(["class", "images"], [["coat", "7"]]))
    | class | images |
    | --- | --- |
    | coat | 7 |
    """
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
