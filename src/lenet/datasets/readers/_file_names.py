"""Labels and groups in the names of files, as in `3_0012.jpg`, `cat.17.png`, `img_0001_dog.png`."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lenet.datasets.readers._contents import name_some, natural_key
from lenet.datasets.readers._dataset_parts import NAMED, info_command
from lenet.errors import DataFileError
from lenet.pictures import SUFFIXES

_MOST = 1000  # classes
_NEARLY_ALL = 0.95  # of the names; some files are none of the data's
_WORDS = re.compile(r"[^\W_]+|[\W_]+")  # and what parts them
_FINER = re.compile(r"\d+|[^\W\d_]+|[\W_]+")  # `dog001` has two
_CALLED = re.compile(r"(?<![a-z])(label|class|digit)[_-]?LABEL", re.IGNORECASE)


def stem_of(path: Path) -> str:
    """A file's name without the ending of a picture."""
    return path.stem if path.suffix.lower() in SUFFIXES else path.name


def finder_in(pattern: str, word: str) -> Callable[[str], str | None]:
    """What finds in a file's name what stands where a pattern has a word.

    In the pattern `#` stands for a number and `*` for anything.

    >>> find = finder_in("img_#_LABEL", "LABEL")
    >>> find("img_0001_golden_retriever"), find("notes")
    ('golden_retriever', None)
    """
    if Path(pattern).suffix.lower() in SUFFIXES:
        pattern = pattern[: -len(Path(pattern).suffix)]
    forms = {word: "(.+?)", "#": "[0-9]+", "*": ".*?"}
    parts = re.split(rf"({word}|#|\*)", pattern)
    compiled = re.compile("".join(forms.get(part) or re.escape(part) for part in parts), re.DOTALL)

    def find(stem: str) -> str | None:
        match = compiled.fullmatch(stem)
        return match[1] if match else None

    return find


def find_patterns(stems: Sequence[str]) -> list[str]:
    """The patterns by which the names of files may hold labels: one alone where it is plain.

    A text that changes from class to class is a label, and so is a number that comes back, if it is
    not one that counts the pictures of a class.

    >>> find_patterns([f"{label}.{n}" for label in ("cat", "dog") for n in range(9)])
    ['LABEL.#']
    >>> find_patterns([f"{label}_{n:04}" for label in range(3) for n in range(9)])
    ['LABEL_#']
    >>> find_patterns([f"{label}_{n}" for label in range(3) for n in range(4)])
    ['LABEL_#', '#_LABEL']
    >>> find_patterns([f"r{row}_c{col}_label{(row + col) % 2}"
    ...                for row in range(3) for col in range(4)])
    ['r#_c#_labelLABEL']
    """
    for tokens in (_WORDS, _FINER):
        rows = [tokens.findall(stem) for stem in stems]
        for found in (_text_labels(rows), _number_labels(rows)):
            if found and found != ["LABEL"]:  # a whole name comes back in other folders alone
                called = [pattern for pattern in found if _CALLED.search(pattern)]
                return called if len(called) == 1 else found
    return []


def _shapes(rows: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Names with `#` for their numbers and `*` for what stands in one of them alone, as hashes."""
    counts = Counter(token for row in rows for token in row)

    def general(token: str) -> str:
        if token.isdecimal():
            return "#"
        is_mixed = any(letter.isdecimal() for letter in token)
        return "*" if is_mixed and counts[token] == 1 else token

    return [tuple(map(general, row)) for row in rows]


def _text_labels(rows: Sequence[Sequence[str]]) -> list[str]:
    own_shapes = _shapes(rows)
    counts = Counter(own_shapes)
    shapes = [shape for shape, count in counts.items() if count > 1]
    if not 2 <= len(shapes) <= _MOST:
        return []
    if sum(counts[shape] for shape in shapes) < _NEARLY_ALL * len(rows):
        return []
    shortest = min(map(len, shapes))
    first = 0
    while first < shortest and len({shape[first] for shape in shapes}) == 1:
        first += 1
    last = 0
    while last < shortest - first and len({shape[len(shape) - 1 - last] for shape in shapes}) == 1:
        last += 1
    labels = [shape[first : len(shape) - last] for shape in shapes]
    if not all(labels) or any({"#", "*"} & set(label) for label in labels):
        return []
    before, after = "".join(shapes[0][:first]), "".join(shapes[0][len(shapes[0]) - last :])
    beginnings = {re.fullmatch(r"(\D*)\d+", "".join(label)) for label in labels}
    if None not in beginnings and len({match[1] for match in beginnings if match}) == 1:
        return []  # `class1` and `class2` differ in a number, and others may be the label
    if len(set(map(len, labels))) == 1 and len(labels[0]) > 1:
        varying = [at for at, values in enumerate(zip(*labels, strict=True)) if len({*values}) > 1]
        if len(varying) > 1 and all(
            len({label[at] for label in labels}) < len(labels) for at in varying
        ):
            chosen = [
                "".join(
                    "LABEL" if at == one else "*" if at in varying else labels[0][at]
                    for at in range(len(labels[0]))
                )
                for one in varying
            ]
            return [f"{before}{middle}{after}" for middle in ("LABEL", *chosen)]
    known = set(shapes)
    alike = [row for row, shape in zip(rows, own_shapes, strict=True) if shape in known]
    rivals = _rival_numbers(alike, shapes[0], first, last)
    return [f"{before}LABEL{after}", *rivals]


def _rival_numbers(
    rows: Sequence[Sequence[str]], shape: Sequence[str], first: int, last: int
) -> Iterator[str]:
    """The patterns by which numbers beside a text may be the label: those that count nothing.

    Within a text each of them comes back, as the 3 in `3_anna_001` and `3_anna_002`.
    """
    before, after = list(shape[:first]), list(shape[len(shape) - last :])
    for at in [*range(first), *range(-last, 0)]:
        if shape[at] == "#":
            texts = ["".join(row[first : len(row) - last]) for row in rows]
            numbers = [row[at] for row in rows]
            pairs = [f"{text}\0{number}" for text, number in zip(texts, numbers, strict=True)]
            if _come_back(numbers) and _come_back(pairs):
                tokens = [*before, "*", *after]
                tokens[at] = "LABEL"
                yield "".join(tokens)


def _number_labels(rows: Sequence[Sequence[str]]) -> list[str]:
    shapes = _shapes(rows)
    shape, count = Counter(shapes).most_common(1)[0]
    if count < max(2, _NEARLY_ALL * len(rows)):
        return []
    alike = [row for row, own in zip(rows, shapes, strict=True) if own == shape]
    columns = {at: [row[at] for row in alike] for at, kind in enumerate(shape) if kind == "#"}
    labels = [at for at, values in columns.items() if _come_back(values)]
    if len(labels) == 2:
        unpadded = [at for at in labels if not any(v[0] == "0" < v[1:] for v in columns[at])]
        one, other = labels
        counted = [
            at for at, rest in ((one, other), (other, one)) if _counts(columns[at], columns[rest])
        ]
        labels = next((found for found in (unpadded, counted) if len(found) == 1), labels)
    return [
        "".join("LABEL" if at == one else kind for at, kind in enumerate(shape)) for one in labels
    ]


def _come_back(values: Sequence[str]) -> bool:
    """Whether they are few and nearly all of them occur more than once."""
    counts = Counter(values)
    repeated = sum(count for count in counts.values() if count > 1)
    return 2 <= len(counts) <= _MOST and repeated >= _NEARLY_ALL * len(values)


def _counts(labels: Sequence[str], numbers: Sequence[str]) -> bool:
    """Whether the numbers count the files of each label from 0 or 1 on, without a gap."""
    of_label: dict[str, set[int]] = {}
    for label, number in zip(labels, numbers, strict=True):
        of_label.setdefault(label, set()).add(int(number))
    starts = {min(found) for found in of_label.values()}
    has_gaps = any(max(found) - min(found) >= len(found) for found in of_label.values())
    return not has_gaps and starts in ({0}, {1})


def choose_pattern(root: Path, stems: Sequence[str]) -> str:
    """The pattern by which names hold labels; an error where that is not plain."""
    patterns = find_patterns(stems)
    if len(patterns) == 1:
        return patterns[0]
    message = (
        f"In the names of the pictures in `{root}`, such as `{stems[0]}`, no label is found. Say "
        "where it stands: `--label-from 'LABEL_*'`."
    )
    if patterns:
        readings = "; ".join(info_command(root, pattern) for pattern in patterns)
        message = (
            f"The names of the pictures in `{root}`, such as `{stems[0]}`, may hold their labels "
            f"in {len(patterns)} places. Say in which: {readings}."
        )
    raise DataFileError(message)


def advice_on_names(root: Path, pictures: Sequence[Path]) -> Iterator[str]:
    """How to have labels read from the names of pictures, if those may hold any."""
    stems = [stem_of(path) for path in pictures]
    patterns = find_patterns(stems)
    if not patterns:
        if any(re.search(r"[\W_]", stem) for stem in stems):
            yield (
                "If its name says what a picture shows, a pattern says where: "
                f"{info_command(root, 'LABEL_*')}."
            )
        return
    find = finder_in(patterns[0], "LABEL")
    labels = sorted({found for stem in stems if (found := find(stem))}, key=natural_key)
    does = "reads it so" if len(patterns) == 1 else "lists each way to read it"
    yield (
        f"If its name says what a picture shows, as in {name_some(labels, NAMED)}, "
        f"{info_command(root, 'name')} {does}."
    )
