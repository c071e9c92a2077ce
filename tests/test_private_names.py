"""PyTorch's private names stand in one file, which a new release may make us change."""

import ast
from pathlib import Path

import torch
from torch import nn

ROOT = Path(__file__).parents[1]
HOME = ROOT / "src" / "lenet" / "kernels" / "_pytorch.py"
FILES = [
    path
    for folder in ("src", "benchmarks", "docs", "tools")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path != HOME
]
OF_OBJECTS = {
    name
    for owner in (nn.Linear(1, 1), nn.Parameter(), torch.optim.SGD([nn.Parameter()]), nn.Module)
    for name in dir(owner)
    if name.startswith("_") and not name.startswith("__")
}


def private_names(code: str) -> set[str]:
    """PyTorch's names with a leading underscore that a program uses, bar attributes of its own."""
    tree = ast.parse(code)
    own: set[str] = set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            own.add(node.attr)
        elif isinstance(node, ast.FunctionDef):
            own.add(node.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner, _, name = ast.unparse(node).rpartition(".")
            of_torch = name in OF_OBJECTS and not (owner == "self" and name in own)
            if of_torch or owner.partition(".")[0] in ("torch", "nn", "F"):
                found.add(name)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("torch"):
            found |= {*(node.module or "").split("."), *(alias.name for alias in node.names)}
        elif isinstance(node, ast.Import):
            names = (alias.name for alias in node.names if alias.name.startswith("torch"))
            found |= {part for name in names for part in name.split(".")}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {node.value} & OF_OBJECTS  # for `getattr`
    return {name for name in found if name.startswith("_") and not name.startswith("__")}


def test_no_other_file_has_private_names_of_pytorch() -> None:
    found = {str(path): private_names(path.read_text(encoding="utf-8")) for path in FILES}
    assert not {path: names for path, names in found.items() if names}


def test_they_are_found_however_they_are_reached() -> None:
    assert private_names("layer._forward_hooks.clear()") == {"_forward_hooks"}
    assert private_names("getattr(weight, '_backward_hooks')") == {"_backward_hooks"}
    assert private_names("self._modules['0']") == {"_modules"}
    assert private_names("torch._C.anything()") == {"_C"}
    assert private_names("from torch.nn.modules.dropout import _DropoutNd") == {"_DropoutNd"}
    assert private_names("import torch._dynamo.config") == {"_dynamo"}
    assert private_names("self._modules = []; self._modules.append(model)") == set()
    assert private_names(HOME.read_text(encoding="utf-8")) > {"_C", "_buffers", "_modules"}
