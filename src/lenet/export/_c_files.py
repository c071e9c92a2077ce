"""The files of an export to C: header, source, an example that uses them, and the preparation."""

import math
import re
import string
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

import numpy as np

from lenet._version import __version__
from lenet.export._c_arithmetic import helpers
from lenet.export._c_functions import Constant, StageCode, float_literal, number_lines
from lenet.export._c_prepare import preparation_files, preparation_header
from lenet.export._c_stages import plan_buffers
from lenet.export._trained_network import TrainedNetwork
from lenet.models import LEAST_PROBABILITY

_LONGEST_NAME = 40
_HEADERS_OF_C = (
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal "
    "stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath "
    "threads time uchar wchar wctype"
).split()
_FILES = ("example", "prepare")
_TIME_OR_FORMAT = re.compile(r"^\d{8}-\d{6}-|-c(-int8)?$")
_CALIBRATED = " (calibrated: about 80 % of the answers given with 0.8 are right)"
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

_ANSWERS = " /* the last class is what is none of them */"
_DECIDE_NONE = Template("""\
    if (probabilities[likeliest] < probabilities[${NAME}_CLASSES - 1]) {
        return ${NAME}_NONE;
    }
""")

_DECIDE_FAR = Template("""\
    if (${NAME}_THRESHOLD > 0.0f && ${name}_distance(probabilities) > ${NAME}_REACH) {
        return ${NAME}_NONE;
    }
""")
_DISTANCE_HEADER = Template("""\
/* How far the image with such probabilities lies from the nearest class, in deviations within the
 * classes. Beyond the reach it is none of them, whatever the probabilities are. */
#define ${NAME}_REACH $reach
float ${name}_distance(const float probabilities[${NAME}_CLASSES]);

""")
_DISTANCE = Template("""\
float ${name}_distance(const float probabilities[${NAME}_CLASSES])
{
    float logarithms[${NAME}_CLASSES], places[${NAME}_CLASSES], nearest = INFINITY;

    for (int unit = 0; unit < ${NAME}_CLASSES; unit++) {
        logarithms[unit] = logf(fmaxf(probabilities[unit], $least));
        places[unit] = 0.0f;
    }
    for (int index = 0; index < ${NAME}_CLASSES; index++) {
        for (int unit = 0; unit < ${NAME}_CLASSES; unit++) {
            places[unit] += logarithms[index] * ${name}_whitening[index][unit];
        }
    }
    for (int index = 0; index < ${NAME}_CLASSES; index++) {
        float sum = 0.0f;
        for (int unit = 0; unit < ${NAME}_CLASSES; unit++) {
            const float away = places[unit] - ${name}_means[index][unit];
            sum += away * away;
        }
        nearest = fminf(nearest, sum);
    }
    return sqrtf(nearest);
}

""")

_HEADER = Template("""\
/*
$title
 *
$facts
 *
 * Build, with example.c, which answers for one image:
 *     cc -std=c99 -O2 example.c $name.c -lm -o example
 *
 * Written by lenet $version. SPDX-License-Identifier: MIT for the code, as lenet itself; the
 * weights in it are yours.
 */
#ifndef ${NAME}_H
#define ${NAME}_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ${NAME}_CLASSES $classes
#define ${NAME}_ANSWERS $answers$answers_comment
#define ${NAME}_CHANNELS $channels
#define ${NAME}_HEIGHT $height
#define ${NAME}_WIDTH $width
#define ${NAME}_PIXELS $pixels

/* Below this probability an answer is worth nothing: the image is none of the classes.$promise */
#define ${NAME}_THRESHOLD $threshold
#define ${NAME}_NONE (-1)

/* Whether a class holds empty images. Where none does, one in which nothing is to be seen is none
 * of the classes, however likely one is: `seen[6]` of `lenet_prepare` says so of a picture. */
#define ${NAME}_ANSWERS_BLANK $answers_blank

/* Which values of a picture of more than 8 bits became 0 and 255, of one of 8 bits 0 and 255. */
#define ${NAME}_BLACK $black
#define ${NAME}_WHITE $white

${preparation}extern const char *const ${name}_class_names[${NAME}_CLASSES];

/* What the network needs while it works, $scratch_size bytes. Put it where you like; each thread or
 * interrupt that asks the network needs a scratch of its own. */
typedef struct {
$buffers    $logit_type logits[${NAME}_CLASSES]; /* $logit_comment */
} ${name}_scratch;

/* Which class an image is likeliest of, below ${NAME}_ANSWERS.$classify_comment */
int ${name}_classify(const uint8_t pixels[${NAME}_PIXELS], ${name}_scratch *scratch);

/* How likely each class is$calibrated. */
void ${name}_probabilities(const uint8_t pixels[${NAME}_PIXELS], ${name}_scratch *scratch,
                           float probabilities[${NAME}_CLASSES]);

${distance_header}/* The likeliest class of such probabilities, or ${NAME}_NONE where
 * $when_none. */
int ${name}_decide(const float probabilities[${NAME}_CLASSES]);

/* The network alone: its results are in scratch->logits then. */
void ${name}_run(const uint8_t pixels[${NAME}_PIXELS], ${name}_scratch *scratch);

#ifdef __cplusplus
}
#endif

#endif
""")

_SOURCE = Template("""\
/*
$title
 * See $name.h for how it is used.
 */
#include "$name.h"

#include <math.h>

const char *const ${name}_class_names[${NAME}_CLASSES] = {
$class_names};

$constants
$functions
void ${name}_run(const uint8_t pixels[${NAME}_PIXELS], ${name}_scratch *scratch)
{
$calls
}

static int largest_of(const $logit_type logits[${NAME}_CLASSES], int count)
{
    int largest = 0;

    for (int unit = 1; unit < count; unit++) {
        if (logits[unit] > logits[largest]) {
            largest = unit;
        }
    }
    return largest;
}

int ${name}_classify(const uint8_t pixels[${NAME}_PIXELS], ${name}_scratch *scratch)
{
    ${name}_run(pixels, scratch);
    return largest_of(scratch->logits, ${NAME}_ANSWERS);
}

void ${name}_probabilities(const uint8_t pixels[${NAME}_PIXELS], ${name}_scratch *scratch,
                           float probabilities[${NAME}_CLASSES])
{
    int largest;
    float sum = 0.0f;

    ${name}_run(pixels, scratch);
    largest = largest_of(scratch->logits, ${NAME}_CLASSES);
    for (int unit = 0; unit < ${NAME}_CLASSES; unit++) {
        const $logit_type behind = scratch->logits[unit] - scratch->logits[largest];
        probabilities[unit] = expf($scale * (float)behind);
        sum += probabilities[unit];
    }
    for (int unit = 0; unit < ${NAME}_CLASSES; unit++) {
        probabilities[unit] /= sum;
    }
}

${distance}int ${name}_decide(const float probabilities[${NAME}_CLASSES])
{
    int likeliest = 0;

    for (int unit = 1; unit < ${NAME}_ANSWERS; unit++) {
        if (probabilities[unit] > probabilities[likeliest]) {
            likeliest = unit;
        }
    }
$decide_none$decide_far\
    return probabilities[likeliest] < ${NAME}_THRESHOLD ? ${NAME}_NONE : likeliest;
}
""")

_EXAMPLE = Template("""\
/*
$title
 *
 *     cc -std=c99 -O2 example.c $name.c -lm -o example
 *     ./example
 */
#include <stdio.h>

#include "$name.h"

static const uint8_t pixels[${NAME}_PIXELS] = {
$pixels};

static ${name}_scratch scratch;
static float probabilities[${NAME}_CLASSES];

int main(void)
{
    for (int row = 0; row < ${NAME}_HEIGHT; row++) {
        for (int column = 0; column < ${NAME}_WIDTH; column++) {
            const int pixel = pixels[row * ${NAME}_WIDTH + column];
            putchar(" .:-=+*#%@"[pixel * 10 / 256]);
            putchar(" .:-=+*#%@"[pixel * 10 / 256]);
        }
        putchar('\\n');
    }
    ${name}_probabilities(pixels, &scratch, probabilities);
    const int answer = ${name}_decide(probabilities);
    if (answer == ${NAME}_NONE) {
        printf("none of the classes\\n");
    } else {
        printf("%s, %.1f %%\\n", ${name}_class_names[answer],
               100.0 * (double)probabilities[answer]);
    }
    return 0;
}
""")


@dataclass(frozen=True, eq=False)
class CNetwork:
    """A network that is to be written in C."""

    name: str  # the identifier that all its names begin with
    trained: TrainedNetwork  # what it was made from
    stages: Sequence[StageCode]  # its functions and constants
    logit_unit: float  # what a logit of 1 in the C code stands for
    is_int8: bool  # whether it computes with whole numbers

    @property
    def _buffers(self) -> tuple[list[int], list[int]]:
        """Which buffer each stage but the last writes into, and how many numbers each holds."""
        return plan_buffers([code.stage for code in self.stages])

    @property
    def scratch_size(self) -> int:
        """Bytes of the scratch structure, with what aligns the logits."""
        numbers = sum(self._buffers[1])
        words = math.ceil(numbers / 4) if self.is_int8 else numbers
        return 4 * (words + len(self.trained.card.class_names))

    @property
    def constants_size(self) -> int:
        """Bytes of the weights and everything else that is constant, without the class names."""
        return sum(constant.size for constant in self._constants)

    @property
    def _constants(self) -> list[Constant]:
        """The weights, and what distances are measured by, if the network knows any."""
        constants = [constant for code in self.stages for constant in code.constants]
        calibration = self.trained.card.calibration
        parts = {"whitening": calibration.whitening, "means": calibration.means}
        return constants + [
            Constant("float", f"{self.name}_{name}", np.array(rows))
            for name, rows in parts.items()
            if rows
        ]

    def files(self, accuracy: float, example: int) -> dict[str, str]:
        """The names and contents of the files; `example` is the index of the test image in it."""
        card = self.trained.card
        channels, height, width = card.input_shape
        kind = "whole numbers (int8 weights)" if self.is_int8 else "floats"
        data = f", trained on {card.dataset}" if card.dataset else ""
        none, promised = card.none_index, card.calibration.answered_right
        knows_distances = bool(card.calibration.means)
        promise = f" Of the others\n * {promised:.1%} are right, as measured." if promised else ""
        name = f"{self.trained.name}: a network of the kind `{card.model}`{data}, in {kind}."
        words = {
            "name": self.name,
            "NAME": self.name.upper(),
            "title": comment_lines(name),
            "version": __version__,
            "classes": len(card.class_names),
            "answers": len(card.classes),
            "answers_comment": "" if none is None else _ANSWERS,
            "promise": promise,
            "when_none": "it is below the threshold"
            + ("" if none is None else ",\n * or below the last one's")
            + (",\n * or the image lies beyond the reach" if knows_distances else ""),
            "reach": float_literal(card.calibration.reach),
            "least": float_literal(LEAST_PROBABILITY),
            "channels": channels,
            "height": height,
            "width": width,
            "pixels": channels * height * width,
            "threshold": float_literal(card.calibration.threshold),
            "answers_blank": int(card.answers_blank),
            "black": float_literal((card.preparation.pixel_range or (0.0, 255.0))[0]),
            "white": float_literal((card.preparation.pixel_range or (0.0, 255.0))[1]),
            "logit_type": "int32_t" if self.is_int8 else "float",
            "logit_comment": f"in units of {self.logit_unit:.6g}"
            if self.is_int8
            else "the results",
            "scale": float_literal(self.logit_unit / card.calibration.temperature),
            "scratch_size": self.scratch_size,
            "preparation": preparation_header(self.name, card.preparation),
        }
        for part, template, belongs in (
            ("decide_none", _DECIDE_NONE, none is not None),
            ("decide_far", _DECIDE_FAR, knows_distances),
            ("distance", _DISTANCE, knows_distances),
            ("distance_header", _DISTANCE_HEADER, knows_distances),
        ):
            words[part] = template.substitute(words) if belongs else ""
        header = _HEADER.substitute(
            words,
            facts="\n *\n".join(map(comment_lines, self._facts(accuracy))),
            buffers="".join(
                f"    {'uint8_t' if self.is_int8 else 'float'} {name}[{size}];\n"
                for name, size in zip(string.ascii_lowercase, self._buffers[1], strict=False)
            ),
            classify_comment=" No floating point is used." if self.is_int8 else "",
            calibrated=_CALIBRATED if card.calibration.images else "",
        )
        functions = [code.function() for code in self.stages]
        buffers = [f"scratch->{string.ascii_lowercase[place]}" for place in self._buffers[0]]
        places, calls = ["pixels", *buffers, "scratch->logits"], []
        for number, code in enumerate(self.stages, 1):
            given = ", ".join(places[one] for one in (*code.stage.inputs, number))
            calls.append(f"    {code.stage.name}({given});")
        source = _SOURCE.substitute(
            words,
            class_names="".join(f"    {string_literal(name)},\n" for name in card.class_names),
            constants="\n".join(constant.definition() for constant in self._constants),
            functions="\n".join([*helpers("\n".join(functions), self.is_int8), *functions]),
            calls="\n".join(calls),
        )
        label = card.class_names[int(self.trained.labels[example])]
        title = f"{self.name}.h at work on a test image labelled `{label}`."
        pixels = self.trained.images[example].reshape(-1).tolist()
        shown = _EXAMPLE.substitute(
            words | {"title": comment_lines(title)}, pixels=number_lines([*map(str, pixels)], 14)
        )
        files = {f"{self.name}.h": header, f"{self.name}.c": source, "example.c": shown}
        return files | preparation_files(card.preparation)

    def _facts(self, accuracy: float) -> list[str]:
        """What a person has to know, in lines."""
        card, trained = self.trained.card, self.trained
        channels, height, width = card.input_shape
        preparation = card.preparation
        margin = f"{preparation.margin} pixels"
        ends = preparation.pixel_range
        values = " Values from {:g} to {:g} became 0 to 255.".format(*ends) if ends else ""
        planes = f", {channels} planes one after the other (red, green, blue)"
        planes = planes if channels > 1 else ""
        return [
            f"Accuracy on {trained.dataset}, {trained.split} split, {len(trained.images):,} "
            f"images: {accuracy:.4f}. Constants take {self.constants_size:,} bytes of flash, the "
            f"scratch {self.scratch_size:,} bytes of RAM.",
            f"An image is {height} rows of {width} pixels, a byte each{planes}; "
            f"{_POLARITIES[preparation.polarity]}; "
            f"{_METHODS[preparation.method].format(margin=margin)}.{values}",
        ]


def identifier(name: str) -> str:
    """A C identifier, in lower case, that tells a model by what a person calls it.

    A run's name loses its date and time, a folder's the `-c` at its end. No header of the standard
    library has that name, as the header file gets it, too.

    >>> identifier("20261124-184853-mnist-lenet"), identifier("Zürich 3!"), identifier("数字")
    ('mnist_lenet', 'z_rich_3', 'model')
    """
    plain = re.sub(r"[^a-z0-9]+", "_", _TIME_OR_FORMAT.sub("", name).lower()).strip("_")
    plain = plain[:_LONGEST_NAME].rstrip("_")
    if not plain or plain[0].isdigit() or plain in _HEADERS_OF_C or plain in _FILES:
        plain = f"model_{plain}".rstrip("_")
    return plain


def string_literal(text: str) -> str:
    r"""A C string of a text's UTF-8 bytes, whatever is in it.

    >>> print(string_literal('a "b" 数??/'))
    "a \"b\" \346\225\260\?\?/"
    """
    escaped = {ord('"'): '\\"', ord("\\"): "\\\\", ord("?"): "\\?"}  # ? for trigraphs
    characters = [
        escaped.get(byte, chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}")
        for byte in text.encode("utf-8", "replace")
    ]
    return '"' + "".join(characters) + '"'


def comment_text(text: str) -> str:
    r"""A text that ends no comment and hides nothing: without `*/`, control and direction marks.

    >>> comment_text("a */ b\n")
    'a * / b '
    """
    visible = "".join(character if character.isprintable() else " " for character in text)
    return visible.replace("*/", "* /").replace("/*", "/ *").replace("??/", "?? /")


def comment_lines(text: str) -> str:
    """A text in lines of a comment, each beginning with a star."""
    lines = textwrap.wrap(comment_text(text), 94, break_long_words=False)
    return "\n".join(f" * {line}" for line in lines)
