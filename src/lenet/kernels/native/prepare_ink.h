/* What was drawn, whichever of ink and ground is the lighter one. As `pictures/_ink.py`. */

#ifndef LENET_PREPARE_INK_H
#define LENET_PREPARE_INK_H

#include "prepare_contrast.h"
#include "prepare_parts.h"
#include "prepare_resize.h"
#include "prepare_surroundings.h"

static const double NOISE = 4.0;         /* deviations of the ground that ink must stand out */
static const double FAINTEST = 12.0;     /* of 255: what stands out less is no ink */
static const double WEAK = 0.05;         /* of the strongest ink: where ink ends */
static const double LEAST_SHARE = 2e-4;  /* of all pixels: less is noise and no symbol */
static const double STRONG = 0.5;        /* of the strongest ink: every part has some */
static const double FIRM = 0.35;         /* of the strongest ink: what fainter ink belongs to */
static const double CONTRAST_STEP = 1.25; /* more is asked for where the paper's lines were found */
static const double LEAST_PART = 0.08;   /* of the largest part: less is a speck */
static const double STRAIGHT = 0.8;      /* of each side of a frame is drawn */
static const double TOUCHED = 0.04;      /* of the edge, where the ground is looked for inside, */
static const double ROUGH = 5.0;         /* or where its deviation is more than noise, */
static const double ROUGHER = 1.75;      /* and that is more than the noise of neighbours, */
static const double EVENER = 0.8;        /* and is there if it is so much more even */
static const double SMOOTHER = 0.75;     /* of the noise, in a picture that is made smaller */
static const double SHEET = 0.7;         /* of a note is filled */
static const double FAINT = 0.3;         /* of the strongest ink: what noise is more hides it */
static const double COVERED = 0.32;      /* of the edge: the largest digits cover less */

enum {
  FEWEST = 6,                 /* pixels: less is noise and no symbol */
  REACH = 2, REACHES = 100,   /* pixels, and parts of the longer side, that ink may be away */
  LINED = 8,                  /* crossings of a picture's edge that no symbol makes */
  LEAST_FRAME = 8,            /* pixels of each of its sides */
  LEAST_SYMBOL = 6,           /* pixels of the longer side of a symbol of a page, */
  SYMBOLS_ACROSS = 160,       /* and how many of the smallest go into the page's longer side */
  LARGE = 13,                 /* pixels, as the sides of a frame have */
  LEAST_SIDE = 64,            /* pixels of a picture in which shadows are looked for */
  HALVINGS = 2,               /* of a picture with faint ink */
  LEAST_ON_SHEET = 7,         /* parts of a picture's longer side: what is on a note */
  SQUARES = 7,                /* parts of a picture's longer side: strokes are narrower */
  CLEARINGS = 4               /* in which what is round a symbol is taken away */
};

/* What was drawn: how much ink there is, 0 to 1, where it is, and its parts. */
typedef struct {
  int height, width;
  float *strength;
  uint8_t *mask, *was_kept; /* of pixels, and of parts */
  Parts parts;
  int kept;     /* parts that are ink */
  int is_solid; /* before what is round a symbol was taken away */
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

/* Mark what stands out, without what is faint and far from all that is not: a line or a shadow. */
static void mark_firm(Ink *ink, const float *contrast, double least, double peak) {
  const int size = ink->height * ink->width;
  const int reach = most_of(REACH, most_of(ink->height, ink->width) / REACHES);
  const float faint = (float)least, firm = (float)(least > FIRM * peak ? least : FIRM * peak);
  for (int i = 0; i < size; i++) ink->mask[i] = contrast[i] >= firm;
  Scratch scratch = ink->rest;
  uint8_t *rows = take(&scratch, 2 * ink->width + 2, sizeof *rows);
  grow(ink->mask, ink->height, ink->width, reach, rows);
  for (int i = 0; i < size; i++) ink->mask[i] &= contrast[i] >= faint;
}

/* Keep of the parts that were found those that are strong somewhere, bar the specks and frames; the
 * mask and `was_kept` say which. */
static void keep_connected(Ink *ink) {
  Parts *parts = &ink->parts;
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
static int edge_pixel(int height, int width, int place) {
  if (place < width) return place;
  place -= width;
  if (place < height - 1) return (place + 1) * width + width - 1;
  place -= height - 1;
  if (place < width - 1) return (height - 1) * width + width - 2 - place;
  return (height - 2 - (place - (width - 1))) * width;
}

static uint8_t edge_at(const Ink *ink, int place) {
  return ink->mask[edge_pixel(ink->height, ink->width, place)];
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

/* What stands out from a ground of a standard deviation, and how many pixels do. */
static float floor_of(double deviation) {
  const double noise = NOISE * deviation;
  return (float)(noise > FAINTEST ? noise : FAINTEST);
}

/* Whether there is a pixel of those so far from each other with runs of such a length along its row
 * and its column: every filled square has one. */
static int has_long_runs(const Ink *ink, int length) {
  const int height = ink->height, width = ink->width;
  for (int y = length - 1; y < height; y += length) {
    for (int x = length - 1; x < width; x += length) {
      const uint8_t *pixel = ink->mask + y * width + x;
      if (!*pixel) continue;
      int across = 1, down = 1;
      for (int away = 1; away <= x && pixel[-away]; away++) across++;
      for (int away = 1; x + away < width && pixel[away]; away++) across++;
      for (int away = 1; away <= y && pixel[-away * width]; away++) down++;
      for (int away = 1; y + away < height && pixel[away * width]; away++) down++;
      if (across >= length && down >= length) return 1;
    }
  }
  return 0;
}

/* Whether a square of a mask is filled that is wider than strokes: paper on a desk, a lamp. */
static int is_solid(const Ink *ink, Scratch scratch) {
  const int width = ink->width, side = most_of(ink->height, width) / SQUARES;
  if (least_of(ink->height, width) < LEAST_SIDE) return 0;
  if (!has_long_runs(ink, side)) return 0; /* quick to see */
  uint16_t *sides = take(&scratch, width + 1, sizeof *sides); /* of squares that end here */
  for (int x = 0; x <= width; x++) sides[x] = 0;
  for (int y = 0; y < ink->height; y++) {
    const uint8_t *mask = ink->mask + y * width;
    int before = 0; /* at the left in the row above */
    for (int x = 0; x < width; x++) {
      const int above = sides[x + 1];
      const int side_here = mask[x] ? 1 + least_of(before, least_of(above, sides[x])) : 0;
      if (side_here >= side) return 1;
      before = above;
      sides[x + 1] = (uint16_t)side_here;
    }
  }
  return 0;
}

/* Find what stands out from a ground of a standard deviation; its contrast becomes the strength.
 * Gives 0 where there is none. */
static int ink_in(Ink *ink, double deviation, Scratch scratch) {
  const int size = ink->height * ink->width;
  const int is_searched = !ink->smallest && least_of(ink->height, ink->width) >= LEAST_SEARCHED;
  const double noise = NOISE * deviation;
  float *contrast = ink->strength;
  double peak, least;
  int count, rounds = is_searched ? CLEARINGS : 0;
  take_mask(ink, scratch);
  ink->is_solid = 0;
  do {
    count = count_from(contrast, size, floor_of(deviation));
    if (!count) return 0;
    peak = percentile_of(contrast, size, size - count, 95.0 / 100);
    least = WEAK * peak > noise ? WEAK * peak : noise;
    mark_firm(ink, contrast, least, peak);
    if (rounds == CLEARINGS) ink->is_solid = is_solid(ink, ink->rest);
    if (rounds && clear_lines(&ink->parts, ink->mask, contrast, ink->rest)) continue;
    find_parts(&ink->parts, contrast, (float)(STRONG * peak));
    if (rounds && clear_others(&ink->parts, ink->mask, contrast, ink->rest)) continue;
    break;
  } while (rounds--);
  keep_connected(ink);
  if (crossings_of_edge(ink) >= LINED) {
    /* Ruled or squared paper, whose lines are fainter than what is written on it. */
    while (least < STRONG * peak && crossings_of_edge(ink)) {
      least *= CONTRAST_STEP;
      mark_firm(ink, contrast, least, peak);
      find_parts(&ink->parts, contrast, (float)(STRONG * peak));
      keep_connected(ink);
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

static InkRoom room_for_ink(int height, int width, int channels, int largest_side, int is_page) {
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
  const size_t clearing = room_for_surroundings(rows, columns);
  const size_t growing = room_for(2 * columns + 2, 1);
  const size_t marking = growing + room_for_differences(columns, channels);
  const size_t parts = room_for_mask(rows, columns) + (clearing > marking ? clearing : marking);
  const size_t most = contrast > parts ? contrast : parts;
  size_t halves = 0;
  int half_rows = rows, half_columns = columns;
  for (int halving = 0; halving < HALVINGS && !is_page; halving++) {
    if (least_of(half_rows, half_columns) < 2 * LEAST_SEARCHED) break;
    const int above = half_rows, wide = half_columns;
    half_rows = rounded_up(half_rows, 2);
    half_columns = rounded_up(half_columns, 2);
    halves += room_for(channels * half_rows * half_columns, sizeof(float));
    const size_t halving_room = room_for_resizer(above, wide, half_rows, half_columns);
    resizing = halving_room > resizing ? halving_room : resizing;
  }
  room.finding = room.strength + smaller + halves + (most > resizing ? most : resizing);
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

/* Whether ink hardly stands out from the noise of its ground, if there is any. */
static int is_faint(const Ink *ink, double deviation) {
  const int size = ink->height * ink->width;
  const int count = count_from(ink->strength, size, floor_of(deviation));
  if (!count) return 1;
  const double least = NOISE * deviation / FAINT;
  const int above = count - (int)((count - 1) * (95.0 / 100));
  /* Quick to see. */
  if (count_from(ink->strength, size, (float)(1.0001 * least)) >= above) return 0;
  return NOISE * deviation > FAINT * percentile_of(ink->strength, size, size - count, 95.0 / 100);
}

/* Whether more of the picture's edge stands out than the end of a stroke. */
static int stands_at_edge(const Ink *ink, double deviation) {
  const int height = ink->height, width = ink->width, length = edge_length(ink);
  const float floor = floor_of(deviation);
  int count = 0;
  for (int place = 0; place < length; place++) {
    count += ink->strength[edge_pixel(height, width, place)] >= floor;
  }
  return (double)count / length > TOUCHED;
}

/* Contrast with the ground at the border; or inside, if that is more even. It is looked for there
 * where it is rough, where ink is faint or there is more at the edge than the end of a stroke. */
static Ground even_contrast(const Picture *picture, Ink *ink, int *is_light, Scratch scratch) {
  Ground ground = find_ground(picture, AT_BORDER, scratch);
  const double deviation = ground.deviation;
  *is_light = contrast_with_ground(picture, &ground, ink->strength, scratch);
  const int is_doubtful =
      deviation > ROUGH || stands_at_edge(ink, deviation) || is_faint(ink, deviation);
  if (is_doubtful && deviation > ROUGHER * noise_of(picture, scratch)) {
    int is_other = 0;
    for (int start = AMONG_LIGHT; start <= AMONG_DARK; start++) {
      const Ground other = find_ground(picture, (Start)start, scratch);
      if (other.deviation >= EVENER * ground.deviation ||
          unevenness(&other) >= EVENER * unevenness(&ground)) {
        continue;
      }
      ground = other;
      is_other = 1;
    }
    if (is_other) *is_light = contrast_with_ground(picture, &ground, ink->strength, scratch);
  }
  return ground;
}

/* The same, of a picture that is made smaller where that lets faint ink stand out from noise. */
static Ground best_contrast(Picture *picture, Ink *ink, int *is_light, Scratch *scratch) {
  Ground ground = even_contrast(picture, ink, is_light, *scratch);
  for (int halving = 0; halving < HALVINGS; halving++) {
    const int height = ink->height, width = ink->width;
    if (least_of(height, width) < 2 * LEAST_SEARCHED || !is_faint(ink, ground.deviation)) break;
    ink->height = rounded_up(height, 2);
    ink->width = rounded_up(width, 2);
    const Picture larger = *picture;
    *picture = smaller_picture(&larger, ink->height, ink->width, scratch);
    const Ground other = even_contrast(picture, ink, is_light, *scratch);
    if (other.deviation > SMOOTHER * ground.deviation) {
      *picture = larger;
      ink->height = height;
      ink->width = width;
      *is_light = contrast_with_ground(picture, &ground, ink->strength, *scratch);
      break;
    }
    ground = other;
  }
  return ground;
}

/* Whether a mask fills nearly all from side to side, and from top to bottom. */
static int is_sheet(const Ink *ink) {
  const int height = ink->height, width = ink->width;
  for (int is_upright = 0; is_upright < 2; is_upright++) {
    const int across = is_upright ? width : height, along = is_upright ? height : width;
    int count = 0, spanned = 0;
    for (int row = 0; row < across; row++) {
      int first = along, last = -1;
      for (int place = 0; place < along; place++) {
        if (!ink->mask[is_upright ? place * width + row : row * width + place]) continue;
        if (last < 0) first = place;
        last = place;
        count++;
      }
      spanned += last < 0 ? 0 : last - first + 1;
    }
    if (count < SHEET * spanned) return 0;
  }
  return 1;
}

/* Find what is darker than a note that lies on a desk, or than a lamp's light; but no desk. */
static int ink_on_sheet(const Picture *picture, const Ground *ground, Ink *ink, Scratch scratch) {
  const double deviation = contrast_with_surroundings(picture, 1, ink->strength, scratch);
  take_mask(ink, scratch);
  Scratch rest = ink->rest;
  uint8_t *rows = take(&rest, 2 * ink->width + 2, sizeof *rows);
  mark_near_ground(picture, ground, ink->mask, rest);
  grow(ink->mask, ink->height, ink->width, REACH, rows);
  for (int i = 0; i < ink->height * ink->width; i++) {
    if (ink->mask[i]) ink->strength[i] = 0;
  }
  if (!ink_in(ink, deviation, scratch)) return 0;
  return longer_side(ink->box) * LEAST_ON_SHEET >= most_of(ink->height, ink->width);
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
  Ground ground;
  int is_light;
  if (is_page || least_of(ink.height, ink.width) < LEAST_SEARCHED) {
    ground = find_ground(&picture, AT_BORDER, rest);
    is_light = contrast_with_ground(&picture, &ground, ink.strength, rest);
  } else {
    ground = best_contrast(&picture, &ink, &is_light, &rest);
  }
  *found = ink_in(&ink, ground.deviation, rest);
  if (!*found) return ink;
  int is_better = 1;
  if (covers_the_edge(&ink)) { /* with a shadow, a table */
    const double deviation = contrast_with_surroundings(&picture, 0, ink.strength, rest);
    is_better = ink_in(&ink, deviation, rest);
  } else if (ink.is_solid && is_light && is_sheet(&ink)) {
    is_better = ink_on_sheet(&picture, &ground, &ink, rest);
  }
  if (!is_better) {
    contrast_with_ground(&picture, &ground, ink.strength, rest);
    *found = ink_in(&ink, ground.deviation, rest);
  }
  return ink;
}

#endif
