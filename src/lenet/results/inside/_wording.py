"""Figures and sentences about what was found."""

from collections import Counter

import numpy as np

from lenet.results.inside._inspection import Inspection, Observation


def percent(share: float) -> str:
    """A share of 0 to 1 in per cent; only what is exact is called 0 or 100.

    >>> percent(0.004), percent(0.62), percent(0.9999)
    ('< 1 %', '62 %', '> 99 %')
    """
    if 0 < share < 0.005:
        return "< 1 %"
    if 0.995 <= share < 1:
        return "> 99 %"
    return f"{100 * share:.0f} %"


def number(value: float) -> str:
    """A number of three digits, with a proper minus.

    >>> number(-0.12345)
    '−0.123'
    """
    return f"{value:.3g}".replace("-", "−")


def counted(count: int, thing: str) -> str:
    """How many of a thing.

    >>> counted(1, "map"), counted(2, "map")
    ('1 map', '2 maps')
    """
    return f"{count:,} {thing}" + ("" if count == 1 else "s")


def name_answer(inspection: Inspection, observation: Observation) -> str:
    """The likeliest class and its probability."""
    name = inspection.card.class_names[observation.answer]
    return f"{name} {percent(float(observation.probabilities[observation.answer]))}"


def is_right(observation: Observation) -> bool | None:
    """Whether the answer is the label; nothing where there is no label."""
    label = observation.subject.label
    return None if label is None else label == observation.answer


def describe_inspection(inspection: Inspection) -> list[str]:
    """What is to be seen, in a few sentences.

    Args:
        inspection: What was found.

    Returns:
        Up to five sentences.
    """
    said: list[str] = []
    shown = inspection.observations
    if len(shown) > 2:
        said.append(_count_right(inspection))
    else:
        said += [_describe_answer(inspection, one) for one in shown]
    if inspection.differences:
        said.append(_describe_difference(inspection))
    elif shown:
        said.append(_describe_first_layer(inspection, shown[0]))
    if 0 < len(shown) <= 2:
        said += [_describe_neighbours(inspection, shown[0])]
        said += [_describe_occlusion(inspection, shown[0])]
    if not shown:
        said += [f"`{one.name}` has {one.weights.shape[0]} filters." for one in inspection.filters]
    said.append(_describe_dead(inspection))
    if inspection.missing:
        said.append(inspection.missing)
    return [sentence for sentence in said if sentence][:5]


def _describe_answer(inspection: Inspection, observation: Observation) -> str:
    """What the network takes a subject for."""
    names = inspection.card.class_names
    second = observation.probabilities.argsort()[-2]
    shares = [percent(float(observation.probabilities[i])) for i in (observation.answer, second)]
    return (
        f"{observation.subject.title} is taken for {names[observation.answer]} ({shares[0]}), then "
        f"for {names[second]} ({shares[1]})."
    )


def _count_right(inspection: Inspection) -> str:
    """How many of several subjects with labels get them."""
    shown = [one for one in inspection.observations if one.subject.label is not None]
    if not shown:
        counts = Counter(inspection.card.class_names[one.answer] for one in inspection.observations)
        answers = ", ".join(f"{count} × {name}" for name, count in counts.most_common(4))
        return f"The {len(inspection.observations)} inputs are taken for {answers}."
    wrong = [one for one in shown if not is_right(one)]
    known = "" if len(shown) == len(inspection.observations) else " with a known class"
    said = f"{len(shown) - len(wrong)} of {len(shown)} inputs{known} are taken for what they are."
    for one in wrong[:1]:
        said += f" {_describe_answer(inspection, one)}"
    return said


def _describe_first_layer(inspection: Inspection, observation: Observation) -> str:
    """Which unit of the first layer answers most."""
    activity = next(one for one in observation.activity if one.name == inspection.first_layer)
    unit = int(activity.unit_means.argmax())
    if activity.silent == 1:
        return f"No unit of `{activity.name}` answers to {observation.subject.title}: all are 0."
    return (
        f"Of `{activity.name}`, unit {unit} answers most to {observation.subject.title}: its mean "
        f"is {number(float(activity.unit_means[unit]))}."
    )


def _describe_difference(inspection: Inspection) -> str:
    """In which layers two subjects are nearest and farthest."""
    shown = [one for one in inspection.differences if one.name in inspection.layers]
    least = min(shown, key=lambda one: one.distance)
    most = max(shown, key=lambda one: one.distance)
    return (
        f"The two differ most in `{most.name}` (by {percent(most.distance)} of the outputs' size, "
        f"in unit {most.unit} most) and least in `{least.name}` ({percent(least.distance)})."
    )


def _describe_neighbours(inspection: Inspection, observation: Observation) -> str:
    """What the nearest training images are."""
    if observation.neighbours is None or inspection.data is None:
        return ""
    labels = inspection.data.train.labels[observation.neighbours.indices]
    counts = Counter(inspection.card.class_names[label] for label in labels)
    kinds = ", ".join(f"{count} × {name}" for name, count in counts.most_common(3))
    return f"The {len(labels)} training images nearest to {observation.subject.title}: {kinds}."


def _describe_occlusion(inspection: Inspection, observation: Observation) -> str:
    """Where covering the image costs most."""
    if observation.occlusion is None:
        return ""
    row, column = np.unravel_index(observation.occlusion.argmax(), observation.occlusion.shape)
    loss = float(observation.occlusion.max())
    name = inspection.card.class_names[observation.answer]
    if loss <= 0.01:
        return f"No spot of {observation.subject.title} matters much to {name} when it is covered."
    return (
        f"Covering {observation.subject.title} round row {row}, column {column} costs {name} "
        f"{percent(loss)} of probability, more than anywhere else."
    )


def _describe_dead(inspection: Inspection) -> str:
    """The layer with the largest share of units that do nothing."""
    sick = [
        (max(one.silent or 0.0, one.saturated or 0.0), one)
        for one in inspection.health
        if one.silent is not None or one.saturated is not None
    ]
    if not sick or inspection.sample is None:
        return ""
    share, layer = max(sick, key=lambda pair: pair[0])
    count = len(inspection.sample.examples)
    images = f"{count:,} {inspection.sample.place} images"
    if share < 0.01:
        return f"Over {images} no layer has dead units or saturated outputs worth naming."
    if layer.silent is not None:
        return f"Over {images}, {percent(share)} of the units of `{layer.name}` are dead."
    return f"Over {images}, {percent(share)} of the outputs of `{layer.name}` are saturated."
