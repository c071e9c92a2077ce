from lenet.models import summarise
from lenet.results.pages._element import element
from lenet.results.pages._page import Section
from lenet.results.pages._parts import Column, beside, facts, paragraph, table
from lenet.results.reporting._findings import Findings

_METHODS = {
    "symbol": "the ink is found, fitted into a box and its centre of mass put into the middle, as "
    "in MNIST",
    "object": "what stands out from the border is fitted into the frame, as in Fashion-MNIST",
    "plain": "the whole picture is fitted into the frame",
}


def network_section(findings: Findings) -> Section:
    """The layers, and how a picture becomes what the first of them takes."""
    card = findings.answers.card
    layers = summarise(findings.answers.network, (1, *card.input_shape))
    rows = [
        [
            layer.name,
            " × ".join(map(str, layer.output_shape[1:])),
            f"{layer.parameters:,}" if layer.parameters else "",
            f"{layer.multiply_accumulates:,}" if layer.multiply_accumulates else "",
        ]
        for layer in layers
    ]
    weights = sum(layer.parameters for layer in layers)
    work = sum(layer.multiply_accumulates for layer in layers)
    rows.append(["together", "", f"{weights:,}", f"{work:,}"])
    columns = [
        Column("layer"),
        Column("gives", is_number=True),
        Column("parameters", is_number=True),
        Column("multiply-adds", is_number=True),
    ]
    preparation, normalisation = card.preparation, card.normalisation
    channels, height, width = card.input_shape
    colours = "grey" if channels == 1 else "colour" if channels == 3 else f"{channels} channels"
    described = facts(
        [
            ("image", f"{height} × {width}, {colours}"),
            ("ground and ink", preparation.polarity.replace("-", " ")),
            ("free margin", f"{preparation.margin} px"),
            *(
                [("black and white", " and ".join(f"{end:g}" for end in preparation.pixel_range))]
                if preparation.pixel_range
                else []
            ),
            ("subtracted from pixels / 255", f"{normalisation.mean:.4g}"),
            ("divided by then", f"{normalisation.std:.4g}"),
        ]
    )
    said = paragraph(f"How a picture becomes an image: {_METHODS[preparation.method]}.")
    layers_table = table(columns, rows, f"The layers of {card.model}, for one image")
    made = element("div", said, described)
    return Section("The network", "network", (beside(layers_table, made),))
