/* The largest and the smallest of what lies round each pixel. As in `pictures/_shapes.py`. */

#ifndef LENET_PREPARE_AROUND_H
#define LENET_PREPARE_AROUND_H

#include "prepare_rows.h"

enum { BLOCK = 16 }; /* columns that are worked on side by side */

/* Make each number of a row the largest of itself and those after it, so many in all, `apart` from
 * each other. */
static void largest_from(float *values, int size, int count, int apart) {
  for (int so_far = 1; so_far < count;) {
    const int step = least_of(so_far, count - so_far);
    size -= step * apart;
    const float *others = values + step * apart;
    for (int i = 0; i < size; i++) values[i] = values[i] > others[i] ? values[i] : others[i];
    so_far += step;
  }
}

static size_t room_for_around(int height, int width, int side) {
  const int longest = most_of(height * BLOCK, width) + side * BLOCK;
  return room_for(longest, sizeof(float));
}

/* Make each value (H, W) the largest in the square of an odd side round it. */
static void largest_around(float *values, int height, int width, int side, Scratch scratch) {
  const int reach = side / 2;
  float *line = take(&scratch, most_of(height * BLOCK, width) + side * BLOCK, sizeof *line);
  for (int y = 0; y < height; y++) {
    float *row = values + y * width;
    for (int i = 0; i < width + 2 * reach; i++) line[i] = -INFINITY;
    copy_floats(line + reach, row, width);
    largest_from(line, width + 2 * reach, side, 1);
    copy_floats(row, line, width);
  }
  for (int x = 0; x < width; x += BLOCK) {
    const int wide = least_of(BLOCK, width - x), size = (height + 2 * reach) * wide;
    for (int i = 0; i < size; i++) line[i] = -INFINITY;
    for (int y = 0; y < height; y++) {
      copy_floats(line + (y + reach) * wide, values + y * width + x, wide);
    }
    largest_from(line, size, side, wide);
    for (int y = 0; y < height; y++) {
      copy_floats(values + y * width + x, line + y * wide, wide);
    }
  }
}

static void negate(float *values, int size) {
  for (int i = 0; i < size; i++) values[i] = -values[i];
}

static void smallest_around(float *values, int height, int width, int side, Scratch scratch) {
  negate(values, height * width);
  largest_around(values, height, width, side, scratch);
  negate(values, height * width);
}

#endif
