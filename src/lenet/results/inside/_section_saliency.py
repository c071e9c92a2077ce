from lenet.results.inside._draw_saliency import (
    describe_gradient,
    describe_occlusion,
    gradient_picture,
    occlusion_picture,
)
from lenet.results.inside._inspection import Inspection, Observation
from lenet.results.inside._wording import name_answer
from lenet.results.page._element import Element, Node
from lenet.results.page._page import Section
from lenet.results.page._parts import Column, figure, paragraph, picture, row, table

_LARGE, _SMALL = 224, 84


def saliency_section(inspection: Inspection) -> Section | None:
    """Which pixels the answers hang on."""
    shown = [one for one in inspection.observations if one.occlusion is not None]
    if not shown:
        return None
    content: list[Node] = [
        paragraph(
            "Covered: a square of background is moved over the image; where it is red, covering "
            "makes the answer less probable, where it is blue, more probable."
        ),
        paragraph(
            "Gradient: how strongly the answer's logit depends on each pixel, on average over 25 "
            "noisy copies of the image (SmoothGrad); the brighter, the more. Each picture has a "
            "scale of its own."
        ),
    ]
    if len(shown) > 2:
        rows = [
            (picture(one.subject.image, one.subject.title, size=_SMALL), *_pictures(one, _SMALL),
             name_answer(inspection, one))
            for one in shown
        ]  # fmt: skip
        columns = [Column(name) for name in ("input", "covered", "gradient", "taken for")]
        content.append(table(columns, rows, "What the answers hang on"))
    else:
        for one in shown:
            assert one.occlusion is not None
            assert one.gradient is not None
            answer = f"{one.subject.title}, taken for {name_answer(inspection, one)}"
            covered, gradient = _pictures(one, _LARGE)
            content.append(
                row(
                    [
                        figure(picture(one.subject.image, answer, size=_LARGE), "", answer),
                        figure(covered, describe_occlusion(one.occlusion), "Covered"),
                        figure(gradient, describe_gradient(one.gradient), "Gradient"),
                    ],
                    narrow=True,
                )
            )
    return Section("Where it looks", "saliency", tuple(content))


def _pictures(one: Observation, size: int) -> tuple[Element, Element]:
    """The two saliencies."""
    assert one.occlusion is not None
    assert one.gradient is not None
    title = one.subject.title
    return (
        picture(
            occlusion_picture(one.subject.image, one.occlusion),
            f"{title}: {describe_occlusion(one.occlusion)} where it is covered",
            size=size,
        ),
        picture(
            gradient_picture(one.gradient),
            f"{title}: the gradient is {describe_gradient(one.gradient)}",
            size=size,
        ),
    )
