"""A strict reader of Prometheus' text format 0.0.4, after its description."""

import re

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{((?:{_LABEL},?)*)\}})? (\S+)")

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read_metrics(text: str) -> Samples:
    """The samples of a text, by name and labels; anything that is not allowed is an error."""
    assert text.endswith("\n")
    samples: Samples = {}
    kinds: dict[str, str] = {}
    described: set[str] = set()
    closed: set[str] = set()
    current = ""
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in described
            described.add(name)
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds
            assert kind in ("counter", "gauge", "histogram")
            kinds[name] = kind
            closed.add(current)
            assert name not in closed
            current = name
            continue
        match = _SAMPLE.fullmatch(line)
        assert match, line
        name, labels = match[1], match[2] or ""
        family = re.sub("_(bucket|sum|count)$", "", name) if name not in kinds else name
        assert family == current, f"{name} stands among the samples of {current}"
        key = name, tuple(sorted(re.findall(_LABEL, labels)))
        assert key not in samples
        samples[key] = float(match[match.lastindex or 0])
        if kinds[family] == "counter":
            assert name.endswith("_total")
            assert samples[key] >= 0
    for family in (name for name, kind in kinds.items() if kind == "histogram"):
        buckets = [
            (float(dict(labels)["le"]), value)
            for (name, labels), value in samples.items()
            if name == f"{family}_bucket"
        ]
        assert buckets == sorted(buckets), "buckets grow"
        assert buckets[-1] == (float("inf"), samples[f"{family}_count", ()])
        assert (f"{family}_sum", ()) in samples
    return samples
