/* How thick strokes are, and thicker ones. As in `pictures/_shapes.py` and `_symbols.py`. */

#ifndef LENET_PREPARE_STROKES_H
#define LENET_PREPARE_STROKES_H

#include "prepare_around.h"
#include "prepare_rows.h"

/* Take from a mask (H, W) what has a neighbour that is not of it, also on a diagonal; none outside
 * is of it. Gives how many pixels are left. */
static int shrink(uint8_t *mask, int height, int width, uint8_t *rows) {
  uint8_t *before = rows, *all = rows + width; /* the row above, as it was; with a border */
  int left = 0;
  fill_bytes(before, 0, width);
  all[0] = all[width + 1] = 0;
  for (int y = 0; y < height; y++) {
    uint8_t *row = mask + y * width;
    const uint8_t *after = row + width;
    if (y + 1 < height) {
      for (int x = 0; x < width; x++) all[x + 1] = before[x] & row[x] & after[x];
    } else {
      fill_bytes(all + 1, 0, width);
    }
    copy_bytes(before, row, width);
    for (int x = 0; x < width; x++) {
      row[x] = all[x] & all[x + 1] & all[x + 2];
      left += row[x];
    }
  }
  return left;
}

/* Whether distances to the edge of a mask, in steps that may be diagonal, have such a mean: true
 * ones are no smaller. The mask is lost. */
static int are_as_far(uint8_t *mask, int height, int width, double mean, uint8_t *rows) {
  int count = 0;
  for (int i = 0; i < height * width; i++) count += mask[i];
  double total = count;
  for (int left = count; left && total < mean * count; total += left) {
    left = shrink(mask, height, width, rows);
  }
  return count && total >= mean * count;
}

/* How far each pixel of a mask (H, W) is from the nearest that is not of it in its column; what is
 * outside is not. */
static void measure_columns(const uint8_t *mask, int height, int width, uint16_t *distances) {
  for (int y = 0; y < height; y++) {
    uint16_t *row = distances + y * width;
    for (int x = 0; x < width; x++) {
      const int above = y ? row[x - width] : 0;
      row[x] = (uint16_t)(mask[y * width + x] ? above + 1 : 0);
    }
  }
  for (int y = height - 1; y >= 0; y--) {
    uint16_t *row = distances + y * width;
    for (int x = 0; x < width; x++) {
      const int below = (y + 1 < height ? row[x + width] : 0) + 1;
      row[x] = (uint16_t)(row[x] > below ? below : row[x]);
    }
  }
}

static int distance_at(const uint16_t *row, int x, int width) {
  return x < 0 || x >= width ? 0 : row[x];
}

/* The mean distance to the edge; 0 where there is nothing. */
static double mean_distance(const uint16_t *columns, int height, int width) {
  double count = 0, total = 0;
  for (int y = 0; y < height; y++) {
    const uint16_t *row = columns + y * width;
    for (int x = 0; x < width; x++) {
      if (!row[x]) continue;
      int square = row[x] * row[x];
      for (int away = 1; away * away < square; away++) {
        const int left = distance_at(row, x - away, width);
        const int right = distance_at(row, x + away, width);
        const int nearer = least_of(left, right);
        square = least_of(square, away * away + nearer * nearer);
      }
      count++;
      total += sqrt(square);
    }
  }
  return count > 0 ? total / count : 0;
}

/* A picture with a border of zeros, each pixel as the largest at most `radius` away. */
typedef struct {
  const float *values; /* (H, W) without the border */
  int height, width, radius;
  float *line; /* of the width and a radius more at each side, twice */
} Thickened;

static size_t room_for_thickened(int width, int radius) {
  return room_for(width + 4 * radius, sizeof(float));
}

static void read_thickened(const Rows *rows, int row, float *largest) {
  const Thickened *from = rows->source;
  const int radius = from->radius, width = from->width, height = from->height;
  float *line = from->line;
  for (int x = 0; x < rows->width; x++) largest[x] = 0;
  int reach = radius;
  for (int down = 0; down <= radius; down++) {
    while (reach * reach > radius * radius - down * down) reach--;
    const int above = row - radius - down, below = row - radius + down;
    const int has_above = above >= 0 && above < height, has_below = below >= 0 && below < height;
    if (!has_above && !has_below) continue;
    const int start = radius + reach; /* of the picture in the line */
    for (int i = 0; i < start; i++) line[i] = line[start + width + i] = 0;
    const float *one = from->values + (has_above ? above : below) * width;
    const float *other = from->values + (has_below ? below : above) * width;
    for (int x = 0; x < width; x++) line[start + x] = one[x] > other[x] ? one[x] : other[x];
    largest_from(line, width + 2 * start, 2 * reach + 1, 1);
    for (int x = 0; x < rows->width; x++) largest[x] = line[x] > largest[x] ? line[x] : largest[x];
  }
}

static Rows rows_of_thickened(const Thickened *from) {
  const Rows rows = {from->height + 2 * from->radius, from->width + 2 * from->radius, from, 0,
                     read_thickened};
  return rows;
}

#endif
