"""Passwords and tokens, which have no place in files, logs and messages."""

import os
import re
from collections.abc import Sequence

_STARS = "***"
_NAMES = r"[\w-]*(?:passw(?:or)?d|pwd|secret|token|credential|(?:api|access|private)[_-]?key)[\w-]*"
# `scheme://user:password@host`; a password may hold anything but a blank. Where there is no colon,
# what stands before a web server's name may be a token.
_PASSWORD = re.compile(r"([a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s]+@", re.IGNORECASE)
_TOKEN = re.compile(r"(https?://)[^\s:/@?#]+@", re.IGNORECASE)
_GIVEN = re.compile(rf"({_NAMES}\s?=)[^\s&;,'\"`]+", re.IGNORECASE)
_VARIABLE = re.compile("KEY|SECRET|TOKEN|PASSW|PASSPHRASE|CREDENTIAL|AUTH", re.IGNORECASE)
_OPTION = re.compile(f"--?{_NAMES}", re.IGNORECASE)


def hide_secrets(text: str) -> str:
    """A text with stars where URLs and settings in it hold passwords or tokens.

    >>> hide_secrets("Can't reach https://me:pass@host:5000 or postgresql://host/db?password=pass.")
    "Can't reach https://me:***@host:5000 or postgresql://host/db?password=***"
    """
    text = _PASSWORD.sub(rf"\1{_STARS}@", text)
    text = _TOKEN.sub(rf"\1{_STARS}@", text)
    return _GIVEN.sub(rf"\1{_STARS}", text)


def hide_in_command(arguments: Sequence[str]) -> list[str]:
    """The words of a command, without its secrets; one may follow the option that names it.

    >>> hide_in_command(["train.py", "--api-key", "a1b2", "--epochs", "3", "PGPASSWORD=x"])
    ['train.py', '--api-key', '***', '--epochs', '3', 'PGPASSWORD=***']
    """
    before = ["", *arguments]
    return [
        _STARS if _OPTION.fullmatch(name) and not one.startswith("--") else hide_secrets(one)
        for name, one in zip(before, arguments, strict=False)
    ]


def environment_without_secrets() -> dict[str, str]:
    """The variables for processes that read what strangers send."""
    return {
        name: value
        for name, value in os.environ.items()
        if not _VARIABLE.search(name) and not _PASSWORD.search(value)
    }
