"""The page's JavaScript modules as one script, without comments and indentation."""

import re
from pathlib import Path

_IMPORT = re.compile(r'import \{[^}]*\} from "\./([\w.]+)";')
_EXPORT = re.compile(r"export (?=(?:async )?(?:function|class|const|let)\b)")
_BLOCK_COMMENT = re.compile(r"^[ ]*/\*(?:(?!\*/).)*\*/[ ]*\n", re.MULTILINE | re.DOTALL)
_TYPE_COMMENT = re.compile(r"/\*\* @\w+ .*? \*/ ?")
_LINE_COMMENT = re.compile(r"^[ ]*//.*\n|[ ]+// [^\"'`\n]*$", re.MULTILINE)
_INDENTATION = re.compile(r"^[ ]+|\n(?=\n)", re.MULTILINE)


def join_modules(folder: Path, entry: str) -> str:
    """Put a module of a folder and all that it imports into one script; it comes last itself.

    A module's imports are lines of their own, `import { a, b } from "./other.js";`, and so are its
    exports, `export function a …`. As all share one scope, each name at the top of a module is to
    be the only one of its kind. No text goes over the end of a line.
    """
    ordered: dict[str, str] = {}

    def add(name: str, importing: tuple[str, ...]) -> None:
        if name in ordered or name in importing:  # functions may know each other in a circle
            return
        text = (folder / name).read_text(encoding="utf-8")
        for needed in _IMPORT.findall(text):
            add(needed, (*importing, name))
        ordered[name] = _EXPORT.sub("", _IMPORT.sub("", text))

    add(entry, ())
    return shorten("\n".join(ordered.values()))


def shorten(text: str) -> str:
    r"""A script or a stylesheet without comments, indentation and empty lines.

    Comments in the middle of a line are left where quotes follow, as they may be part of a text.

    >>> shorten("/** What it is. */\nlet a = 1; // one\n\n  let b = 'http://b';\n")
    "let a = 1;\nlet b = 'http://b';\n"
    """
    for superfluous in (_BLOCK_COMMENT, _TYPE_COMMENT, _LINE_COMMENT, _INDENTATION):
        text = superfluous.sub("", text)
    return text.lstrip("\n")
