"""What every page is: a file with its script, style and data; a policy forbids the rest."""

import base64
import hashlib
from collections.abc import Mapping

from lenet.core import json_text


def fill_page(
    template: str, *, script: str, style: str, data: object, rules: Mapping[str, str]
) -> str:
    """Fill the fields `{{policy}}`, `{{style}}`, `{{data}}` and `{{script}}` of a page.

    Args:
        template: The page's HTML.
        script: Its only script.
        style: Its only style.
        data: What the script reads out of the page, as JSON.
        rules: What its policy allows besides that script, that style, the core and pictures that
            it holds, such as `connect-src`.
    """
    parts = {
        "policy": _policy(script, style, rules),
        "style": style,
        "data": _as_json(data),
        "script": script,
    }
    before, *fields = template.split("{{")
    for field in fields:
        name, after = field.split("}}", 1)
        before += parts[name] + after
    return before


def _as_json(values: object) -> str:
    """Values as JSON that ends no `<script>`."""
    text = json_text(values, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text.encode("utf-8", "replace").decode()


def _policy(script: str, style: str, rules: Mapping[str, str]) -> str:
    """What the page may do: run its own script, style and core, and show pictures that it holds."""
    hashes = {
        name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for name, text in (("script", script), ("style", style))
    }
    allowed = {
        "default-src": "'none'",
        "script-src": f"'sha256-{hashes['script']}' 'wasm-unsafe-eval'",
        "style-src": f"'sha256-{hashes['style']}'",
        "img-src": "data: blob:",
        **rules,
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in allowed.items())
