"""The pages of a service: the playground at `/`, and at `/docs` what it takes and gives.

The playground is made by a process of its own, `python -m lenet.serving._pages MODELS`: examples
to step through come from datasets, which need PyTorch, which the service does not keep in memory.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.exceptions import HTTPException

from lenet.core import environment_without_secrets
from lenet.errors import LenetError
from lenet.results import Column, Node, Page, Section, code_block, element, paragraph, table
from lenet.serving._models import ServedModel

if TYPE_CHECKING:
    from lenet.datasets import Split

_CURL = {
    "image/*": "curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' {address}",
    "multipart/form-data": "curl -F picture=@a.png -F picture=@b.png {address}",
    "application/json": "curl --json @pictures.json {address}",
}
_LEAD = (
    "Errors are JSON, an object with `detail`, which says what is wrong and what to do. Where the "
    "service has a key, send it as `Authorization: Bearer KEY`, as `X-API-Key: KEY`, or as the "
    "password of HTTP Basic. `/openapi.json` describes the same for programs."
)
_TYPES = {"string": "text", "integer": "whole number", "boolean": "true or false"}


class PlaygroundPage:
    """The page at `/`, with all models that are served; made when it is asked for first."""

    def __init__(self, models: Sequence[ServedModel]):
        told = [
            {
                "name": model.name,
                "url": model.address.lstrip("/"),
                "bundled": model.bundled,
                "run": None if model.run is None else str(model.run),
            }
            for model in models
        ]
        self._command = [sys.executable, "-m", "lenet.serving._pages", json.dumps(told)]
        self._making: asyncio.Task[str] | None = None

    async def text(self) -> str:
        """The page, or an `HTTPException` if it could not be made."""
        if self._making is None or (self._making.done() and self._making.exception()):
            self._making = asyncio.get_running_loop().create_task(self._make())
        return await asyncio.shield(self._making)

    @property
    def is_being_made(self) -> bool:
        return self._making is not None and not self._making.done()

    async def close(self) -> None:
        if self._making is not None and not self._making.done():
            self._making.cancel()
            await asyncio.wait([self._making])

    async def _make(self) -> str:
        environment = {**environment_without_secrets(), "LENET_OFFLINE": "1"}
        process = await asyncio.create_subprocess_exec(
            *self._command, stdout=asyncio.subprocess.PIPE, env=environment
        )
        try:
            content, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            raise HTTPException(500, "The page could not be made; the service's log says why.")
        return content.decode()


def main(told: str) -> None:
    """Write the playground page.

    JSON tells of each model its `name`, the `url` of its file, and where its examples are: the
    `bundled` model or the `run` folder, or `null` for both.
    """
    from lenet.playground import PlaygroundModel, build_playground

    models = json.loads(told)
    found = {model["name"]: _examples_for(model["bundled"], model["run"]) for model in models}
    examples = {name: split for name, split in found.items() if split is not None}
    shown = [PlaygroundModel(model["name"], url=model["url"]) for model in models]
    try:
        page = build_playground(shown, examples=examples)
    except LenetError:  # examples that are too large for a page
        page = build_playground(shown)
    sys.stdout.buffer.write(page.encode())


def _examples_for(bundled: str | None, run: str | None) -> Split | None:
    """Test images for a model, if there are any on this machine."""
    from lenet.playground import bundled_examples, choose_examples
    from lenet.runs import load_data_of, open_run

    if bundled is not None:
        return bundled_examples(bundled)
    try:
        test = None if run is None else load_data_of(open_run(Path(run))).test
        return None if test is None or not len(test) else choose_examples(test)
    except LenetError:
        return None


class ReferencePage:
    """The page at `/docs`, which needs nothing from elsewhere; a class's fields are told once.

    Args:
        description: The service's, in OpenAPI.
        address: Where this machine finds the service.
        model: A model's name, for examples.
    """

    def __init__(self, description: dict[str, Any], address: str, model: str):
        self._description = description
        self._schemas: dict[str, Any] = description["components"]["schemas"]
        self._address = address
        self._model = quote(model)
        self._shown: set[str] = set()

    def to_html(self) -> str:
        """All requests, one after the other."""
        sections = [
            self._section(path, method, operation)
            for path, operations in self._description["paths"].items()
            for method, operation in operations.items()
        ]
        info = self._description["info"]
        return Page(
            title="The service, request by request",
            subtitle=info.get("summary", ""),
            lead=(paragraph(*_marked(_LEAD)),),
            sections=tuple(sections),
            footer=(f"lenet {info['version']}",),
        ).to_html()

    def _section(self, path: str, method: str, operation: dict[str, Any]) -> Section:
        """One request at an address: what it takes and gives."""
        address = self._address + path.replace("{name}", self._model)
        content: list[Node] = [paragraph(element("strong", operation["summary"]), ".")]
        content += [
            paragraph(*_marked(" ".join(text.split())))
            for text in operation.get("description", "").split("\n\n")
            if text
        ]
        if parameters := operation.get("parameters"):
            rows = [
                [
                    element("code", parameter["name"]),
                    _type_of(parameter["schema"]),
                    _default(parameter["schema"]),
                    element("span", *_marked(parameter.get("description", ""))),
                ]
                for parameter in parameters
            ]
            content.append(_table("Parameters", "Parameter Type Default Meaning", rows))
        if body := operation.get("requestBody"):
            content += self._body(body, address)
        else:
            content.append(code_block(f"curl {address}"))
        content += self._answers(operation["responses"])
        anchor = f"{method}{path}".translate(str.maketrans("/", "-", "{}")).rstrip("-")
        return Section(f"{method.upper()} {path}", anchor, tuple(content))

    def _body(self, body: dict[str, Any], address: str) -> Iterator[Node]:
        """What is sent, with commands to copy."""
        yield element("h3", "Body")
        yield paragraph(*_marked(body["description"]))
        for kind, described in body["content"].items():
            if kind in _CURL:
                yield paragraph(element("code", kind))
                yield code_block(_CURL[kind].format(address=address))
            for title, example in described.get("examples", {}).items():
                yield paragraph(f"{title}:")
                yield code_block(json.dumps(example["value"]))
        yield from self._fields("Picture")

    def _answers(self, responses: dict[str, Any]) -> Iterator[Node]:
        rows: list[list[Node]] = [
            [status, element("span", *_marked(answer["description"]))]
            for status, answer in sorted(responses.items())
            if status != "422" or answer["description"] != "Validation Error"
        ]
        yield element("h3", "Answers")
        yield _table("Statuses", "Status When", rows)
        described = responses["200"].get("content", {}).get("application/json", {})
        if "example" in described:
            yield code_block(json.dumps(described["example"], indent=2))
        for name in self._classes_in(described.get("schema", {}), []):
            if name not in self._shown:
                yield from self._fields(name)
            self._shown.add(name)

    def _classes_in(self, values: Any, found: list[str]) -> list[str]:
        """The classes that a description speaks of, and those that these speak of."""
        if isinstance(values, dict):
            name = str(values.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found.append(name)
                self._classes_in(self._schemas[name], found)
            values = list(values.values())
        for value in values if isinstance(values, list) else ():
            self._classes_in(value, found)
        return found

    def _fields(self, name: str) -> Iterator[Node]:
        described = self._schemas[name]
        rows: list[list[Node]] = [
            [
                element("code", field),
                _type_of(values),
                element("span", *_marked(values.get("description", ""))),
            ]
            for field, values in described.get("properties", {}).items()
        ]
        if rows:
            meaning = described.get("description", "").partition("\n")[0]
            yield _table(f"{described.get('title', name)}: {meaning}", "Field Type Meaning", rows)


def _table(caption: str, headings: str, rows: list[list[Node]]) -> Node:
    return table([Column(heading) for heading in headings.split()], rows, caption)


def _default(values: dict[str, Any]) -> Node:
    default = values.get("default")
    return "" if default is None else element("code", json.dumps(default).strip('"'))


def _type_of(values: dict[str, Any]) -> str:
    if "anyOf" in values:
        return " or ".join(dict.fromkeys(_type_of(one) for one in values["anyOf"]))
    if "enum" in values:
        return " or ".join(f"“{choice}”" for choice in values["enum"])
    if "const" in values:
        return f"“{values['const']}”"
    if "$ref" in values:
        return str(values["$ref"]).rpartition("/")[2]
    if values.get("type") == "array":
        return f"list of {_type_of(values['items'])}" if "items" in values else "list"
    name = str(values.get("type", "anything"))
    return _TYPES.get(name, name)


def _marked(text: str) -> Iterator[Node]:
    """A text whose code stands between backticks."""
    for place, part in enumerate(text.split("`")):
        if place % 2:
            yield element("code", part)
        elif part:
            yield part


if __name__ == "__main__":
    main(sys.argv[1])
