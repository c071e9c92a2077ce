"""What is worth noticing first in a report, a sentence each."""

from collections.abc import Iterator
from itertools import islice

from lenet.results._wording import counted, percent
from lenet.results.measure._robustness import Robustness, RobustnessPoint
from lenet.results.measure._scores import frequent_confusions
from lenet.results.page._page import Element, Node, element
from lenet.results.reporting._findings import Findings
from lenet.results.reporting._trust import describe_change

_MOST = 3
_SURE = 0.9  # a probability that people rely on


def notices(findings: Findings) -> Element:
    """The first three of what there is to notice, each with a link to where more is told."""
    items = (
        element("li", *said, ": ", element("a", where, href=f"#{anchor}"), ".")
        for said, where, anchor in islice(_all_notices(findings), _MOST)
    )
    return element("ol", *items, class_="notices")


def _all_notices(findings: Findings) -> Iterator[tuple[tuple[Node, ...], str, str]]:
    """What is said, and the name and the anchor of where more is told; the most general first."""
    if confusions := frequent_confusions(findings.evaluation, 1):
        (worst,) = confusions
        taken, given = element("strong", worst.true), element("strong", worst.given)
        often = f" most often, in {worst.count:,} of {counted(worst.images, 'image')}"
        yield (taken, " is taken for ", given, often), "what it mixes up", "confusions"
    measured, point = max(_slightest_changes(findings.robustness), key=_loss)
    change = element("strong", describe_change(measured, point))
    plain = percent(_plain(measured).accuracy)
    cost = f" costs most: {percent(point.accuracy)} are still right, not {plain}"
    yield ("Of small changes to the images ", change, cost), "when images change", "robustness"
    sure = findings.probabilities.max(axis=1) >= _SURE
    is_wrong = findings.probabilities.argmax(axis=1) != findings.answers.examples.labels
    if wrong := int(is_wrong.sum()):
        surely = int((is_wrong & sure).sum())
        given_so = f" {'is' if surely == 1 else 'are'} given with {percent(_SURE, 0)} and more"
        said = f"Of {counted(wrong, 'wrong answer')} ", element("strong", f"{surely:,}"), given_so
        yield said, "worst mistakes", "mistakes"
    if strangers := findings.evaluation.strangers:
        every = strangers.together
        shown = f"Of {counted(every.images, 'picture')} of none of the classes "
        passes = f" {'passes' if every.answered == 1 else 'pass'} for one"
        said = shown, element("strong", f"{every.answered:,}"), passes
        yield said, "what belongs to none", "strangers"


def _plain(measured: Robustness) -> RobustnessPoint:
    """How well it does on the same images as they are."""
    return next(one for one in measured.points if one.strength == measured.corruption.plain)


def _slightest_changes(
    robustness: tuple[Robustness, ...],
) -> Iterator[tuple[Robustness, RobustnessPoint]]:
    """Of each change the weakest, either way; what has one strength alone is no small change."""
    for measured in robustness:
        place = measured.points.index(_plain(measured))
        neighbours = measured.points[max(place - 1, 0) : place + 2]
        if len(measured.points) > 2:
            yield from ((measured, one) for one in neighbours if one is not _plain(measured))


def _loss(change: tuple[Robustness, RobustnessPoint]) -> float:
    measured, point = change
    return _plain(measured).accuracy - point.accuracy
