/* Pictures row by row, and the memory that is lent for them. */

#ifndef LENET_PREPARE_ROWS_H
#define LENET_PREPARE_ROWS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Memory that is taken from the front; a copy that is thrown away gives back what was taken. */
typedef struct {
  unsigned char *next;
} Scratch;

enum { ALIGNMENT = 16 };

/* The bytes that so many things of a size take. */
static size_t room_for(int count, size_t size) {
  return ((size_t)count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void *take(Scratch *scratch, int count, size_t size) {
  void *taken = scratch->next;
  scratch->next += room_for(count, size);
  return taken;
}

static void copy_floats(float *restrict to, const float *restrict from, int count) {
  for (int i = 0; i < count; i++) to[i] = from[i];
}

static void copy_bytes(uint8_t *restrict to, const uint8_t *restrict from, int count) {
  for (int i = 0; i < count; i++) to[i] = from[i];
}

static void fill_bytes(uint8_t *bytes, int value, int count) {
  for (int i = 0; i < count; i++) bytes[i] = (uint8_t)value;
}

/* Something that gives its rows as floats. */
typedef struct Rows {
  int height, width;
  const void *source;
  int channel;
  void (*read)(const struct Rows *rows, int row, float *values);
} Rows;

/* A picture: bytes (H, W, C) as it was given, or floats (C, H, W) once it was made smaller. */
typedef struct {
  int height, width, channels;
  const uint8_t *bytes;
  const float *values;
} Picture;

static void read_channel(const Picture *picture, int channel, int row, float *values) {
  const int width = picture->width, channels = picture->channels;
  if (picture->values) {
    const float *from = picture->values + (channel * picture->height + row) * width;
    copy_floats(values, from, width);
    return;
  }
  const uint8_t *from = picture->bytes + row * width * channels + channel;
  if (channels == 1) {
    for (int x = 0; x < width; x++) values[x] = from[x];
  } else {
    for (int x = 0; x < width; x++) values[x] = from[3 * x];
  }
}

static void read_picture_row(const Rows *rows, int row, float *values) {
  read_channel(rows->source, rows->channel, row, values);
}

/* A channel of a picture. */
static Rows rows_of(const Picture *picture, int channel) {
  const Rows rows = {picture->height, picture->width, picture, channel, read_picture_row};
  return rows;
}

static int least_of(int a, int b) { return a < b ? a : b; }
static int most_of(int a, int b) { return a > b ? a : b; }
static int rounded_up(int a, int b) { return (a + b - 1) / b; }

/* The largest height and width of the same proportions within a frame, each at least 1. */
static void fit_size(int height, int width, int frame_height, int frame_width, int *fitted_height,
                     int *fitted_width) {
  const double down = (double)frame_height / height, across = (double)frame_width / width;
  const double scale = down < across ? down : across;
  *fitted_height = least_of(frame_height, most_of(1, (int)rint(height * scale)));
  *fitted_width = least_of(frame_width, most_of(1, (int)rint(width * scale)));
}

#endif
