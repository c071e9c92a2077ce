/* Pictures on their own ground: all of them, or what stands out. As in `pictures/_prepare.py`. */

#ifndef LENET_PREPARE_THINGS_H
#define LENET_PREPARE_THINGS_H

#include "prepare_ground.h"
#include "prepare_parts.h"
#include "prepare_resize.h"

static const float LEAST_DIFFERENCE = (float)(0.03 * 255); /* what differs less is ground */
static const float LIGHT = 128.0f;

/* A picture with the channels and the polarity that a network knows. */
typedef struct {
  const Picture *picture;
  int channels, is_inverted;
} Thing;

static void read_thing(const Rows *rows, int row, float *values) {
  const Thing *thing = rows->source;
  const Picture *picture = thing->picture;
  const int width = picture->width;
  if (thing->channels == 1 && picture->channels == 3) { /* luminance, ITU-R BT.601 */
    const double red = 0.299f, green = 0.587f, blue = 0.114f;
    const uint8_t *from = picture->bytes + row * width * 3;
    for (int x = 0; x < width; x++, from += 3) {
      values[x] = (float)(red * from[0] + green * from[1] + blue * from[2]);
    }
  } else {
    read_channel(picture, picture->channels == 1 ? 0 : rows->channel, row, values);
  }
  if (!thing->is_inverted) return;
  for (int x = 0; x < width; x++) values[x] = 255 - values[x];
}

static Rows rows_of_thing(const Thing *thing, int channel) {
  const Rows rows = {thing->picture->height, thing->picture->width, thing, channel, read_thing};
  return rows;
}

/* Rows without what lies outside of a box. */
typedef struct {
  Rows rows;
  Box box;
  float *line;
} Crop;

static void read_crop(const Rows *rows, int row, float *values) {
  const Crop *crop = rows->source;
  crop->rows.read(&crop->rows, crop->box.top + row, crop->line);
  copy_floats(values, crop->line + crop->box.left, rows->width);
}

static size_t room_for_thing(int height, int width, int frame_height, int frame_width) {
  return 2 * room_for(width, sizeof(float)) + room_for(width, sizeof(uint8_t)) +
         room_for_resizer(height, width, frame_height, frame_width);
}

/* The colour of the ground of each channel. */
static void find_colours(const Thing *thing, float *colours, float *line) {
  for (int channel = 0; channel < thing->channels; channel++) {
    const Rows rows = rows_of_thing(thing, channel);
    colours[channel] = corner_colour(&rows, line);
  }
}

/* The box of all pixels that differ from the ground in some channel, or of a row of them if that is
 * enough; empty where none does. */
static Box box_of_thing(const Thing *thing, const float *colours, int is_row_enough, float *line,
                        uint8_t *differs) {
  const int height = thing->picture->height, width = thing->picture->width;
  Box box = {height, width, 0, 0};
  for (int y = 0; y < height && !(is_row_enough && box.bottom); y++) {
    fill_bytes(differs, 0, width);
    for (int channel = 0; channel < thing->channels; channel++) {
      const Rows rows = rows_of_thing(thing, channel);
      read_thing(&rows, y, line);
      const float colour = colours[channel];
      for (int x = 0; x < width; x++) differs[x] |= fabsf(line[x] - colour) > LEAST_DIFFERENCE;
    }
    const uint8_t *first = memchr(differs, 1, (size_t)width);
    if (!first) continue;
    int last = width;
    while (!differs[last - 1]) last--;
    box.top = least_of(box.top, y);
    box.left = least_of(box.left, (int)(first - differs));
    box.bottom = y + 1;
    box.right = most_of(box.right, last);
  }
  return box;
}

/* Put a channel of a part of a picture into the middle of a frame of its ground. */
static void place_in_middle(const Rows *part, float colour, int height, int width, int frame_height,
                            int frame_width, uint8_t *plane, float *line, Scratch scratch) {
  const int top = (frame_height - height + 1) / 2, left = (frame_width - width + 1) / 2;
  float lowest, highest;
  find_range(part, line, &lowest, &highest);
  Resizer resizer;
  start_resizer(&resizer, part, height, width, lowest, highest, &scratch);
  fill_bytes(plane, (uint8_t)rintf(colour), frame_height * frame_width);
  for (int y = 0; y < height; y++) {
    const float *row = resized_row(&resizer, y);
    uint8_t *pixels = plane + (top + y) * frame_width + left;
    for (int x = 0; x < width; x++) pixels[x] = (uint8_t)rintf(row[x]);
  }
}

#endif
