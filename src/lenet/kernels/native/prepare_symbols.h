/* Symbols: put into their frames, and cut out of a page. As `pictures/_symbols.py`. */

#ifndef LENET_PREPARE_SYMBOLS_H
#define LENET_PREPARE_SYMBOLS_H

#include "prepare_ink.h"
#include "prepare_order.h"
#include "prepare_strokes.h"

static const double OVERLAP = 0.5;   /* of the narrower of two parts above each other: one symbol */
static const double NEAR_PART = 0.2; /* of the taller of the two: the gap between them */
static const double HIGHEST = 1.4;   /* of most symbols or of a part: parts of one are no higher */
static const double THINNEST = 1.35; /* pixels of the box: thinner strokes */
static const double THIN = 1.9;      /* get this width */
static const float HALF_INK = 0.5f;
static const double PER_PIXEL = 1000; /* places are told apart; what is finer is rounding */

enum {
  MOST_SYMBOLS = 4000, MOST_PARTS = 8000, /* beyond any page that is written by hand */
  LARGEST = 400, /* pixels of a symbol's longer side: more would take long and show no more */
  FINE = 4, /* pixels for one of the box, where strokes are measured */
  FEWEST_USUAL = 8, /* parts; of fewer it is not known how high a symbol is */
  MOST_TILT = 24, /* 256ths: how far lines of a page may rise or fall */
  FEWEST_TILTED = 8, /* symbols; the lines of fewer are not known well enough */
  TILT_GAIN = 115 /* percent: how much better lines must part than level ones */
};

/* The ink of a symbol in its box: all that is there, or that of some parts. */
typedef struct {
  const Ink *ink;
  Box box;
  const int16_t *symbol_of; /* of each part; none for all ink */
  int symbol;
} Drawn;

/* How the image of a symbol is made. */
typedef struct {
  int height, width, margin;
} Frame;

static void read_drawn(const Rows *rows, int row, float *values) {
  const Drawn *drawn = rows->source;
  const Ink *ink = drawn->ink;
  const int y = drawn->box.top + row, left = drawn->box.left;
  const float *strength = ink->strength + y * ink->width + left;
  copy_floats(values, strength, rows->width);
  if (!drawn->symbol_of) return;
  for (int x = 0; x < rows->width; x++) {
    if (values[x] > 0 && drawn->symbol_of[part_at(&ink->parts, y, left + x)] != drawn->symbol) {
      values[x] = 0;
    }
  }
}

/* A symbol made smaller. */
static void read_values(const Rows *rows, int row, float *values) {
  copy_floats(values, (const float *)rows->source + row * rows->width, rows->width);
}

/* The largest radius by which strokes may be made thicker. */
static int largest_radius(int height, int width, const Frame *frame) {
  const int inner = least_of(frame->height, frame->width) - 2 * frame->margin;
  const double per_pixel = (double)most_of(height, width) / inner;
  return (int)(THIN / 2 * (per_pixel > FINE ? per_pixel : FINE)) + 2;
}

/* The memory for the symbols of ink of a size. */
static size_t room_for_fitting(int height, int width, const Frame *frame) {
  if (most_of(height, width) > LARGEST) {
    const int rows = least_of(height, LARGEST), columns = least_of(width, LARGEST);
    return room_for(rows * columns, sizeof(float)) + room_for(width, sizeof(float)) +
           room_for_resizer(height, width, rows, columns) + room_for_fitting(rows, columns, frame);
  }
  const int inner_height = frame->height - 2 * frame->margin;
  const int inner_width = frame->width - 2 * frame->margin;
  const int rows = most_of(height, FINE * inner_height);
  const int columns = most_of(width, FINE * inner_width);
  const int radius = largest_radius(height, width, frame);
  const size_t plane = room_for(rows * columns, 1);
  const size_t enlarging = room_for_resizer(height, width, rows, columns);
  const size_t measuring = room_for(rows * columns, sizeof(uint16_t));
  const size_t stroke = 2 * plane + room_for(2 * columns + 2, 1) +
                        (measuring > enlarging ? measuring : enlarging);
  const size_t shrinking =
      room_for_resizer(rows + 2 * radius, columns + 2 * radius, inner_height, inner_width) +
      room_for_thickened(columns, radius);
  const size_t thicker =
      room_for(rows * columns, sizeof(float)) + (enlarging > shrinking ? enlarging : shrinking);
  return room_for(inner_height * inner_width, sizeof(float)) +
         room_for(inner_height + inner_width, sizeof(double)) + room_for(columns, sizeof(float)) +
         (stroke > thicker ? stroke : thicker);
}

/* By how many pixels strokes must be made thicker, once the ink is enlarged to a size: 0 where they
 * are thick enough. */
static int missing_radius(const Rows *drawn, int height, int width, float lowest, float highest,
                          double scale, Scratch scratch) {
  const int size = height * width;
  uint8_t *mask = take(&scratch, size, sizeof *mask), *lost = take(&scratch, size, sizeof *lost);
  uint8_t *rows = take(&scratch, 2 * width + 2, sizeof *rows);
  Scratch rest = scratch;
  Resizer resizer;
  start_resizer(&resizer, drawn, height, width, lowest, highest, &rest);
  for (int y = 0; y < height; y++) {
    const float *enlarged = resized_row(&resizer, y);
    uint8_t *row = mask + y * width;
    for (int x = 0; x < width; x++) row[x] = enlarged[x] > HALF_INK;
  }
  copy_bytes(lost, mask, size);
  /* Across a stroke of `width` pixels the distance to its edge is (width + 2) / 4 in the mean. */
  if (are_as_far(lost, height, width, (THINNEST / scale + 2) / 4, rows)) return 0;
  uint16_t *columns = take(&scratch, size, sizeof *columns);
  measure_columns(mask, height, width, columns);
  const double mean = mean_distance(columns, height, width);
  const double stroke = mean > 0 ? (4 * mean - 2) * scale : 0;
  if (stroke >= THINNEST) return 0;
  return most_of(1, (int)rint((THIN - stroke) / 2 / scale));
}

/* Fit ink into a box of a size that keeps its proportions, with strokes that are thick enough. */
static void fit_ink(const Rows *drawn, int height, int width, float *fitted, float *line,
                    Scratch scratch) {
  float lowest, highest;
  find_range(drawn, line, &lowest, &highest);
  const int rows = most_of(drawn->height, FINE * height);
  const int columns = most_of(drawn->width, FINE * width);
  const double scale = (double)most_of(height, width) / most_of(rows, columns);
  const int radius = missing_radius(drawn, rows, columns, lowest, highest, scale, scratch);
  Resizer resizer;
  Thickened thickened = {0};
  if (radius) {
    float *enlarged = take(&scratch, rows * columns, sizeof *enlarged);
    Scratch rest = scratch;
    start_resizer(&resizer, drawn, rows, columns, lowest, highest, &rest);
    highest = 0;
    for (int y = 0; y < rows; y++) {
      const float *row = resized_row(&resizer, y);
      copy_floats(enlarged + y * columns, row, columns);
      for (int x = 0; x < columns; x++) highest = row[x] > highest ? row[x] : highest;
    }
    thickened.values = enlarged;
    thickened.height = rows;
    thickened.width = columns;
    thickened.radius = radius;
    thickened.line = take(&scratch, columns + 4 * radius, sizeof *thickened.line);
    const Rows thick = rows_of_thickened(&thickened);
    start_resizer(&resizer, &thick, height, width, 0, highest, &scratch);
  } else {
    start_resizer(&resizer, drawn, height, width, lowest, highest, &scratch);
  }
  for (int y = 0; y < height; y++) {
    copy_floats(fitted + y * width, resized_row(&resizer, y), width);
  }
}

/* Where rows, or columns, begin so that their centre of mass is in the middle of the room. */
static int start_of(const double *masses, int count, int room) {
  double total = 0, moment = 0;
  for (int place = 0; place < count; place++) {
    total += masses[place];
    moment += masses[place] * place;
  }
  const double offset = rint(PER_PIXEL * (room / 2 - moment / total)) / PER_PIXEL;
  return most_of(0, least_of(room - count, (int)rint(offset)));
}

/* A symbol whose longer side is `LARGEST`. */
static Rows smaller_symbol(const Rows *drawn, Scratch *scratch) {
  int height, width;
  fit_size(drawn->height, drawn->width, LARGEST, LARGEST, &height, &width);
  float *values = take(scratch, height * width, sizeof *values);
  Scratch rest = *scratch;
  float *line = take(&rest, drawn->width, sizeof *line), lowest, highest;
  find_range(drawn, line, &lowest, &highest);
  Resizer resizer;
  start_resizer(&resizer, drawn, height, width, lowest, highest, &rest);
  for (int y = 0; y < height; y++) {
    copy_floats(values + y * width, resized_row(&resizer, y), width);
  }
  const Rows smaller = {height, width, values, 0, read_values};
  return smaller;
}

/* Fit ink into a box, with its centre of mass in the middle of the frame: pixels of a plane.
 *
 * Source: LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document
 * recognition", section III.A. */
static void fit_symbol(const Drawn *symbol, const Frame *frame, int is_dark, uint8_t *plane,
                       Scratch scratch) {
  const Box box = symbol->box;
  Rows drawn = {box.bottom - box.top, box.right - box.left, symbol, 0, read_drawn};
  int height, width;
  if (most_of(drawn.height, drawn.width) > LARGEST) drawn = smaller_symbol(&drawn, &scratch);
  fit_size(drawn.height, drawn.width, frame->height - 2 * frame->margin,
           frame->width - 2 * frame->margin, &height, &width);
  float *fitted = take(&scratch, height * width, sizeof *fitted), largest = 0;
  double *rows = take(&scratch, height + width, sizeof *rows), *columns = rows + height;
  float *line = take(&scratch, drawn.width, sizeof *line);
  fit_ink(&drawn, height, width, fitted, line, scratch);
  for (int i = 0; i < height * width; i++) largest = fitted[i] > largest ? fitted[i] : largest;
  for (int i = 0; i < height + width; i++) rows[i] = 0;
  for (int y = 0; y < height; y++) {
    float *row = fitted + y * width;
    for (int x = 0; x < width; x++) {
      row[x] /= largest;
      rows[y] += row[x];
      columns[x] += row[x];
    }
  }
  const int top = start_of(rows, height, frame->height);
  const int left = start_of(columns, width, frame->width);
  fill_bytes(plane, is_dark ? 255 : 0, frame->height * frame->width);
  for (int y = 0; y < height; y++) {
    uint8_t *pixels = plane + (top + y) * frame->width + left;
    const float *row = fitted + y * width;
    for (int x = 0; x < width; x++) {
      pixels[x] = (uint8_t)rintf(255 * (is_dark ? 1 - row[x] : row[x]));
    }
  }
}

/* The symbols of a page, each a few parts that belong together, in the order that they are read. */
typedef struct {
  Ink ink;
  int count;
  int16_t *symbol_of; /* of each part; -1 for what is no ink */
  Box *boxes;
  int16_t *parts; /* how many each has */
} Page;

static size_t room_for_page(int height, int width) {
  return room_for(1, sizeof(Page)) + room_for(blocks_of(height, width), sizeof(int16_t)) +
         room_for(MOST_SYMBOLS, sizeof(Box)) + room_for(MOST_SYMBOLS, sizeof(int16_t));
}

/* How many rows may be told apart where lines of a page rise or fall. */
static int bins_of(int height, int width) { return height + MOST_TILT * 4 * width / 512 + 2; }

/* What it takes to put boxes of a page into the order of reading, at the most. */
static size_t room_for_order(int height, int width) {
  return room_for(bins_of(height, width), sizeof(int32_t)) +
         2 * room_for(MOST_SYMBOLS, sizeof(int32_t)) + 2 * room_for(MOST_SYMBOLS, sizeof(int16_t));
}

/* What it takes to split a page, at the most. */
static size_t room_for_splitting(int height, int width) {
  const size_t ordering = room_for(MOST_SYMBOLS, sizeof(Box)) +
                          room_for(MOST_SYMBOLS, sizeof(int16_t)) + room_for_order(height, width);
  const size_t joining = room_for(MOST_PARTS, sizeof(double));
  return room_for(MOST_PARTS, sizeof(Box)) + 3 * room_for(MOST_PARTS, sizeof(int16_t)) +
         (joining > ordering ? joining : ordering);
}

/* Whether two parts stand above each other, or one in the other, and are together not much higher
 * than the usual symbol, as two lines of writing would be. */
static int belong_together(const Box *one, const Box *other, int usual) {
  const int shared = least_of(one->right, other->right) - most_of(one->left, other->left);
  const int narrower = least_of(one->right - one->left, other->right - other->left);
  const int gap = most_of(one->top, other->top) - least_of(one->bottom, other->bottom);
  const int taller = most_of(one->bottom - one->top, other->bottom - other->top);
  const int height = most_of(one->bottom, other->bottom) - least_of(one->top, other->top);
  return shared >= OVERLAP * narrower && gap <= NEAR_PART * taller &&
         height <= HIGHEST * most_of(taller, usual);
}

/* The first part of the symbol that a part belongs to, as far as it is known. */
static int first_of_symbol(int16_t *symbol_of, int part) {
  while (symbol_of[part] != part) {
    symbol_of[part] = symbol_of[symbol_of[part]];
    part = symbol_of[part];
  }
  return part;
}

/* The height that three of four parts do not reach, at least; beyond all where there are few. */
static int usual_height(const Box *boxes, int count, double *heights) {
  double sum = 0;
  for (int i = 0; i < count; i++) {
    heights[i] = boxes[i].bottom - boxes[i].top;
    sum += heights[i];
  }
  return (int)(count < FEWEST_USUAL ? sum : select_in_order(heights, count, 3 * count / 4));
}

/* Say which symbol each part belongs to: the first of its parts. Parts come from the top. */
static void join_parts(const Box *boxes, int count, int16_t *symbol_of, Scratch scratch) {
  const int usual = usual_height(boxes, count, take(&scratch, count, sizeof(double)));
  int tallest = 0;
  for (int i = 0; i < count; i++) {
    symbol_of[i] = (int16_t)i;
    tallest = most_of(tallest, boxes[i].bottom - boxes[i].top);
  }
  for (int first = 0; first < count; first++) {
    const double lowest = boxes[first].bottom + NEAR_PART * tallest;
    for (int other = first + 1; other < count && boxes[other].top <= lowest; other++) {
      if (!belong_together(boxes + first, boxes + other, usual)) continue;
      const int one = first_of_symbol(symbol_of, first), two = first_of_symbol(symbol_of, other);
      symbol_of[most_of(one, two)] = (int16_t)least_of(one, two);
    }
  }
  for (int i = 0; i < count; i++) symbol_of[i] = (int16_t)first_of_symbol(symbol_of, i);
}

/* How many symbols cover each row, squared and summed, if lines fall by so many 256ths. */
static int64_t score_of_tilt(const Box *boxes, int count, int tilt, int most_sides, int unit,
                             int32_t *changes, int bins) {
  for (int i = 0; i < bins; i++) changes[i] = 0;
  for (int i = 0; i < count; i++) {
    const int shift = MOST_TILT * most_sides - tilt * (boxes[i].left + boxes[i].right);
    changes[(512 * boxes[i].top + shift) / unit]++;
    changes[(512 * boxes[i].bottom + shift) / unit]--;
  }
  int64_t score = 0, covering = 0;
  for (int i = 0; i < bins; i++) {
    covering += changes[i];
    score += covering * covering;
  }
  return score;
}

/* By how many 256ths lines fall to the right: there the symbols cover the fewest rows. */
static int find_tilt(const Box *boxes, int count, int height, int width, Scratch scratch) {
  if (count < FEWEST_TILTED) return 0;
  const int bins = bins_of(height, width);
  int32_t *changes = take(&scratch, bins, sizeof *changes);
  int heights = 0, most_sides = 0;
  for (int i = 0; i < count; i++) {
    heights += boxes[i].bottom - boxes[i].top;
    most_sides = most_of(most_sides, boxes[i].left + boxes[i].right);
  }
  const int unit = 512 * most_of(1, heights / (4 * count));
  int64_t most = score_of_tilt(boxes, count, 0, most_sides, unit, changes, bins) * TILT_GAIN / 100;
  int best = 0;
  for (int step = 2; step <= 2 * MOST_TILT + 1; step++) {
    const int tilt = step % 2 ? -(step / 2) : step / 2;
    const int64_t score = score_of_tilt(boxes, count, tilt, most_sides, unit, changes, bins);
    if (score <= most) continue;
    most = score;
    best = tilt;
  }
  return best;
}

/* Put numbers of boxes into order by one of their sides, those that are level as they were. */
static void sort_boxes(int16_t *order, int count, const int32_t *sides) {
  for (int i = 1; i < count; i++) {
    const int16_t one = order[i];
    int place = i;
    while (place && sides[order[place - 1]] > sides[one]) {
      order[place] = order[place - 1];
      place--;
    }
    order[place] = one;
  }
}

/* Say in which order boxes are read: line by line from the top, each from the left. A line is what
 * has its middle above the foot of the line's highest symbol, once the page is turned upright. */
static void put_in_reading_order(const Box *boxes, int count, int height, int width,
                                 int16_t *ordered, Scratch scratch) {
  const int tilt = find_tilt(boxes, count, height, width, scratch);
  int32_t *tops = take(&scratch, count, sizeof *tops);
  int32_t *lefts = take(&scratch, count, sizeof *lefts);
  int16_t *waiting = take(&scratch, count, sizeof *waiting);
  for (int i = 0; i < count; i++) {
    tops[i] = 512 * boxes[i].top - tilt * (boxes[i].left + boxes[i].right);
    lefts[i] = boxes[i].left;
    waiting[i] = (int16_t)i;
  }
  sort_boxes(waiting, count, tops);
  while (count) {
    const int first = waiting[0];
    const int foot = tops[first] + 512 * (boxes[first].bottom - boxes[first].top);
    int in_line = 0, left = 0;
    for (int i = 0; i < count; i++) {
      const int one = waiting[i];
      if (2 * tops[one] + 512 * (boxes[one].bottom - boxes[one].top) < 2 * foot) {
        ordered[in_line++] = (int16_t)one;
      } else {
        waiting[left++] = (int16_t)one;
      }
    }
    sort_boxes(ordered, in_line, lefts);
    ordered += in_line;
    count = left;
  }
}

/* Cut ink into symbols: line by line from the top, each line from the left. Gives how many, or that
 * they, or the parts, are too many. */
static int split_symbols(Page *page, Scratch scratch) {
  const Parts *parts = &page->ink.parts;
  const int kept = page->ink.kept;
  if (kept > MOST_PARTS) return -1;
  Box *boxes = take(&scratch, kept, sizeof *boxes);
  int16_t *root_of = take(&scratch, kept, sizeof *root_of);
  int16_t *numbers = take(&scratch, kept, sizeof *numbers);
  int16_t *places = take(&scratch, kept, sizeof *places);
  int part = 0, count = 0;
  for (int i = 0; i < parts->count; i++) {
    if (page->ink.was_kept[i]) boxes[part++] = box_of_part(parts, i);
  }
  join_parts(boxes, kept, root_of, scratch);
  for (int i = 0; i < kept; i++) {
    if (root_of[i] == i) numbers[i] = (int16_t)count++;
  }
  if (count > MOST_SYMBOLS) return -2;
  Box *found = take(&scratch, count, sizeof *found);
  int16_t *ordered = take(&scratch, count, sizeof *ordered);
  for (int i = 0; i < count; i++) {
    const Box empty = {INT16_MAX, INT16_MAX, 0, 0};
    found[i] = empty;
  }
  for (int i = 0; i < kept; i++) {
    Box *box = found + numbers[root_of[i]];
    box->top = least_of(box->top, boxes[i].top);
    box->left = least_of(box->left, boxes[i].left);
    box->bottom = most_of(box->bottom, boxes[i].bottom);
    box->right = most_of(box->right, boxes[i].right);
  }
  put_in_reading_order(found, count, page->ink.height, page->ink.width, ordered, scratch);
  for (int place = 0; place < count; place++) {
    places[ordered[place]] = (int16_t)place;
    page->boxes[place] = found[ordered[place]];
    page->parts[place] = 0;
  }
  part = 0;
  for (int i = 0; i < parts->count; i++) {
    page->symbol_of[i] = -1;
    if (!page->ink.was_kept[i]) continue;
    page->symbol_of[i] = places[numbers[root_of[part++]]];
    page->parts[page->symbol_of[i]]++;
  }
  return page->count = count;
}

#endif
