"""The service's description as a page that needs nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from lenet.results import (
    Column,
    Node,
    Page,
    Section,
    code_block,
    element,
    paragraph,
    table,
)

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


def reference_page(schema: dict[str, Any], address: str, model: str) -> str:
    """The page for an OpenAPI description.

    Args:
        schema: The description, as FastAPI makes it.
        address: Where this machine finds the service.
        model: A model's name, for examples.
    """
    shown: set[str] = set()  # classes whose fields were told before
    name = quote(model)
    sections = [
        _section(path, method, operation, schema, shown, address + path.replace("{name}", name))
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    ]
    return Page(
        title="The service, request by request",
        subtitle=schema["info"].get("summary", ""),
        lead=(paragraph(*_marked(_LEAD)),),
        sections=tuple(sections),
        footer=(f"lenet {schema['info']['version']}",),
    ).to_html()


def _section(
    path: str,
    method: str,
    operation: dict[str, Any],
    schema: dict[str, Any],
    shown: set[str],
    address: str,
) -> Section:
    """One request at an address: what it takes and gives."""
    title = f"{method.upper()} {path}"
    content: list[Node] = [paragraph(element("strong", operation["summary"]), ".")]
    content += [
        paragraph(*_marked(" ".join(text.split())))
        for text in operation.get("description", "").split("\n\n")
        if text
    ]
    if parameters := operation.get("parameters"):
        rows = [_parameter(parameter) for parameter in parameters]
        columns = [Column("Parameter"), Column("Type"), Column("Default"), Column("Meaning")]
        content.append(table(columns, rows, "Parameters"))
    body = operation.get("requestBody")
    if body:
        content += _body(body, address, schema)
    else:
        content.append(code_block(f"curl {address}"))
    content += _answers(operation["responses"], schema, shown)
    return Section(title, _anchor(method, path), tuple(content))


def _anchor(method: str, path: str) -> str:
    """A name for addresses."""
    return f"{method}{path}".replace("/", "-").replace("{", "").replace("}", "").rstrip("-")


def _parameter(parameter: dict[str, Any]) -> list[Node]:
    """A row about a parameter."""
    values = parameter["schema"]
    default = values.get("default", "")
    return [
        element("code", parameter["name"]),
        _type_of(values),
        element("code", json.dumps(default).strip('"')) if default != "" else "",
        element("span", *_marked(parameter.get("description", ""))),
    ]


def _body(body: dict[str, Any], address: str, schema: dict[str, Any]) -> list[Node]:
    """What is sent, with commands to copy."""
    content: list[Node] = [element("h3", "Body"), paragraph(*_marked(body["description"]))]
    for kind, described in body["content"].items():
        if kind in _CURL:
            content += [
                paragraph(element("code", kind)),
                code_block(_CURL[kind].format(address=address)),
            ]
        for title, example in described.get("examples", {}).items():
            content += [paragraph(f"{title}:"), code_block(json.dumps(example["value"]))]
        if kind == "application/json":
            content += _fields("Picture", schema)
    return content


def _answers(responses: dict[str, Any], schema: dict[str, Any], shown: set[str]) -> list[Node]:
    """What is given back."""
    rows: list[list[Node]] = [
        [status, element("span", *_marked(answer["description"]))]
        for status, answer in sorted(responses.items())
        if status != "422" or answer["description"] != "Validation Error"
    ]
    content: list[Node] = [
        element("h3", "Answers"),
        table([Column("Status"), Column("When")], rows, "Statuses"),
    ]
    described = responses["200"].get("content", {}).get("application/json", {})
    if "example" in described:
        content.append(code_block(json.dumps(described["example"], indent=2)))
    for name in _names_in(described.get("schema", {}), schema):
        if name not in shown:
            content += _fields(name, schema)
        shown.add(name)
    return content


def _names_in(values: Any, schema: dict[str, Any]) -> list[str]:
    """The classes that a description speaks of, and those that these speak of."""
    found: dict[str, None] = {}

    def collect(part: Any) -> None:
        if isinstance(part, dict):
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found[name] = None
                collect(schema["components"]["schemas"][name])
            for value in part.values():
                collect(value)
        elif isinstance(part, list):
            for value in part:
                collect(value)

    collect(values)
    return list(found)


def _fields(name: str, schema: dict[str, Any]) -> list[Node]:
    """A table of the fields of a class."""
    described = schema["components"]["schemas"].get(name)
    if described is None or "properties" not in described:
        return []
    rows: list[list[Node]] = [
        [
            element("code", field),
            _type_of(values),
            element("span", *_marked(values.get("description", ""))),
        ]
        for field, values in described["properties"].items()
    ]
    caption = f"{described.get('title', name)}: {_first_line(described.get('description', ''))}"
    columns = [Column("Field"), Column("Type"), Column("Meaning")]
    return [table(columns, rows, caption)]


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _type_of(values: dict[str, Any]) -> str:
    """A type in words."""
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
    return {
        "string": "text",
        "integer": "whole number",
        "boolean": "true or false",
        "null": "null",
    }.get(values.get("type", ""), str(values.get("type", "anything")))


def _marked(text: str) -> Iterator[Node]:
    """A text whose code stands between backticks."""
    for place, part in enumerate(text.split("`")):
        if place % 2:
            yield element("code", part)
        elif part:
            yield part
