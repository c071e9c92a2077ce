/* The parts of a mask that hang together, neighbours on a diagonal included. */

#ifndef LENET_PREPARE_PARTS_H
#define LENET_PREPARE_PARTS_H

#include "prepare_rows.h"

typedef struct {
  int top, left, bottom, right; /* the last two are after the last */
} Box;

/* Parts, numbered by their first pixels, row by row. */
typedef struct {
  int height, width;
  const uint8_t *mask;
  int *labels;    /* of 2×2 pixels each, which hang together: the number of their part */
  int count;
  double *masses; /* of each part: the sum of its values */
  uint16_t *boxes; /* top, left, bottom and right */
  uint8_t *sizes; /* pixels, up to `MANY` */
  uint8_t *has_strong;
} Parts;

enum { MANY = 255 };

static int blocks_of(int height, int width) { return rounded_up(height, 2) * rounded_up(width, 2); }

static size_t room_for_parts(int height, int width) {
  const int most = blocks_of(height, width);
  return room_for(most, sizeof(int)) + room_for(most, sizeof(double)) +
         room_for(4 * most, sizeof(uint16_t)) + 2 * room_for(most, sizeof(uint8_t));
}

static Parts take_parts(int height, int width, const uint8_t *mask, Scratch *scratch) {
  const int most = blocks_of(height, width);
  Parts parts = {0};
  parts.height = height;
  parts.width = width;
  parts.mask = mask;
  parts.labels = take(scratch, most, sizeof *parts.labels);
  parts.masses = take(scratch, most, sizeof *parts.masses);
  parts.boxes = take(scratch, 4 * most, sizeof *parts.boxes);
  parts.sizes = take(scratch, most, sizeof *parts.sizes);
  parts.has_strong = take(scratch, most, sizeof *parts.has_strong);
  return parts;
}

/* A block that has no other before it in its part. Its label is below 0: -1, or -2 less the number
 * of its part. */
static int first_block(int *labels, int block) {
  while (labels[block] >= 0) {
    const int next = labels[block];
    if (labels[next] >= 0) labels[block] = labels[next];
    block = next;
  }
  return block;
}

static void join_blocks(int *labels, int one, int other) {
  one = first_block(labels, one);
  other = first_block(labels, other);
  if (one < other) labels[other] = one;
  if (other < one) labels[one] = other;
}

/* The number of the part that a pixel of the mask belongs to. */
static int part_at(const Parts *parts, int y, int x) {
  return -2 - parts->labels[(y / 2) * rounded_up(parts->width, 2) + x / 2];
}

/* Whether a pixel is of the mask; none is outside. */
static int is_set(const Parts *parts, int y, int x) {
  return y < parts->height && x >= 0 && x < parts->width && parts->mask[y * parts->width + x];
}

/* Join a block with what it hangs together with above. */
static void join_above(Parts *parts, int y, int x, int block, int top_left, int top_right) {
  const int above = block - rounded_up(parts->width, 2);
  if (is_set(parts, y - 1, x) || is_set(parts, y - 1, x + 1)) {
    join_blocks(parts->labels, above, block);
  }
  if (top_left && is_set(parts, y - 1, x - 1)) join_blocks(parts->labels, above - 1, block);
  if (top_right && is_set(parts, y - 1, x + 2)) join_blocks(parts->labels, above + 1, block);
}

/* Join what hangs together, block by block. */
static void label_blocks(Parts *parts) {
  const int width = parts->width, across = rounded_up(width, 2);
  for (int y = 0; y < parts->height; y += 2) {
    const uint8_t *top = parts->mask + y * width;
    const uint8_t *bottom = y + 1 < parts->height ? top + width : top;
    int was_right = 0; /* whether the block before has pixels on its right side */
    for (int bx = 0; bx < across; bx++) {
      const int x = 2 * bx, block = y / 2 * across + bx, has_two = x + 1 < width;
      const int has_left = top[x] | bottom[x];
      const int has_right = has_two ? top[x + 1] | bottom[x + 1] : 0;
      parts->labels[block] = -1;
      if (has_left && was_right) join_blocks(parts->labels, block - 1, block);
      if (y && (has_left || has_right)) {
        const int top_right = has_two && top[x + 1];
        if (top[x] || top_right) join_above(parts, y, x, block, top[x], top_right);
      }
      was_right = has_right;
    }
  }
}

/* Number the parts, and measure them: of the values (H, W) those from `strong` on are strong. */
static void find_parts(Parts *parts, const float *values, float strong) {
  const int width = parts->width, across = rounded_up(width, 2);
  label_blocks(parts);
  parts->count = 0;
  for (int y = 0; y < parts->height; y++) {
    const uint8_t *mask = parts->mask + y * width;
    const float *row = values + y * width;
    for (int x = 0; x < width; x++) {
      if (!mask[x]) continue;
      const int block = (y / 2) * across + x / 2, first = first_block(parts->labels, block);
      if (parts->labels[first] == -1) {
        const int number = parts->count++;
        parts->labels[first] = -2 - number;
        parts->masses[number] = 0;
        parts->sizes[number] = parts->has_strong[number] = 0;
        uint16_t *box = parts->boxes + 4 * number;
        box[0] = (uint16_t)y;
        box[1] = (uint16_t)x;
        box[3] = 0;
      }
      parts->labels[block] = parts->labels[first];
      const int number = -2 - parts->labels[first];
      uint16_t *box = parts->boxes + 4 * number;
      parts->masses[number] += row[x];
      if (parts->sizes[number] < MANY) parts->sizes[number]++;
      if (row[x] >= strong) parts->has_strong[number] = 1;
      box[2] = (uint16_t)(y + 1);
      if (x < box[1]) box[1] = (uint16_t)x;
      if (x >= box[3]) box[3] = (uint16_t)(x + 1);
    }
  }
}

static Box box_of_part(const Parts *parts, int number) {
  const uint16_t *box = parts->boxes + 4 * number;
  const Box found = {box[0], box[1], box[2], box[3]};
  return found;
}

#endif
