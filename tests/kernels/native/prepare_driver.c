// Random pictures through the preparation, each with just the memory that it asks for: for a build
// under sanitizers. `prepare_driver SEED COUNT` says nothing where all is well.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prepare.h"

static uint64_t state;

static int below(int count) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (int)((state >> 33) % (uint64_t)count);
}

// Noise, one colour, strokes, lines or stripes, with some noise on it.
static void draw(uint8_t *pixels, int height, int width, int channels) {
  const int size = height * width * channels, kind = below(6), noise = below(3) ? 1 : 1 + below(60);
  const uint8_t ground = (uint8_t)below(256), ink = (uint8_t)below(256);
  for (int i = 0; i < size; i++) pixels[i] = ground;
  for (int stroke = 0; stroke < 1 + below(40); stroke++) {
    const int high = 1 + below(height), wide = 1 + below(kind == 2 ? 1 + width / 20 : width);
    const int top = below(height - high + 1), left = below(width - wide + 1);
    for (int y = top; y < top + high && kind > 1; y++) {
      memset(pixels + (y * width + left) * channels, ink, (size_t)(wide * channels));
    }
  }
  const int step = 2 + below(20);
  for (int i = 0; i < size; i++) {
    if (kind == 0) pixels[i] = (uint8_t)(below(4) ? ground : below(256));
    if (kind == 3 && i / channels % step == 0) pixels[i] = ink;
    pixels[i] = (uint8_t)(pixels[i] ^ below(noise));
  }
}

static void check(int many) {
  const int longest = below(8) ? 120 : 1 + below(2000), is_narrow = longest > 600;
  const int long_side = 1 + below(longest), other = 1 + below(is_narrow ? 200 : longest);
  const int is_tall = below(2), channels = below(2) ? 1 : 3;
  const int height = is_tall ? long_side : other, width = is_tall ? other : long_side;
  int32_t preparation[LENET_PREPARATION_NUMBERS] = {
      many ? 0 : below(3), below(3), 1 + below(40), 1 + below(40), below(2) ? 1 : 3, 0};
  const int frame = preparation[2] < preparation[3] ? preparation[2] : preparation[3];
  preparation[5] = below((frame - 1) / 2 + 1);
  const int32_t needed = lenet_prepare_scratch(height, width, channels, preparation, many);
  if (needed <= 0) printf("%d x %d x %d is not served\n", height, width, channels);
  const size_t image_size = (size_t)(preparation[2] * preparation[3] * preparation[4]);
  uint8_t *pixels = malloc((size_t)(height * width * channels)), *image = malloc(image_size);
  void *scratch = malloc((size_t)needed);
  int32_t seen[LENET_SEEN_NUMBERS];
  memset(scratch, 0xAB, (size_t)needed);
  draw(pixels, height, width, channels);
  if (many) {
    const int count = lenet_find_symbols(pixels, height, width, channels, preparation, scratch);
    for (int i = 0; i < count; i++) lenet_take_symbol(i, preparation, scratch, image, seen);
  } else {
    lenet_prepare(pixels, height, width, channels, preparation, scratch, image, seen);
    if (seen[0] < 0 || seen[0] >= seen[2] || seen[2] > seen[4] || seen[1] < 0 ||
        seen[1] >= seen[3] || seen[3] > seen[5]) {
      printf("A box is wrong: %d %d %d %d\n", seen[0], seen[1], seen[2], seen[3]);
    }
  }
  free(pixels);
  free(image);
  free(scratch);
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  state = (uint64_t)atoll(arguments[1]);
  for (int i = 0; i < atoi(arguments[2]); i++) check(i % 4 == 0);
  return 0;
}
