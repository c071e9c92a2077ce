"""The three files of an export to C, with holes."""

from string import Template

HEADER = Template("""\
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
#define ${NAME}_CHANNELS $channels
#define ${NAME}_HEIGHT $height
#define ${NAME}_WIDTH $width
#define ${NAME}_PIXELS $pixels

/* Below this probability an answer is worth nothing: the image is none of the classes. */
#define ${NAME}_THRESHOLD $threshold
#define ${NAME}_NONE (-1)

extern const char *const ${name}_class_names[${NAME}_CLASSES];

/* What the network needs while it works, $scratch_size bytes. Put it where you like; each thread or
 * interrupt that asks the network needs a scratch of its own. */
typedef struct {
$buffers    $logit_type logits[${NAME}_CLASSES]; /* $logit_comment */
} ${name}_scratch;

/* Which class an image is likeliest of, from 0.$classify_comment */
int ${name}_classify(const uint8_t pixels[${NAME}_PIXELS], ${name}_scratch *scratch);

/* How likely each class is$calibrated. */
void ${name}_probabilities(const uint8_t pixels[${NAME}_PIXELS], ${name}_scratch *scratch,
                           float probabilities[${NAME}_CLASSES]);

/* The likeliest class of such probabilities, or ${NAME}_NONE where it is below the threshold. */
int ${name}_decide(const float probabilities[${NAME}_CLASSES]);

/* The network alone: its results are in scratch->logits then. */
void ${name}_run(const uint8_t pixels[${NAME}_PIXELS], ${name}_scratch *scratch);

#ifdef __cplusplus
}
#endif

#endif
""")

SOURCE = Template("""\
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

int ${name}_classify(const uint8_t pixels[${NAME}_PIXELS], ${name}_scratch *scratch)
{
    int likeliest = 0;

    ${name}_run(pixels, scratch);
    for (int unit = 1; unit < ${NAME}_CLASSES; unit++) {
        if (scratch->logits[unit] > scratch->logits[likeliest]) {
            likeliest = unit;
        }
    }
    return likeliest;
}

void ${name}_probabilities(const uint8_t pixels[${NAME}_PIXELS], ${name}_scratch *scratch,
                           float probabilities[${NAME}_CLASSES])
{
    const int likeliest = ${name}_classify(pixels, scratch);
    float sum = 0.0f;

    for (int unit = 0; unit < ${NAME}_CLASSES; unit++) {
        const $logit_type behind = scratch->logits[unit] - scratch->logits[likeliest];
        probabilities[unit] = expf($scale * (float)behind);
        sum += probabilities[unit];
    }
    for (int unit = 0; unit < ${NAME}_CLASSES; unit++) {
        probabilities[unit] /= sum;
    }
}

int ${name}_decide(const float probabilities[${NAME}_CLASSES])
{
    int likeliest = 0;

    for (int unit = 1; unit < ${NAME}_CLASSES; unit++) {
        if (probabilities[unit] > probabilities[likeliest]) {
            likeliest = unit;
        }
    }
    return probabilities[likeliest] < ${NAME}_THRESHOLD ? ${NAME}_NONE : likeliest;
}
""")

EXAMPLE = Template("""\
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
