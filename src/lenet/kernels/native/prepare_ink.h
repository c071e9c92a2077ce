/* What was drawn, whichever of ink and ground is the lighter one. As `pictures/_ink.py`. */

#ifndef LENET_PREPARE_INK_H
#define LENET_PREPARE_INK_H

#include "prepare_contrast.h"
#include "prepare_parts.h"
#include "prepare_resize.h"

static const double NOISE = 4.0;         /* deviations of the ground that ink must stand out */
static const double FAINTEST = 12.0;     /* of 255: what stands out less is no ink */
static const double WEAK = 0.05;         /* of the strongest ink: where ink ends */
static const double LEAST_SHARE = 2e-4;  /* of all pixels: less is noise and no symbol */
static const double STRONG = 0.5;        /* of the strongest ink: every part has some */
static const double FIRM = 0.35;         /* of the strongest ink: what fainter ink belongs to */
static const double CONTRAST_STEP = 1.25; /* more is asked for where the paper's lines were found */
static const double LEAST_PART = 0.08;   /* of the largest part: less is a speck */
static const double STRAIGHT = 0.8;      /* of each side of a frame is drawn */
static const double COVERED = 0.32;      /* of the edge: the largest digits cover less */

enum {
  FEWEST = 6,                 /* pixels: less is noise and no symbol */
  REACH = 2, REACHES = 100,   /* pixels, and parts of the longer side, that ink may be away */
  LINED = 8,                  /* crossings of a picture's edge that no symbol makes */
  LEAST_FRAME = 8,            /* pixels of each of its sides */
  LEAST_SYMBOL = 6,           /* pixels of the longer side of a symbol of a page, */
  SYMBOLS_ACROSS = 160,       /* and how many of the smallest go into the page's longer side */
  LARGE = 13,                 /* pixels, as the sides of a frame have */
  LEAST_SIDE = 64             /* pixels of a picture in which shadows are looked for */
};

/* What was drawn: how much ink there is, 0 to 1, where it is, and its parts. */
typedef struct {
  int height, width;
  float *strength;
  uint8_t *mask, *was_kept; /* of pixels, and of parts */
  Parts parts;
  int kept;     /* parts that are ink */
  int smallest; /* pixels of a part of a page that is more than a speck; 0 for one symbol */
  Box box;
  Scratch rest; /* what is behind mask and parts */
} Ink;

static size_t room_for_mask(int height, int width) {
  return room_for(height * width, sizeof(uint8_t)) + room_for_parts(height, width) +
         room_for(blocks_of(height, width), sizeof(uint8_t));
}

static void take_mask(Ink *ink, Scratch scratch) {
  const int height = ink->height, width = ink->width;
  ink->mask = take(&scratch, height * width, sizeof *ink->mask);
  ink->parts = take_parts(height, width, ink->mask, &scratch);
  ink->was_kept = take(&scratch, blocks_of(height, width), sizeof *ink->was_kept);
  ink->rest = scratch;
}

/* Add what is so many steps or fewer up, down, left or right of a mask. */
static void grow(uint8_t *mask, int height, int width, int steps, uint8_t *rows) {
  uint8_t *before = rows, *here = rows + width; /* as they were; `here` with a border */
  here[0] = here[width + 1] = 0;
  for (int step = 0; step < steps; step++) {
    fill_bytes(before, 0, width);
    for (int y = 0; y < height; y++) {
      uint8_t *row = mask + y * width;
      const uint8_t *after = y + 1 < height ? row + width : row;
      copy_bytes(here + 1, row, width);
      for (int x = 0; x < width; x++) before[x] |= after[x];
      for (int x = 0; x < width; x++) row[x] = before[x] | here[x] | here[x + 1] | here[x + 2];
      copy_bytes(before, here + 1, width);
    }
  }
}

/* Whether a part is a frame: drawn along all four sides of its box and empty within. */
static int is_frame(const Parts *parts, int number) {
  const Box box = box_of_part(parts, number);
  const int height = box.bottom - box.top, width = box.right - box.left;
  const int shorter = least_of(height, width), depth = most_of(1, shorter / 12);
  if (shorter < LEAST_FRAME) return 0;
  for (int side = 0; side < 4; side++) {
    const int is_row = side < 2, length = is_row ? width : height;
    int drawn = 0;
    for (int along = 0; along < length; along++) {
      int is_drawn = 0;
      for (int deep = 0; deep < depth && !is_drawn; deep++) {
        const int across = side % 2 ? (is_row ? height : width) - depth + deep : deep;
        const int y = box.top + (is_row ? across : along);
        const int x = box.left + (is_row ? along : across);
        is_drawn = is_set(parts, y, x) && part_at(parts, y, x) == number;
      }
      drawn += is_drawn;
    }
    if ((double)drawn / length < STRAIGHT) return 0;
  }
  for (int y = box.top + 2 * depth; y < box.bottom - 2 * depth; y++) {
    for (int x = box.left + 2 * depth; x < box.right - 2 * depth; x++) {
      if (is_set(parts, y, x) && part_at(parts, y, x) == number) return 0;
    }
  }
  return 1;
}

/* Whether a part is more than a speck: by its mass, or on a page by its longer side. */
static int is_large_part(const Ink *ink, int number, double least) {
  if (ink->parts.masses[number] >= least) return 1;
  if (!ink->smallest || ink->parts.masses[number] == 0) return 0;
  const Box box = box_of_part(&ink->parts, number);
  return most_of(box.bottom - box.top, box.right - box.left) >= ink->smallest;
}

/* Keep the parts that are more than specks, and count them. */
static int keep_large_parts(Ink *ink) {
  const Parts *parts = &ink->parts;
  double largest = 0;
  for (int i = 0; i < parts->count; i++) {
    largest = parts->masses[i] > largest ? parts->masses[i] : largest;
  }
  const double least = LEAST_PART * largest;
  int kept = 0;
  for (int i = 0; i < parts->count; i++) {
    ink->was_kept[i] = (uint8_t)is_large_part(ink, i, least);
    kept += ink->was_kept[i];
  }
  return kept;
}

/* Find the connected parts of a picture that are strong somewhere, bar the specks and frames; the
 * mask and `was_kept` say which. */
static void find_connected(Ink *ink, const float *contrast, double least, double peak) {
  const int size = ink->height * ink->width;
  /* What is faint and far from all that is not, is a line of the paper or a shadow. */
  const int reach = most_of(REACH, most_of(ink->height, ink->width) / REACHES);
  const float faint = (float)least, firm = (float)(least > FIRM * peak ? least : FIRM * peak);
  Parts *parts = &ink->parts;
  for (int i = 0; i < size; i++) ink->mask[i] = contrast[i] >= firm;
  Scratch scratch = ink->rest;
  uint8_t *rows = take(&scratch, 2 * ink->width + 2, sizeof *rows);
  grow(ink->mask, ink->height, ink->width, reach, rows);
  for (int i = 0; i < size; i++) ink->mask[i] &= contrast[i] >= faint;
  find_parts(parts, contrast, (float)(STRONG * peak));
  for (int i = 0; i < parts->count; i++) {
    if (!parts->has_strong[i]) parts->masses[i] = 0;
  }
  ink->kept = keep_large_parts(ink);
  for (int i = 0; i < parts->count; i++) { /* those that are not large can't be frames */
    parts->sizes[i] = parts->sizes[i] >= LARGE && ink->was_kept[i];
  }
  for (int i = 0; i < parts->count && ink->kept > 1; i++) {
    if (parts->sizes[i] && is_frame(parts, i)) {
      parts->masses[i] = 0;
      ink->kept = keep_large_parts(ink);
    }
  }
  for (int y = 0; y < ink->height; y++) {
    uint8_t *mask = ink->mask + y * ink->width;
    for (int x = 0; x < ink->width; x++) {
      if (mask[x]) mask[x] = ink->was_kept[part_at(parts, y, x)];
    }
  }
}

/* A pixel on the way once round the edge, which has `edge_length` pixels. */
static uint8_t edge_at(const Ink *ink, int place) {
  const int height = ink->height, width = ink->width;
  if (place < width) return ink->mask[place];
  place -= width;
  if (place < height - 1) return ink->mask[(place + 1) * width + width - 1];
  place -= height - 1;
  if (place < width - 1) return ink->mask[(height - 1) * width + width - 2 - place];
  return ink->mask[(height - 2 - (place - (width - 1))) * width];
}

static int edge_length(const Ink *ink) {
  return 2 * ink->width - 1 + ink->height - 1 + most_of(0, ink->height - 2);
}

/* How many times ink is met on the way once round the edge. */
static int crossings_of_edge(const Ink *ink) {
  const int length = edge_length(ink);
  uint8_t before = edge_at(ink, length - 1);
  int crossings = 0;
  for (int place = 0; place < length; place++) {
    const uint8_t here = edge_at(ink, place);
    crossings += here && !before;
    before = here;
  }
  return crossings;
}

/* Whether what was found covers more of the picture's edge than a symbol does: a shadow. In a
 * picture of a few pixels, a symbol that fills it can't be told from a shadow. */
static int covers_the_edge(const Ink *ink) {
  if (least_of(ink->height, ink->width) < LEAST_SIDE) return 0;
  const int length = edge_length(ink);
  int covered = 0;
  for (int place = 0; place < length; place++) covered += edge_at(ink, place);
  return (double)covered / length > COVERED;
}

/* Find what stands out from a ground of a standard deviation; its contrast becomes the strength.
 * Gives 0 where there is none. */
static int ink_in(Ink *ink, double deviation, Scratch scratch) {
  const int size = ink->height * ink->width;
  float *contrast = ink->strength;
  const double noise = NOISE * deviation, floor = noise > FAINTEST ? noise : FAINTEST;
  int count = count_from(contrast, size, (float)floor);
  if (!count) return 0;
  take_mask(ink, scratch);
  const double peak = percentile_of(contrast, size, size - count, 95.0 / 100);
  double least = WEAK * peak > noise ? WEAK * peak : noise;
  find_connected(ink, contrast, least, peak);
  if (crossings_of_edge(ink) >= LINED) {
    /* Ruled or squared paper, whose lines are fainter than what is written on it. */
    while (least < STRONG * peak && crossings_of_edge(ink)) {
      least *= CONTRAST_STEP;
      find_connected(ink, contrast, least, peak);
    }
  }
  count = 0;
  for (int i = 0; i < size; i++) {
    contrast[i] = ink->mask[i] ? contrast[i] : 0;
    count += ink->mask[i];
  }
  if (count < FEWEST || count < LEAST_SHARE * size) return 0;
  const float high = (float)percentile_of(contrast, size, size - count, 95.0 / 100);
  Box box = {ink->height, ink->width, 0, 0};
  for (int y = 0; y < ink->height; y++) {
    const uint8_t *mask = ink->mask + y * ink->width, *first = memchr(mask, 1, (size_t)ink->width);
    if (!first) continue;
    int last = ink->width;
    while (!mask[last - 1]) last--;
    box.top = least_of(box.top, y);
    box.left = least_of(box.left, (int)(first - mask));
    box.bottom = y + 1;
    box.right = most_of(box.right, last);
  }
  for (int i = 0; i < size; i++) {
    const float strength = contrast[i] / high;
    contrast[i] = strength > 1 ? 1 : strength;
  }
  ink->box = box;
  return 1;
}

/* The size in which ink is looked for. */
static void looked_at_size(int height, int width, int largest_side, int *rows, int *columns) {
  *rows = height;
  *columns = width;
  if (most_of(height, width) > largest_side) {
    fit_size(height, width, largest_side, largest_side, rows, columns);
  }
}

/* The memory to find ink, and of it what holds its strength, which is the first, and what holds all
 * of the ink. */
typedef struct {
  size_t finding, strength, ink;
} InkRoom;

static InkRoom room_for_ink(int height, int width, int channels, int largest_side) {
  int rows, columns;
  looked_at_size(height, width, largest_side, &rows, &columns);
  InkRoom room;
  size_t smaller = 0, resizing = 0;
  if (rows != height || columns != width) {
    smaller = room_for(channels * rows * columns, sizeof(float));
    resizing = room_for_resizer(height, width, rows, columns);
  }
  room.strength = room_for(rows * columns, sizeof(float));
  room.ink = room.strength + smaller + room_for_mask(rows, columns);
  const size_t contrast = room_for_contrast(rows, columns, channels);
  const size_t parts = room_for_mask(rows, columns) + room_for(2 * columns + 2, 1);
  const size_t most = contrast > parts ? contrast : parts;
  room.finding = room.strength + smaller + (most > resizing ? most : resizing);
  return room;
}

/* A picture made smaller. */
static Picture smaller_picture(const Picture *picture, int height, int width, Scratch *scratch) {
  const int size = height * width, channels = picture->channels;
  float *values = take(scratch, channels * size, sizeof *values);
  const Picture smaller = {height, width, channels, NULL, values};
  for (int channel = 0; channel < channels; channel++) {
    Scratch rest = *scratch;
    Resizer resizer;
    const Rows rows = rows_of(picture, channel);
    float lowest, highest;
    start_resizer(&resizer, &rows, height, width, 0, 0, &rest);
    find_range(&rows, resizer.line, &lowest, &highest);
    resizer.lowest = lowest;
    resizer.highest = highest;
    for (int y = 0; y < height; y++, values += width) {
      copy_floats(values, resized_row(&resizer, y), width);
    }
  }
  return smaller;
}

/* Tell ink from its ground, in a picture that is made smaller if a side is larger. Of a page all is
 * kept that may be a symbol, however large others are. Its strength is taken from the scratch, and
 * `rest` is what is left behind its mask and parts. `found` is 0 where there is none. */
static Ink find_ink(const Picture *given, int largest_side, int is_page, Scratch *scratch,
                    int *found) {
  Ink ink = {0};
  Picture picture = *given;
  looked_at_size(given->height, given->width, largest_side, &ink.height, &ink.width);
  if (is_page) {
    ink.smallest = most_of(LEAST_SYMBOL, most_of(ink.height, ink.width) / SYMBOLS_ACROSS);
  }
  ink.strength = take(scratch, ink.height * ink.width, sizeof *ink.strength);
  Scratch rest = *scratch;
  if (ink.height != given->height || ink.width != given->width) {
    picture = smaller_picture(given, ink.height, ink.width, &rest);
  }
  *found = ink_in(&ink, contrast_with_surface(&picture, ink.strength, rest), rest);
  if (*found && covers_the_edge(&ink)) { /* with a shadow, a table */
    if (!ink_in(&ink, contrast_with_surroundings(&picture, ink.strength, rest), rest)) {
      *found = ink_in(&ink, contrast_with_surface(&picture, ink.strength, rest), rest);
    }
  }
  return ink;
}

#endif
