"""The three files of an export to C: header, source, and an example that uses them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lenet._version import __version__
from lenet.export._c_functions import StageCode
from lenet.export._c_templates import EXAMPLE, HEADER, SOURCE
from lenet.export._c_text import comment_lines, float_literal, number_lines, string_literal
from lenet.export._written import TrainedNetwork

_METHODS = {
    "symbol": "what is drawn fills all but {margin} at each side, its centre of mass in the middle",
    "object": "the thing fills all but {margin} at each side, on an empty ground",
    "plain": "the whole picture is fitted into the frame",
}
_POLARITIES = {
    "light-on-dark": "light on a dark ground, which is 0",
    "dark-on-light": "dark on a light ground, which is 255",
    "as-is": "light and dark as in the images that it was trained on",
}


@dataclass(frozen=True, eq=False)
class CNetwork:
    """A network that is to be written in C.

    Attributes:
        name: The identifier that all its names begin with.
        trained: What it was made from.
        stages: Its functions and constants.
        functions: The functions that these call.
        logit_unit: What a logit of 1 in the C code stands for.
        is_int8: Whether it computes with whole numbers.
    """

    name: str
    trained: TrainedNetwork
    stages: Sequence[StageCode]
    functions: Sequence[str]
    logit_unit: float
    is_int8: bool

    @property
    def buffer_sizes(self) -> tuple[int, ...]:
        """How many numbers the stages write in turn into one buffer and the other."""
        stages = [code.stage for code in self.stages]
        shapes = [stages[0].framed_shape] if stages[0].has_padding else []
        shapes += [stage.output_shape for stage in stages[:-1]]
        sizes = [math.prod(shape) for shape in shapes]
        return tuple(max(sizes[turn::2]) for turn in (0, 1) if sizes[turn::2])

    @property
    def scratch_size(self) -> int:
        """Bytes of the scratch structure, with what aligns the logits."""
        classes = len(self.trained.card.class_names)
        if not self.is_int8:
            return 4 * (sum(self.buffer_sizes) + classes)
        return 4 * (math.ceil(sum(self.buffer_sizes) / 4) + classes)

    @property
    def constants_size(self) -> int:
        """Bytes of the weights and everything else that is constant, without the class names."""
        return sum(constant.size for code in self.stages for constant in code.constants)

    def files(self, accuracy: float, example: int) -> dict[str, str]:
        """The names and contents of the files.

        Args:
            accuracy: Which share of the test images the C code answers rightly.
            example: The index of the test image that the example answers for.
        """
        card = self.trained.card
        channels, height, width = card.input_shape
        words = {
            "name": self.name,
            "NAME": self.name.upper(),
            "title": comment_lines(self._title()),
            "version": __version__,
            "classes": len(card.class_names),
            "channels": channels,
            "height": height,
            "width": width,
            "pixels": channels * height * width,
            "threshold": float_literal(card.calibration.threshold),
            "logit_type": "int32_t" if self.is_int8 else "float",
            "logit_comment": f"in units of {self.logit_unit:.6g}"
            if self.is_int8
            else "the results",
            "scale": float_literal(self.logit_unit / card.calibration.temperature),
            "scratch_size": self.scratch_size,
        }
        header = HEADER.substitute(
            words,
            facts="\n *\n".join(map(comment_lines, self._facts(accuracy))),
            buffers=self._buffers(),
            classify_comment=" No floating point is used." if self.is_int8 else "",
            calibrated=(
                " (calibrated: about 80 % of the answers given with 0.8 are right)"
                if card.calibration.images
                else ""
            ),
        )
        definitions = [constant.definition() for code in self.stages for constant in code.constants]
        source = SOURCE.substitute(
            words,
            class_names="".join(f"    {string_literal(name)},\n" for name in card.class_names),
            constants="\n".join(definitions),
            functions="\n".join([*self.functions, *self._stage_functions()]),
            calls="\n".join(self._calls()),
        )
        label = card.class_names[int(self.trained.labels[example])]
        pixels = self.trained.images[example].reshape(-1).tolist()
        shown = EXAMPLE.substitute(
            words
            | {
                "title": comment_lines(f"{self.name}.h at work on a test image labelled `{label}`.")
            },
            pixels=number_lines(list(map(str, pixels)), 14),
        )
        return {f"{self.name}.h": header, f"{self.name}.c": source, "example.c": shown}

    def _title(self) -> str:
        """What the network is, in a sentence."""
        card = self.trained.card
        kind = "whole numbers (int8 weights)" if self.is_int8 else "floats"
        data = f", trained on {card.dataset}" if card.dataset else ""
        return f"{self.trained.name}: a network of the kind `{card.model}`{data}, in {kind}."

    def _facts(self, accuracy: float) -> list[str]:
        """What a person has to know, in lines."""
        card, trained = self.trained.card, self.trained
        channels, height, width = card.input_shape
        preparation = card.preparation
        margin = f"{preparation.margin} pixels"
        ends = preparation.pixel_range
        values = " Values from {:g} to {:g} became 0 to 255.".format(*ends) if ends else ""
        planes = (
            "" if channels == 1 else f", {channels} planes one after the other (red, green, blue)"
        )
        return [
            f"Accuracy on {trained.dataset}, {trained.split} split, {len(trained.images):,} "
            f"images: {accuracy:.4f}. Constants take {self.constants_size:,} bytes of flash, the "
            f"scratch {self.scratch_size:,} bytes of RAM.",
            f"An image is {height} rows of {width} pixels, a byte each{planes}; "
            f"{_POLARITIES[preparation.polarity]}; "
            f"{_METHODS[preparation.method].format(margin=margin)}.{values}",
        ]

    def _buffers(self) -> str:
        """The members of the scratch structure that hold what is between two stages."""
        kind = "uint8_t" if self.is_int8 else "float"
        return "".join(
            f"    {kind} {name}[{size}];\n"
            for name, size in zip("ab", self.buffer_sizes, strict=False)
        )

    def _stage_functions(self) -> list[str]:
        """The functions of the stages in their order."""
        first = self.stages[0]
        frames = [first.frame_function()] if first.stage.has_padding else []
        return frames + [code.function() for code in self.stages]

    def _calls(self) -> list[str]:
        """The body of the function that runs the stages."""
        names = ["surround"] if self.stages[0].stage.has_padding else []
        names += [code.stage.name for code in self.stages]
        places = ["pixels", *(f"scratch->{'ab'[turn % 2]}" for turn in range(len(names) - 1))]
        return [
            f"    {name}({given}, {result});"
            for name, given, result in zip(
                names, places, [*places[1:], "scratch->logits"], strict=True
            )
        ]
