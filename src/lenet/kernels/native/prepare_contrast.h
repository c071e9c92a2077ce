/* How far a picture's pixels are from its ground, towards the ink. As `pictures/_ground.py`. */

#ifndef LENET_PREPARE_CONTRAST_H
#define LENET_PREPARE_CONTRAST_H

#include "prepare_around.h"
#include "prepare_ground.h"

static const float FAR_FROM_GROUND = 0.5f; /* of the largest difference: what is certainly ink */
static const float DARKEST_PAPER = 40.0f;  /* of 255: where it seems darker, it is no shadow */
static const double WIDER = 0.2;           /* of a picture's longer side: than any stroke */

/* What the differences from the ground are made of, row by row. */
typedef struct {
  const Picture *picture;
  float weights[3][TERMS];
  Ground ground;
  float *columns;
  float *differences[3]; /* a row of each channel */
  float *paper;          /* how light the ground is */
  float *sizes;          /* of the differences */
} Differences;

static size_t room_for_differences(int width, int channels) {
  return (size_t)(3 + channels) * room_for(width, sizeof(float));
}

static Differences start_differences(const Picture *picture, const Ground *ground,
                                     Scratch *scratch) {
  Differences rows = {0};
  rows.picture = picture;
  rows.ground = *ground;
  rows.columns = take(scratch, picture->width, sizeof(float));
  rows.paper = take(scratch, picture->width, sizeof(float));
  rows.sizes = take(scratch, picture->width, sizeof(float));
  for (int channel = 0; channel < picture->channels; channel++) {
    rows.differences[channel] = take(scratch, picture->width, sizeof(float));
    for (int i = 0; i < TERMS; i++) {
      rows.weights[channel][i] = (float)ground->weights[channel][i];
    }
  }
  for (int x = 0; x < picture->width; x++) {
    rows.columns[x] = (float)place_of(x, ground->step, ground->width);
  }
  return rows;
}

/* Find the differences from the ground of a row, and its paper. */
static void find_differences(Differences *rows, int y) {
  const int width = rows->picture->width, channels = rows->picture->channels;
  const float row = (float)place_of(y, rows->ground.step, rows->ground.height);
  const float *columns = rows->columns;
  for (int channel = 0; channel < channels; channel++) {
    const float *w = rows->weights[channel];
    const float constant = w[0], down = w[1] + w[3] * row, across = w[2];
    const float both = w[4], bend = w[5];
    float *values = rows->differences[channel], *paper = rows->paper;
    read_channel(rows->picture, channel, y, values);
    for (int x = 0; x < width; x++) {
      const float column = columns[x];
      const float plane = constant + (down + both * column) * row;
      float surface = plane + (across + bend * column) * column;
      surface = surface < 0 ? 0 : surface;
      surface = surface > 255 ? 255 : surface;
      values[x] -= surface;
      paper[x] = channel ? paper[x] + surface : surface;
    }
  }
  if (channels > 1) {
    for (int x = 0; x < width; x++) rows->paper[x] /= 3;
  }
}

/* How large the differences of a row are, as lengths. */
static void find_sizes(Differences *rows) {
  const int width = rows->picture->width;
  const float *first = rows->differences[0];
  float *sizes = rows->sizes;
  if (rows->picture->channels == 1) {
    for (int x = 0; x < width; x++) sizes[x] = sqrtf(first[x] * first[x]);
    return;
  }
  const float *second = rows->differences[1], *third = rows->differences[2];
  for (int x = 0; x < width; x++) {
    sizes[x] = sqrtf((first[x] * first[x] + second[x] * second[x]) + third[x] * third[x]);
  }
}

/* The direction from the colour of the ground to that of the ink, of length 1. */
static void find_direction(Differences *rows, float far, float *direction) {
  const int channels = rows->picture->channels, width = rows->picture->width;
  Matrix products = {{0}}, vectors;
  double sums[3] = {0};
  for (int y = 0; y < rows->picture->height; y++) {
    find_differences(rows, y);
    find_sizes(rows);
    for (int x = 0; x < width; x++) {
      if (rows->sizes[x] < far) continue;
      for (int i = 0; i < channels; i++) {
        const double value = rows->differences[i][x];
        sums[i] += value;
        for (int j = 0; j <= i; j++) products[i][j] += value * rows->differences[j][x];
      }
    }
  }
  for (int i = 0; i < channels; i++) {
    for (int j = 0; j < i; j++) products[j][i] = products[i][j];
  }
  find_eigenvectors(products, channels, vectors);
  int strongest = 0;
  for (int k = 1; k < channels; k++) {
    if (products[k][k] >= products[strongest][strongest]) strongest = k;
  }
  double along = 0;
  for (int i = 0; i < channels; i++) along += vectors[i][strongest] * sums[i];
  for (int i = 0; i < channels; i++) {
    direction[i] = (float)(along < 0 ? -vectors[i][strongest] : vectors[i][strongest]);
  }
}

/* How far a row goes in a direction of colours, not below 0. */
static void project(const Differences *rows, const float *direction, float *contrast) {
  const int width = rows->picture->width;
  const float *first = rows->differences[0];
  const double red = direction[0];
  if (rows->picture->channels == 1) {
    for (int x = 0; x < width; x++) contrast[x] = (float)(red * first[x]);
  } else {
    const double green = direction[1], blue = direction[2];
    const float *second = rows->differences[1], *third = rows->differences[2];
    for (int x = 0; x < width; x++) {
      contrast[x] = (float)(red * first[x] + green * second[x] + blue * third[x]);
    }
  }
  for (int x = 0; x < width; x++) contrast[x] = contrast[x] > 0 ? contrast[x] : 0;
}

/* Make contrast what it would be if its paper were lit as at its brightest. */
static void brighten(float *contrast, const float *paper, float brightest, int width) {
  for (int x = 0; x < width; x++) {
    contrast[x] *= brightest / (paper[x] > DARKEST_PAPER ? paper[x] : DARKEST_PAPER);
  }
}

/* Contrast with a smooth ground, in the direction in which the two colours differ: for each pixel,
 * not below 0. Gives whether that is lighter than the ground.
 *
 * Ink that is darker than its ground takes a share of the light, so it counts more in a shadow. */
static int contrast_with_ground(const Picture *picture, const Ground *ground, float *contrast,
                                Scratch scratch) {
  const int width = picture->width, channels = picture->channels;
  Differences rows = start_differences(picture, ground, &scratch);
  float largest = 0, brightest = 0, direction[3];
  for (int y = 0; y < picture->height; y++) {
    find_differences(&rows, y);
    find_sizes(&rows);
    for (int x = 0; x < width; x++) {
      largest = rows.sizes[x] > largest ? rows.sizes[x] : largest;
      brightest = rows.paper[x] > brightest ? rows.paper[x] : brightest;
    }
  }
  find_direction(&rows, FAR_FROM_GROUND * largest, direction);
  float total = direction[0];
  for (int channel = 1; channel < channels; channel++) total += direction[channel];
  for (int y = 0; y < picture->height; y++, contrast += width) {
    find_differences(&rows, y);
    project(&rows, direction, contrast);
    if (total < 0) brighten(contrast, rows.paper, brightest, width);
  }
  return total >= 0;
}

/* Mark the pixels that are near to the ground. */
static void mark_near_ground(const Picture *picture, const Ground *ground, uint8_t *mask,
                             Scratch scratch) {
  const float near = (float)(NEAR_GROUND * ground->deviation);
  Differences rows = start_differences(picture, ground, &scratch);
  for (int y = 0; y < picture->height; y++, mask += picture->width) {
    find_differences(&rows, y);
    find_sizes(&rows);
    for (int x = 0; x < picture->width; x++) mask[x] = rows.sizes[x] <= near;
  }
}

/* How light each pixel of a row is. */
static void read_grey(const Picture *picture, int y, float *grey, float *line) {
  read_channel(picture, 0, y, grey);
  if (picture->channels == 1) return;
  for (int channel = 1; channel < picture->channels; channel++) {
    read_channel(picture, channel, y, line);
    for (int x = 0; x < picture->width; x++) grey[x] += line[x];
  }
  for (int x = 0; x < picture->width; x++) grey[x] /= 3;
}

static int surroundings_side(int height, int width) {
  return (int)(WIDER * most_of(height, width)) | 1;
}

static size_t room_for_contrast(int height, int width, int channels) {
  const size_t around = room_for_around(height, width, surroundings_side(height, width)) +
                        2 * room_for(width, sizeof(float));
  const size_t sample = room_for_sample(height, width, channels);
  const size_t rows = room_for_differences(width, channels);
  const size_t surface = sample > rows ? sample : rows;
  return surface > around ? surface : around;
}

/* What a picture is from its surroundings, darker (1) or lighter (-1): all that is narrow is filled
 * up, by morphological closing or opening. */
static void fill_narrow(const Picture *picture, int sign, float *values, float *grey, float *line,
                        Scratch scratch) {
  const int height = picture->height, width = picture->width;
  const int side = surroundings_side(height, width);
  for (int y = 0; y < height; y++) {
    read_grey(picture, y, grey, line);
    copy_floats(values + y * width, grey, width);
  }
  if (sign > 0) {
    largest_around(values, height, width, side, scratch);
    smallest_around(values, height, width, side, scratch);
  } else {
    smallest_around(values, height, width, side, scratch);
    largest_around(values, height, width, side, scratch);
  }
}

/* Make what was filled the difference from the picture, and give its 98th percentile. */
static float subtract_picture(const Picture *picture, int sign, float *values, float *grey,
                              float *line) {
  const int width = picture->width;
  for (int y = 0; y < picture->height; y++) {
    read_grey(picture, y, grey, line);
    float *row = values + y * width;
    for (int x = 0; x < width; x++) row[x] = sign > 0 ? row[x] - grey[x] : grey[x] - row[x];
  }
  return percentile_in_floats(values, picture->height * width, 98.0f / 100.0f);
}

/* Contrast of what is narrower than all that lies round it, whatever the ground is: dark or light,
 * whichever finds more, or what is dark. Gives the standard deviation of the rest. */
static double contrast_with_surroundings(const Picture *picture, int only_dark, float *contrast,
                                         Scratch scratch) {
  const int width = picture->width, size = picture->height * width;
  float *grey = take(&scratch, width, sizeof *grey), *line = take(&scratch, width, sizeof *line);
  int is_dark = only_dark;
  if (!only_dark) {
    fill_narrow(picture, 1, contrast, grey, line, scratch);
    const float dark = subtract_picture(picture, 1, contrast, grey, line);
    fill_narrow(picture, -1, contrast, grey, line, scratch);
    const float light = subtract_picture(picture, -1, contrast, grey, line);
    is_dark = dark >= light;
  }
  if (is_dark) {
    fill_narrow(picture, 1, contrast, grey, line, scratch);
    float brightest = 0;
    for (int i = 0; i < size; i++) brightest = contrast[i] > brightest ? contrast[i] : brightest;
    for (int y = 0; y < picture->height; y++) {
      read_grey(picture, y, grey, line);
      float *row = contrast + y * width;
      for (int x = 0; x < width; x++) {
        const float paper = row[x] > DARKEST_PAPER ? row[x] : DARKEST_PAPER;
        row[x] = (row[x] - grey[x]) * (brightest / paper);
      }
    }
  }
  float low, high;
  two_in_order(contrast, size, (size - 1) / 2, &low, &high);
  const double middle = size % 2 ? low : (low + high) / 2;
  const double deviation = NORMAL * middle;
  return deviation > LEAST_DEVIATION ? deviation : LEAST_DEVIATION;
}

#endif
