"""What is said of the release in several files is the same in all of them."""

import re
import sys
from pathlib import Path

from lenet import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_citation_names_this_release_and_the_repository() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    fields = dict(re.findall(r"^([\w-]+): (\S+)", text, re.MULTILINE))
    assert fields["version"] == __version__
    assert fields["repository-code"] == PROJECT["urls"]["Source"]


def test_the_workflows_run_what_there_is() -> None:
    texts = [file.read_text() for file in (ROOT / ".github" / "workflows").glob("*.yml")]
    lines = [line for text in texts for line in re.findall(r"- run: ([^|].*)", text)]
    assert sorted(lines) == [".ci/run", "make wheels"]
    assert "\nwheels: " in (ROOT / "Makefile").read_text()


def test_all_addresses_are_those_of_one_repository() -> None:
    source = PROJECT["urls"]["Source"]
    assert [link for link in PROJECT["urls"].values() if not link.startswith(source)] == []
