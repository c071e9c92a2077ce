/* The preparation of pictures: from pixels of any size to the image that a network takes.
 *
 * Plain C99 on floats and doubles of IEEE 754, without heap and without a library but `math.h`. The
 * results are those of `lenet.pictures` in Python, whose file has the same name. Compiled without
 * contraction of products and sums (`-ffp-contract=off`) every machine gives the same pixels.
 *
 * A picture is `height` rows of `width` pixels of `channels` bytes each, 1 for grey or 3 for red,
 * green and blue. A preparation is six numbers:
 *
 *   method    0 finds the ink of a symbol, 1 fits the object that stands out, 2 fits all
 *   polarity  0 light on dark, 1 dark on light, 2 as it is
 *   height, width, channels of the image, 1 or 3 channels
 *   margin    pixels that are left free at each side
 *
 * What is seen of a picture is eight numbers: the first row and column that are shown and those
 * after the last (top, left, bottom, right), the height and the width that they are counted in,
 * whether nothing is to be seen, and of how many pieces a symbol is.
 */

#ifndef LENET_PREPARE_H
#define LENET_PREPARE_H

#include <stdint.h>

#if defined(_WIN32)
#define LENET_PREPARE_API __declspec(dllexport)
#elif defined(__GNUC__)
#define LENET_PREPARE_API __attribute__((visibility("default")))
#else
#define LENET_PREPARE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum { LENET_PREPARATION_NUMBERS = 6, LENET_SEEN_NUMBERS = 8 };

enum { LENET_TOO_MANY_PARTS = -1, LENET_TOO_MANY_SYMBOLS = -2 };

/* The bytes of memory that a picture takes; 0 for sizes that are not served. `many` is 1 for
 * `lenet_find_symbols`, 0 for `lenet_prepare`. */
LENET_PREPARE_API int32_t lenet_prepare_scratch(int32_t height, int32_t width, int32_t channels,
                                                const int32_t *preparation, int32_t many);

/* Make the image, `channels` planes of `height` rows of `width` bytes. */
LENET_PREPARE_API void lenet_prepare(const uint8_t *pixels, int32_t height, int32_t width,
                                     int32_t channels, const int32_t *preparation, void *scratch,
                                     uint8_t *image, int32_t *seen);

/* Find the symbols of a page and give their number, or `LENET_TOO_MANY_…`. */
LENET_PREPARE_API int32_t lenet_find_symbols(const uint8_t *pixels, int32_t height, int32_t width,
                                             int32_t channels, const int32_t *preparation,
                                             void *scratch);

/* Make the image of one of them, in the order in which they are read, from the same scratch. */
LENET_PREPARE_API void lenet_take_symbol(int32_t index, const int32_t *preparation, void *scratch,
                                         uint8_t *image, int32_t *seen);

#ifdef __cplusplus
}
#endif

#endif
