"""Text that others wrote, made safe to show.

Names of files, labels and classes may hold anything: characters that move a terminal's cursor or
change its title, that turn the order of what follows round, or that begin a line of their own.
They are shown escaped. Scripts of all kinds and emoji stay as they are.
"""

import re

# C0, DEL and C1; separators of lines and paragraphs; embeddings, overrides and isolates of the
# direction of writing; and halves of characters, as which undecodable bytes of a name come.
_CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_CONTROL = re.compile(f"[{_CONTROLS}]")
_NOT_OF_TEXT = re.compile(f"(?!\n)[{_CONTROLS}]")
_QUOTED = re.compile("`[^`]*`")


def escape_name(name: str) -> str:
    r"""A name of which every control character is escaped, line ends too.

    >>> print(escape_name("cat\x1b[2J\n猫 🐈"))
    cat\x1b[2J\n猫 🐈
    """
    return _CONTROL.sub(_escaped, name)


def escape_text(text: str) -> str:
    r"""A text of any number of lines of which every control character is escaped, bar line ends.

    Names stand between backticks in it; line ends within these are the names' own.

    >>> print(escape_text("No `a\nb`.\nNo \x9bm either."))
    No `a\nb`.
    No \u009bm either.
    """
    if _CONTROL.search(text) is None:
        return text
    named = _QUOTED.sub(lambda quoted: escape_name(quoted[0]), text)
    return _NOT_OF_TEXT.sub(_escaped, named)


def _escaped(match: re.Match[str]) -> str:
    """A character as Python writes it; outside of ASCII in the form that JSON has, too."""
    code = ord(match[0])
    short = {9: r"\t", 10: r"\n", 13: r"\r"}
    return short.get(code) or (f"\\x{code:02x}" if code < 32 else f"\\u{code:04x}")
