from lenet.results.evaluation._confusion import frequent_confusions
from lenet.results.pages._element import Element, element
from lenet.results.pages._page import Section
from lenet.results.pages._parts import beside, bullets, paragraph, scroll_box
from lenet.results.reporting._findings import Findings
from lenet.results.reporting._wording import counted

_NARROW = 20  # with more classes than this the cells are small
_SHORT = 2  # names up to this length lie above their column as they are
_MOST = 8


def confusions_section(findings: Findings) -> Section:
    """What is taken for what."""
    evaluation = findings.evaluation
    confusions = frequent_confusions(evaluation, _MOST)
    title, anchor = "What it mixes up", "confusions"
    matrix = _matrix(findings)
    if not confusions:
        said = paragraph("Not one image was taken for anything but what it is.")
        return Section(title, anchor, (said, matrix))
    right = sum(counts[index] for index, counts in enumerate(evaluation.confusion))
    wrong = evaluation.images - right
    said = paragraph(
        f"{wrong:,} of {counted(evaluation.images, 'image')} {'was' if wrong == 1 else 'were'} "
        "taken for something else. A row of the table holds the images of one class, a column what "
        "they were taken for. Framed on the diagonal is what was right; the stronger a cell's "
        "colour, the larger its share of the row."
    )
    listed = bullets(
        element(
            "span",
            element("strong", one.true),
            " taken for ",
            element("strong", one.given),
            f": {one.count:,}\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}{one.images:,}",
        )
        for one in confusions
    )
    often = element("div", element("h3", "Most often"), listed)
    if len(findings.class_names) > _NARROW:
        return Section(title, anchor, (said, matrix, often))
    return Section(title, anchor, (said, beside(matrix, often)))


def _matrix(findings: Findings) -> Element:
    """The confusion matrix as a table, shaded by each row's shares."""
    names, confusion = findings.class_names, findings.evaluation.confusion
    headings = (element("th", element("span", name), scope="col", title=name) for name in names)
    rows = (
        element(
            "tr",
            element("th", element("span", name), scope="row", title=name),
            *(_cell(names, row, column, counts) for column in range(len(names))),
        )
        for row, (name, counts) in enumerate(zip(names, confusion, strict=True))
    )
    title = "Confusion matrix"
    narrow = " narrow" if len(names) > _NARROW else ""
    upright = " upright" if max(map(len, names)) <= _SHORT else ""
    table = element(
        "table",
        element("caption", title),
        element("thead", element("tr", element("td", "true ↓  given →"), *headings)),
        element("tbody", *rows),
        class_=f"confusion{narrow}{upright}",
    )
    return scroll_box(table, title)


def _cell(names: tuple[str, ...], row: int, column: int, counts: tuple[int, ...]) -> Element:
    """How many images of one class were taken for another, or rightly for itself."""
    count, images = counts[column], sum(counts)
    if row != column and not count:
        return element("td")
    share = count / images if images else 0.0
    # The root, so that a hundredth can be seen beside the diagonal.
    depth = share if row == column else min(1.0, (2 * share) ** 0.5)
    said = f"{names[row]} taken for {names[column]}: {count:,} of {images:,}"
    return element(
        "td",
        f"{count}",
        class_="right" if row == column else "wrong",
        style=f"--depth: {100 * depth:.0f}%",
        title=said,
    )
