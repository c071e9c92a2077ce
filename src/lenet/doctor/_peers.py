from importlib.util import find_spec

from lenet.doctor._finding import Finding

_PEERS = ("onnxruntime", "jax")


def find_peers() -> Finding:
    """Which of the packages are here that nothing but `lenet bench` needs."""
    here = [name for name in _PEERS if find_spec(name)]
    missing = [name for name in _PEERS if name not in here]
    parts = [("installed", here), ("not installed", missing)]
    text = "; ".join(f"{state}: {', '.join(names)}" for state, names in parts if names)
    return Finding("peers", "ok", f"{text} (for `lenet bench` alone)")
