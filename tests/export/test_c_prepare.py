"""A picture that the exported C prepares is what `lenet predict` sees, and is answered alike."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from c_programs import STRICT, need

import lenet
from drawn_digits import photo
from lenet.export import export_model
from lenet.kernels import use_engine
from lenet.models import Calibration, save_model
from lenet.runs import Run

# Reads pictures, their heights, widths and channels before them; writes images and classes.
CAMERA = """
#include <stdio.h>
#include <stdlib.h>

#include "prepare.h"
#include "seven.h"

static const int32_t preparation[] = SEVEN_PREPARATION;
static seven_scratch scratch;

int main(void)
{
    uint8_t image[SEVEN_PIXELS];
    int32_t size[3], seen[LENET_SEEN_NUMBERS];

    while (fread(size, sizeof size, 1, stdin)) {
        const int32_t needed = lenet_prepare_scratch(size[0], size[1], size[2], preparation, 0);
        const size_t bytes = (size_t)(size[0] * size[1] * size[2]);
        uint8_t *picture = malloc(bytes), *memory = malloc((size_t)needed);
        float probabilities[SEVEN_CLASSES];
        int answer;

        if (!picture || !memory || !fread(picture, bytes, 1, stdin)) {
            return 1;
        }
        lenet_prepare(picture, size[0], size[1], size[2], preparation, memory, image, seen);
        seven_probabilities(image, &scratch, probabilities);
        answer = seven_decide(probabilities);
        if (seen[6] && !SEVEN_ANSWERS_BLANK) {
            answer = SEVEN_NONE;
        }
        fwrite(image, 1, sizeof image, stdout);
        putchar(answer);
        free(memory);
        free(picture);
    }
    return 0;
}
"""


@pytest.mark.parametrize("answers_blank", [False, True])
def test_pictures_are_prepared_and_answered_as_by_predict(
    digits_run: Run, tmp_path: Path, answers_blank: bool
) -> None:
    need("cc")
    model = tmp_path / "model.safetensors"
    network, card = lenet.load(digits_run)
    save_model(
        model,
        network,
        class_names=card.class_names,
        normalisation=card.normalisation,
        preparation=card.preparation,
        calibration=Calibration(threshold=0.13),
        answers_blank=answers_blank,
        dataset=card.dataset,
    )
    folder = export_model(model, "c", output=tmp_path / "seven").path
    (tmp_path / "camera.c").write_text(CAMERA)
    sources = tmp_path / "camera.c", folder / "seven.c", folder / "prepare.c"
    strict = [flag for flag in STRICT if flag != "-Wdouble-promotion"]
    command = ["cc", "-O1", *strict, f"-I{folder}", *sources, "-lm", "-o", tmp_path / "camera"]
    subprocess.run(command, check=True)
    colour = np.array([20, 40, 160]) + photo(2)[::2, ::2, None] * np.array([0.8, 0.6, 0.2])
    pictures = [photo(digit, (96, 96)) for digit in range(10)]
    pictures += [photo(7, (320, 240), width=3), colour.astype(np.uint8), np.zeros((5, 9), np.uint8)]
    given = b"".join(
        np.array([*one.shape, 1][:3], np.int32).tobytes() + one.tobytes() for one in pictures
    )
    done = subprocess.run([tmp_path / "camera"], input=given, capture_output=True, check=True)
    answers = np.frombuffer(done.stdout, np.uint8).reshape(len(pictures), -1)
    with use_engine("numpy"):
        expected = lenet.predict(model, pictures)
    assert expected[-1].seen.is_blank
    assert (expected[-1].class_name is None) is not answers_blank
    assert any(one.class_name for one in expected)
    for answer, wanted in zip(answers, expected, strict=True):
        np.testing.assert_array_equal(answer[:-1], wanted.seen.image.ravel())
        given = None if answer[-1] == 255 else str(answer[-1])  # which is -1 as a byte
        assert given == wanted.class_name
