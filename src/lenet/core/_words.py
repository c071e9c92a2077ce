"""Words for people: what others wrote, made safe to show; what they meant; what to install.

Names of files, labels and classes may hold anything: characters that move a terminal's cursor or
change its title, that turn the order of what follows round, or that begin a line of their own.
They are shown escaped. Scripts of all kinds and emoji stay as they are.
"""

import re
import shlex
import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# C0, DEL and C1; separators of lines and paragraphs; embeddings, overrides and isolates of the
# direction of writing; and halves of characters, as which undecodable bytes of a name come.
_CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_CONTROL = re.compile(f"[{_CONTROLS}]")
_NOT_OF_TEXT = re.compile(f"(?!\n)[{_CONTROLS}]")
_QUOTED = re.compile("`[^`]*`")
_NEAR, _LONGEST = 0.5, 100  # of a name: 0 to 1, and characters


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


def nearest_name(name: str, choices: Iterable[str]) -> str | None:
    """The choice that a person who typed a name most likely meant; `None` if none is near.

    Case and what parts words do not count. Near is what has few typing errors, has some of a
    choice's words or all of them beside others, begins one of them, or abbreviates the choice. Of
    choices that are as near the first is taken.

    >>> nearest_name("MNIST", ["fashion-mnist", "mnist"]), nearest_name("rate", ["learning_rate"])
    ('mnist', 'learning_rate')
    """
    scored = [(_nearness(name[:_LONGEST], choice), choice) for choice in choices]
    score, choice = max(scored, key=lambda pair: pair[0], default=(0.0, ""))
    return choice if score >= _NEAR else None


def _nearness(name: str, choice: str) -> float:
    one, other = (re.findall(r"[^\W_]+", text.lower()) for text in (name, choice))
    typed, known = "".join(one), "".join(other)
    if not typed or not known:
        return 0.0
    scores = [1 - _edits(typed, known) / max(len(typed), len(known))]
    if set(one) <= set(other):
        scores.append(0.8 + 0.2 * len(typed) / len(known))
    if set(other) <= set(one):
        scores.append(0.6 + 0.2 * len(known) / len(typed))
    if len(typed) > 2 and any(known.startswith(typed, known.find(word)) for word in other):
        scores.append(0.8)
    rest = iter(known)
    if len(typed) > 1 and typed[0] == known[0] and all(letter in rest for letter in typed):
        initials = "".join(word[0] for word in other)
        scores.append(0.7 if typed == initials else 0.6)  # an abbreviation
    return max(scores)


def _edits(one: str, other: str) -> int:
    """How many letters were left out, added, changed or swapped with their neighbour."""
    before, row = [0], list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        last, row = row, [i]
        for j, wanted in enumerate(other, 1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (letter != wanted)))
            if i > 1 and j > 1 and (letter, one[i - 2]) == (other[j - 2], wanted):
                row[j] = min(row[j], before[j - 2] + 1)
        before = last
    return row[-1]


def distribution_name() -> str:
    """What pip knows this package by: `lenet-core` where that one is installed, else `lenet`."""
    from importlib.metadata import PackageNotFoundError, distribution

    for name in ("lenet", "lenet-core"):
        with suppress(PackageNotFoundError):
            distribution(name)
            return name
    return "lenet"


def install_command(what: str) -> str:
    """The command that installs something into the environment that this program runs in.

    `pip` alone is that of another environment where this one was not activated. Of `lenet[serve]`
    pip takes the packages from what is installed as `lenet`, a wheel as well as a clone, so it need
    not be had from anywhere.

    Args:
        what: As it is typed behind `pip install`.
    """
    pip, own = shutil.which("pip"), Path(sys.executable).parent
    is_own = pip is not None and Path(pip).absolute().parent == own
    program = "pip" if is_own else f"{shlex.quote(sys.executable)} -m pip"
    return f"{program} install {what}"


def shorten(text: str, longest: int = 80) -> str:
    r"""A text of anybody's, on one line and no longer than a message can have it.

    >>> shorten("one\ntwo three", 8)
    'one two…'
    """
    text = " ".join(text.split()) if "\n" in text else text
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
