/* What a picture was drawn on. As `pictures/_ground.py`. */

#ifndef LENET_PREPARE_GROUND_H
#define LENET_PREPARE_GROUND_H

#include "prepare_order.h"
#include "prepare_rows.h"
#include "prepare_symmetric.h"

enum {
  ROUNDS = 6,        /* of fitting; the ground hardly changes after these */
  SAMPLED_SIDE = 64, /* pixels in a row or column are enough to know the ground */
  TERMS = 6,         /* of a quadratic surface: 1, y, x, y², xy and x² */
  BLOCKS = 4,        /* of a picture in a row or column, each of which has some ground */
  LANES = 4          /* sums that are formed side by side, the same on every machine */
};

static const double NEAR_GROUND = 3.0;     /* deviations within which a pixel belongs to it */
static const double NEARER_GROUND = 1.5;   /* and at first, where it starts with more than that */
static const double ROUNDING = 1e-6;       /* of 255: so far as well */
static const double LEAST_DEVIATION = 1.0; /* of pixels 0 to 255: what rounding alone does */
static const double NORMAL = 1.4826; /* the standard deviation in median absolute deviations */

/* What the ground is looked for with first: the border, or the lighter half of the pixels of each
 * block, or the darker one. */
typedef enum { AT_BORDER, AMONG_LIGHT, AMONG_DARK } Start;

/* A quadratic surface for each channel, how far the ground's pixels are from it, and their share of
 * all. */
typedef struct {
  double weights[3][MOST_UNKNOWNS];
  double deviation, share;
  int step, height, width; /* each `step`-th row and column, so many of them, were fitted */
} Ground;

/* The pixels that the ground is fitted to. */
typedef struct {
  int channels, height, width;
  float *values;                 /* (C, H, W) */
  double *columns;               /* where they lie, -1 to 1 about */
  double *distances, *numbers;   /* (H, W); numbers to choose the middle one of */
  uint8_t *is_ground, *fitted_to; /* (H, W) */
} Sample;

static double place_of(int place, int step, int count) {
  const double half = count / 2.0;
  return ((double)place / step - half + 0.5) / half;
}

static int ground_step(int height, int width) {
  return rounded_up(most_of(height, width), SAMPLED_SIDE);
}

static size_t room_for_sample(int height, int width, int channels) {
  const int step = ground_step(height, width);
  const int rows = rounded_up(height, step), columns = rounded_up(width, step);
  const int size = rows * columns;
  return room_for(channels * size, sizeof(float)) + room_for(columns, sizeof(double)) +
         2 * room_for(size, sizeof(double)) + 2 * room_for(size, sizeof(uint8_t)) +
         room_for(width, sizeof(float));
}

static Sample take_sample(const Picture *picture, Scratch *scratch) {
  const int step = ground_step(picture->height, picture->width);
  Sample sample = {0};
  sample.channels = picture->channels;
  sample.height = rounded_up(picture->height, step);
  sample.width = rounded_up(picture->width, step);
  const int size = sample.height * sample.width;
  sample.values = take(scratch, sample.channels * size, sizeof(float));
  sample.columns = take(scratch, sample.width, sizeof(double));
  sample.distances = take(scratch, size, sizeof(double));
  sample.numbers = take(scratch, size, sizeof(double));
  sample.is_ground = take(scratch, size, sizeof(uint8_t));
  sample.fitted_to = take(scratch, size, sizeof(uint8_t));
  float *line = take(scratch, picture->width, sizeof(float)), *value = sample.values;
  for (int channel = 0; channel < sample.channels; channel++) {
    for (int row = 0; row < picture->height; row += step) {
      read_channel(picture, channel, row, line);
      for (int x = 0; x < picture->width; x += step) *value++ = line[x];
    }
  }
  for (int x = 0; x < sample.width; x++) sample.columns[x] = place_of(x, 1, sample.width);
  return sample;
}

/* Mark the border: a twenty-fifth of the shorter side, at least one pixel. */
static void mark_border(const Sample *sample, uint8_t *mask) {
  const int height = sample->height, width = sample->width, shorter = least_of(height, width);
  const int depth = least_of(most_of(1, shorter / 25), (shorter + 1) / 2);
  for (int y = 0; y < height; y++) {
    uint8_t *row = mask + y * width;
    fill_bytes(row, 1, width);
    if (y >= depth && y < height - depth && width > 2 * depth) {
      fill_bytes(row + depth, 0, width - 2 * depth);
    }
  }
}

/* How far each pixel is from the surface, in the channel where it is farthest. */
static void measure_distances(Sample *sample, double weights[][MOST_UNKNOWNS]) {
  const int width = sample->width;
  const double *columns = sample->columns;
  for (int channel = 0; channel < sample->channels; channel++) {
    const double *weight = weights[channel];
    for (int y = 0; y < sample->height; y++) {
      const double row = place_of(y, 1, sample->height);
      const double in_row = weight[0] + weight[1] * row + weight[3] * row * row;
      const double slope = weight[2] + weight[4] * row, bend = weight[5];
      const float *values = sample->values + (channel * sample->height + y) * width;
      double *distances = sample->distances + y * width;
      for (int x = 0; x < width; x++) {
        const double surface = in_row + (slope + bend * columns[x]) * columns[x];
        const double distance = fabs(values[x] - surface);
        distances[x] = channel && distances[x] > distance ? distances[x] : distance;
      }
    }
  }
}

/* The middle one of the ground's distances. */
static double middle_distance(const Sample *sample) {
  const int size = sample->height * sample->width;
  int count = 0;
  for (int i = 0; i < size; i++) {
    sample->numbers[count] = sample->distances[i];
    count += sample->is_ground[i];
  }
  return median_of(sample->numbers, count);
}

/* Powers of the place in a row, and pixels times these, summed over the ground. */
typedef struct {
  double powers[5], pixels[3][3];
} RowSums;

static double sum_of_lanes(const double *lanes) {
  return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

typedef struct {
  double powers[5][LANES], pixels[3][3][LANES];
} LaneSums;

/* Add so many pixels, `LANES` at most, to the sums of as many lanes. */
static void add_pixels(LaneSums *sums, const Sample *sample, int y, int x, int count) {
  const int start = y * sample->width + x, plane = sample->height * sample->width;
  for (int lane = 0; lane < count; lane++) {
    const double place = sample->columns[x + lane], one = sample->is_ground[start + lane];
    const double first = one * place, second = first * place;
    sums->powers[0][lane] += one;
    sums->powers[1][lane] += first;
    sums->powers[2][lane] += second;
    sums->powers[3][lane] += second * place;
    sums->powers[4][lane] += second * place * place;
  }
  for (int channel = 0; channel < sample->channels; channel++) {
    const float *values = sample->values + channel * plane + start;
    for (int lane = 0; lane < count; lane++) {
      const double place = sample->columns[x + lane];
      const double zeroth = values[lane] * (double)sample->is_ground[start + lane];
      sums->pixels[channel][0][lane] += zeroth;
      sums->pixels[channel][1][lane] += zeroth * place;
      sums->pixels[channel][2][lane] += zeroth * place * place;
    }
  }
}

static RowSums sum_row(const Sample *sample, int y) {
  const int width = sample->width;
  LaneSums lanes = {{{0}}, {{{0}}}};
  int x = 0;
  for (; x + LANES <= width; x += LANES) add_pixels(&lanes, sample, y, x, LANES);
  add_pixels(&lanes, sample, y, x, width - x);
  RowSums sums;
  for (int i = 0; i < 5; i++) sums.powers[i] = sum_of_lanes(lanes.powers[i]);
  for (int channel = 0; channel < sample->channels; channel++) {
    for (int i = 0; i < 3; i++) sums.pixels[channel][i] = sum_of_lanes(lanes.pixels[channel][i]);
  }
  return sums;
}

/* Each channel's surface that is nearest to the ground, by the normal equations: six unknowns, well
 * apart. */
static void fit_surface(const Sample *sample, double weights[][MOST_UNKNOWNS]) {
  static const int of_y[TERMS] = {0, 1, 0, 2, 1, 0}, of_x[TERMS] = {0, 0, 1, 0, 1, 2};
  double moments[5][5] = {{0}}; /* of powers of y and x */
  Matrix products;
  for (int channel = 0; channel < sample->channels; channel++) {
    for (int i = 0; i < TERMS; i++) weights[channel][i] = 0;
  }
  for (int y = 0; y < sample->height; y++) {
    const RowSums sums = sum_row(sample, y);
    double powers[5] = {1};
    for (int i = 1; i < 5; i++) powers[i] = powers[i - 1] * place_of(y, 1, sample->height);
    for (int down = 0; down < 5; down++) {
      for (int across = 0; across + down < 5; across++) {
        moments[down][across] += powers[down] * sums.powers[across];
      }
    }
    for (int channel = 0; channel < sample->channels; channel++) {
      for (int i = 0; i < TERMS; i++) {
        weights[channel][i] += powers[of_y[i]] * sums.pixels[channel][of_x[i]];
      }
    }
  }
  for (int i = 0; i < TERMS; i++) {
    for (int j = 0; j < TERMS; j++) products[i][j] = moments[of_y[i] + of_y[j]][of_x[i] + of_x[j]];
  }
  solve(products, TERMS, sample->channels, weights);
}

/* Mark the candidates that are near to the surface as ground, and count them. */
static int mark_ground(const Sample *sample, const uint8_t *candidates, double most) {
  const int size = sample->height * sample->width;
  int count = 0;
  for (int i = 0; i < size; i++) {
    sample->is_ground[i] = sample->distances[i] <= most;
    if (candidates) sample->is_ground[i] &= candidates[i];
    count += sample->is_ground[i];
  }
  return count;
}

/* Where a block begins; the first ones are one larger where the blocks do not divide a side. */
static int start_of_block(int size, int block) {
  return block * (size / BLOCKS) + least_of(block, size % BLOCKS);
}

/* Mark the lighter half of the pixels of each block, or the darker one, as ground. */
static void mark_half(const Sample *sample, Start start) {
  const int height = sample->height, width = sample->width, size = height * width;
  double *light = sample->distances, *block = sample->numbers;
  for (int i = 0; i < size; i++) {
    float sum = sample->values[i];
    for (int channel = 1; channel < sample->channels; channel++) {
      sum += sample->values[channel * size + i];
    }
    light[i] = sum;
  }
  for (int one = 0; one < BLOCKS * BLOCKS; one++) {
    const int row = one / BLOCKS, column = one % BLOCKS;
    const int top = start_of_block(height, row), bottom = start_of_block(height, row + 1);
    const int left = start_of_block(width, column), right = start_of_block(width, column + 1);
    int count = 0;
    for (int y = top; y < bottom; y++) {
      for (int x = left; x < right; x++) block[count++] = light[y * width + x];
    }
    if (!count) continue;
    const double middle = median_of(block, count);
    for (int y = top; y < bottom; y++) {
      for (int x = left; x < right; x++) {
        const double value = light[y * width + x];
        sample->is_ground[y * width + x] = start == AMONG_LIGHT ? value >= middle : value <= middle;
      }
    }
  }
}

/* The ground under a drawing, unevenly lit: a quadratic surface through what is no ink.
 *
 * It is fitted to the border first, then to all pixels, and each time again to those that are near
 * to it; ink is what stays far from it. */
static Ground find_ground(const Picture *picture, Start start, Scratch scratch) {
  Ground ground = {{{0}}, 0, 0, 0, 0, 0};
  Sample sample = take_sample(picture, &scratch);
  const int size = sample.height * sample.width;
  ground.step = ground_step(picture->height, picture->width);
  ground.height = sample.height;
  ground.width = sample.width;
  ground.deviation = LEAST_DEVIATION;
  int is_fitted = 0, count = 0;
  if (start == AT_BORDER) {
    mark_border(&sample, sample.is_ground);
    for (int channel = 0; channel < sample.channels; channel++) {
      count = 0;
      for (int i = 0; i < size; i++) {
        if (sample.is_ground[i]) sample.numbers[count++] = sample.values[channel * size + i];
      }
      ground.weights[channel][0] = median_of(sample.numbers, count);
    }
  } else {
    mark_half(&sample, start);
    fit_surface(&sample, ground.weights);
    copy_bytes(sample.fitted_to, sample.is_ground, size);
    is_fitted = 1;
  }
  for (int stage = 0; stage < 2; stage++) {
    const int is_at_border = start == AT_BORDER && stage == 0;
    const double near = start == AT_BORDER || stage ? NEAR_GROUND : NEARER_GROUND;
    for (int round = 0; round < ROUNDS; round++) {
      measure_distances(&sample, ground.weights);
      const double deviation = NORMAL * middle_distance(&sample);
      ground.deviation = deviation > LEAST_DEVIATION ? deviation : LEAST_DEVIATION;
      uint8_t *border = (uint8_t *)sample.numbers; /* whose numbers are not needed now */
      if (is_at_border) mark_border(&sample, border);
      const double most = near * ground.deviation + ROUNDING;
      count = mark_ground(&sample, is_at_border ? border : NULL, most);
      ground.share = (double)count / size;
      if (count < 4 * TERMS) return ground;
      if (is_fitted && memcmp(sample.is_ground, sample.fitted_to, (size_t)size) == 0) break;
      fit_surface(&sample, ground.weights);
      copy_bytes(sample.fitted_to, sample.is_ground, size);
      is_fitted = 1;
    }
  }
  return ground;
}

/* The standard deviation of noise, by what neighbours in a row differ. */
static double noise_of(const Picture *picture, Scratch scratch) {
  Sample sample = take_sample(picture, &scratch);
  const int width = sample.width, size = sample.height * width;
  int count = 0;
  for (int y = 0; y < sample.height; y++) {
    for (int x = 0; x + 1 < width; x++) {
      float most = 0;
      for (int channel = 0; channel < sample.channels; channel++) {
        const float *here = sample.values + channel * size + y * width + x;
        const float difference = fabsf(here[1] - here[0]);
        most = difference > most ? difference : most;
      }
      sample.numbers[count++] = most;
    }
  }
  return NORMAL / sqrt(2.0) * median_of(sample.numbers, count);
}

/* How uneven is what is taken for ground: less is better. It is more where that is little. */
static double unevenness(const Ground *ground) {
  const double cube = ground->share * ground->share * ground->share;
  return ground->deviation / (cube > 1e-9 ? cube : 1e-9);
}

/* The colour of the four corners: what fills a picture reaches its sides more often.
 *
 * The numbers are those of `two_in_order`, found row by row. */
static float corner_colour(const Rows *rows, float *line) {
  const int high = rounded_up(rows->height, 12), wide = rounded_up(rows->width, 12);
  const int middle = 2 * high * wide; /* of 4 corners */
  uint32_t prefix = 0, above = UINT32_MAX;
  int rank = middle - 1, equal = 0;
  for (int shift = 24; shift >= -8; shift -= 8) {
    int bins[256] = {0};
    const uint32_t known = shift == 24 ? 0 : ~0u << (shift + 8);
    for (int one = 0; one < 2 * high; one++) {
      rows->read(rows, one < high ? one : rows->height - 2 * high + one, line);
      for (int other = 0; other < 2 * wide; other++) {
        const uint32_t bits = bits_of(line[other < wide ? other : rows->width - 2 * wide + other]);
        if (shift < 0) {
          above = bits > prefix && bits < above ? bits : above;
        } else if ((bits & known) == prefix) {
          bins[(bits >> shift) & 255]++;
        }
      }
    }
    if (shift < 0) break;
    uint32_t bin = 0;
    while (rank >= bins[bin]) rank -= bins[bin++];
    equal = bins[bin];
    prefix |= bin << shift;
  }
  float low, next;
  memcpy(&low, &prefix, sizeof low);
  if (rank + 1 < equal) return low;
  memcpy(&next, &above, sizeof next);
  return (low + next) / 2;
}

#endif
