/* Other numbers of rows and columns: smooth when enlarged, averaged when made smaller.
 *
 * The filters are those of Pillow, `BICUBIC` and `BOX`, columns first and then rows, summed in
 * doubles in the same order.
 */

#ifndef LENET_PREPARE_RESIZE_H
#define LENET_PREPARE_RESIZE_H

#include "prepare_rows.h"

enum { CUBIC_TAPS = 5, KEPT_ROWS = 5 }; /* as many as one row of an enlarged picture is made of */

/* Of each place wanted: the first of those that it is made of, how many, and their weights. */
typedef struct {
  int most;
  int *first, *count;
  double *weights;
} Filter;

typedef struct {
  Rows from;
  int height, width;
  float lowest, highest; /* as curves swing beyond what they go through */
  Filter across, down;
  int held[KEPT_ROWS];
  float *kept, *line, *result;
  double *sums;
} Resizer;

/* Keys (1981), "Cubic convolution interpolation for digital image processing", a = -1/2. */
static double weigh_cubic(double distance) {
  const double x = distance < 0 ? -distance : distance;
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

static double weigh_box(double x) { return x > -0.5 && x <= 0.5 ? 1 : 0; }

/* The most that one place is made of. */
static int taps_for(int size, int wanted, int is_smaller) {
  if (!is_smaller) return CUBIC_TAPS;
  return 2 * rounded_up(most_of(size, wanted), 2 * wanted) + 1;
}

/* Enough for any filter from so many places or fewer to so many or fewer. */
static size_t room_for_filter(int size, int wanted) {
  return 2 * room_for(wanted, sizeof(int)) +
         room_for(size + CUBIC_TAPS * wanted, sizeof(double));
}

static Filter make_filter(int size, int wanted, int is_smaller, Scratch *scratch) {
  Filter filter;
  filter.most = taps_for(size, wanted, is_smaller);
  filter.first = take(scratch, wanted, sizeof *filter.first);
  filter.count = take(scratch, wanted, sizeof *filter.count);
  filter.weights = take(scratch, wanted * filter.most, sizeof *filter.weights);
  const double scale = (double)size / wanted, stretch = scale < 1 ? 1 : scale;
  const double support = (is_smaller ? 0.5 : 2.0) * stretch, narrower = 1 / stretch;
  for (int place = 0; place < wanted; place++) {
    double *weights = filter.weights + place * filter.most, total = 0;
    const double centre = (place + 0.5) * scale, start = centre - support + 0.5;
    const int first = start < 0 ? 0 : (int)start;
    const int end = least_of(size, (int)(centre + support + 0.5));
    int skipped = 0, count = 0; /* zeros at both ends */
    for (int one = first; one < end; one++) {
      const double offset = (one - centre + 0.5) * narrower;
      const double weight = is_smaller ? weigh_box(offset) : weigh_cubic(offset);
      if (weight == 0 && count == 0) {
        skipped++;
        continue;
      }
      weights[count++] = weight;
      total += weight;
    }
    while (count && weights[count - 1] == 0) count--;
    for (int tap = 0; tap < count; tap++) weights[tap] /= total;
    for (int tap = count; tap < filter.most; tap++) weights[tap] = 0;
    filter.first[place] = first + skipped;
    filter.count[place] = count;
  }
  return filter;
}

/* The memory of a resizer, of so many rows and columns or fewer to so many or fewer. */
static size_t room_for_resizer(int from_height, int from_width, int height, int width) {
  return room_for_filter(from_width, width) + room_for_filter(from_height, height) +
         room_for(KEPT_ROWS * width, sizeof(float)) + room_for(width, sizeof(double)) +
         room_for(width, sizeof(float)) +
         room_for(2 * from_width + CUBIC_TAPS, sizeof(float));
}

static void start_resizer(Resizer *resizer, const Rows *from, int height, int width, float lowest,
                          float highest, Scratch *scratch) {
  const int is_smaller = height < from->height || width < from->width;
  resizer->from = *from;
  resizer->height = height;
  resizer->width = width;
  resizer->lowest = lowest;
  resizer->highest = highest;
  resizer->across = make_filter(from->width, width, is_smaller, scratch);
  resizer->down = make_filter(from->height, height, is_smaller, scratch);
  resizer->kept = take(scratch, KEPT_ROWS * width, sizeof(float));
  resizer->sums = take(scratch, width, sizeof(double));
  resizer->result = take(scratch, width, sizeof(float));
  const int line = from->width + resizer->across.most; /* zeros beyond the end have no weight */
  resizer->line = take(scratch, line, sizeof(float));
  for (int i = 0; i < line; i++) resizer->line[i] = 0;
  for (int slot = 0; slot < KEPT_ROWS; slot++) resizer->held[slot] = -1;
}

/* A row of what is resized, with its columns as they are wanted. */
static const float *row_across(Resizer *resizer, int row) {
  const int slot = row % KEPT_ROWS, width = resizer->width;
  float *kept = resizer->kept + slot * width;
  if (resizer->held[slot] == row) return kept;
  resizer->held[slot] = row;
  if (resizer->from.width == width) {
    resizer->from.read(&resizer->from, row, kept);
    return kept;
  }
  const Filter *filter = &resizer->across;
  const float *line = resizer->line;
  resizer->from.read(&resizer->from, row, resizer->line);
  const double *weights = filter->weights;
  if (filter->most == CUBIC_TAPS) {
    for (int x = 0; x < width; x++, weights += CUBIC_TAPS) {
      const float *from = line + filter->first[x];
      double sum = from[0] * weights[0];
      sum += from[1] * weights[1];
      sum += from[2] * weights[2];
      sum += from[3] * weights[3];
      sum += from[4] * weights[4];
      kept[x] = (float)sum;
    }
    return kept;
  }
  for (int x = 0; x < width; x++, weights += filter->most) {
    const float *from = line + filter->first[x];
    double sum = 0;
    for (int tap = 0; tap < filter->count[x]; tap++) sum += from[tap] * weights[tap];
    kept[x] = (float)sum;
  }
  return kept;
}

/* A row of the result; rows are asked for from the top. */
static const float *resized_row(Resizer *resizer, int row) {
  const int width = resizer->width;
  if (resizer->from.height == resizer->height) {
    const float *across = row_across(resizer, row);
    if (resizer->from.width == width) return across;
    for (int x = 0; x < width; x++) resizer->result[x] = across[x];
  } else {
    const Filter *filter = &resizer->down;
    const double *weights = filter->weights + row * filter->most;
    double *sums = resizer->sums;
    for (int x = 0; x < width; x++) sums[x] = 0;
    for (int tap = 0; tap < filter->count[row]; tap++) {
      const float *across = row_across(resizer, filter->first[row] + tap);
      const double weight = weights[tap];
      for (int x = 0; x < width; x++) sums[x] += across[x] * weight;
    }
    for (int x = 0; x < width; x++) resizer->result[x] = (float)sums[x];
  }
  const float lowest = resizer->lowest, highest = resizer->highest;
  for (int x = 0; x < width; x++) {
    const float value = resizer->result[x] < lowest ? lowest : resizer->result[x];
    resizer->result[x] = value > highest ? highest : value;
  }
  return resizer->result;
}

enum { SIDE_BY_SIDE = 16 }; /* of which the ranges are found at once */

/* The lowest and the highest of some rows. */
static void find_range(const Rows *rows, float *line, float *lowest, float *highest) {
  float low[SIDE_BY_SIDE], high[SIDE_BY_SIDE];
  const int width = rows->width;
  rows->read(rows, 0, line);
  for (int i = 0; i < SIDE_BY_SIDE; i++) low[i] = high[i] = line[0];
  for (int row = 0; row < rows->height; row++) {
    if (row) rows->read(rows, row, line);
    int x = 0;
    for (; x + SIDE_BY_SIDE <= width; x += SIDE_BY_SIDE) {
      for (int i = 0; i < SIDE_BY_SIDE; i++) {
        low[i] = line[x + i] < low[i] ? line[x + i] : low[i];
        high[i] = line[x + i] > high[i] ? line[x + i] : high[i];
      }
    }
    for (; x < width; x++) {
      low[0] = line[x] < low[0] ? line[x] : low[0];
      high[0] = line[x] > high[0] ? line[x] : high[0];
    }
  }
  for (int i = 1; i < SIDE_BY_SIDE; i++) {
    low[0] = low[i] < low[0] ? low[i] : low[0];
    high[0] = high[i] > high[0] ? high[i] : high[0];
  }
  *lowest = low[0];
  *highest = high[0];
}

#endif
