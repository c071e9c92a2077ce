"""The WebAssembly that is committed is what the sources give."""

import runpy
from pathlib import Path

TOOL = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "wasm.py"))


def test_the_committed_files_are_of_these_sources() -> None:
    """`make wasm WASM=--check` compares the bytes themselves, with a compiler."""
    assert TOOL["committed"](TOOL["SOURCES"]).decode() == f"{TOOL['digest_of_sources']()}\n", (
        "Run `make wasm`, and commit."
    )


def test_both_are_programs_that_ask_for_nothing() -> None:
    """WebAssembly's version 1, without a section of imports, which a page would have to meet."""
    for name in TOOL["FILES"]:
        content = TOOL["committed"](name)
        assert content.startswith(b"\0asm\1\0\0\0")
        assert 2 not in sections(content), name


def sections(content: bytes) -> list[int]:
    """The kinds of a program's sections."""
    kinds, place = [], 8
    while place < len(content):
        kinds.append(content[place])
        size = shift = 0
        while True:
            place += 1
            size |= (content[place] & 127) << shift
            shift += 7
            if content[place] < 128:
                break
        place += 1 + size
    assert place == len(content)
    return kinds
