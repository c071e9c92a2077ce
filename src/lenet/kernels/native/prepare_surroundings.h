/* What lies round a symbol and is none of it. As `pictures/_surroundings.py`. */

#ifndef LENET_PREPARE_SURROUNDINGS_H
#define LENET_PREPARE_SURROUNDINGS_H

#include "prepare_parts.h"

enum {
  LEAST_SEARCHED = 40,            /* pixels of a picture in which they are looked for */
  PROBES = 3, PROBES_OF = 16,     /* where lines are looked for: 16ths from both ends */
  THICK = 20, LEAST_THICK = 5,    /* parts of the longer side, but not less than so many pixels */
  DEEPEST = 3,                    /* parts of a picture's side: how deep a bar may be */
  STEEP = 10, STEEPEST = 3,       /* parts of its length by which a line, or bar's end, may fall */
  MOST_LINES = 16, MOST_RUNS = 24, /* in a direction, and that cross a column; more are a pattern */
  LINE_DRAWN = 90, LINE_FREE = 25, /* percent of a line: drawn, and where nothing else touches it */
  LINE_GAP = 3,                   /* pixels that may be missing */
  BEYOND = 2, BAR_BEYOND = 16,    /* pixels by which a line goes beyond a symbol, and parts of it
                                     by which a bar does */
  NEAR_CROSSING = 3,              /* pixels to the left and right, by which a stroke goes on */
  FEWEST_LONG = 8,                /* pixels of the longer side of what is a symbol */
  ALONG = 60,                     /* percent of what lies along the edge of the picture */
  BESIDE_OTHERS = 6,              /* parts of a picture's side: a symbol beside something else */
  WITHIN = 35, APART = 25,        /* percent of a circle's side that the symbol in it has, and parts
                                     of that side by which they are apart */
  ROUND = 75                      /* percent of its rows and columns that are within */
};

enum { IN_MASK = 1, IN_LINE = 2, GONE = 4 }; /* bits of a mask's pixels, for a while */

/* A mask seen along its rows, or along its columns: places are along, and rows across. */
typedef struct {
  uint8_t *mask;
  int height, width, down, along;
} View;

typedef struct {
  int start, end;
} Run;

/* A line, or a bar at the edge. */
typedef struct {
  int left, right; /* where it is known: */
  Run one, other;  /* its rows there */
  int start, end, is_bar, is_at_top, is_at_foot;
} Line;

static View view_of(uint8_t *mask, int height, int width, int is_upright) {
  const View level = {mask, height, width, width, 1}, upright = {mask, width, height, 1, width};
  return is_upright ? upright : level;
}

static uint8_t *pixel_of(const View *view, int row, int column) {
  return view->mask + row * view->down + column * view->along;
}

static int is_in(const View *view, int row, int column) {
  if (row < 0 || row >= view->height) return 0;
  return *pixel_of(view, row, column) & IN_MASK;
}

/* Divided and rounded down, by a number above 0. */
static int rounded_down(int a, int b) { return a / b - (a % b < 0); }

/* The rows of a line in a column, two more than are drawn. */
static Run rows_of_line(const View *view, const Line *line, int column) {
  const int away = column - line->left, length = line->right - line->left;
  const int down = line->other.start - line->one.start, grown = line->other.end - line->one.end;
  Run rows = {line->one.start - 1 + rounded_down(down * away, length),
              line->one.end + 1 + rounded_down(grown * away, length)};
  if (line->is_bar && line->is_at_top) rows.start = 0;
  if (line->is_bar && line->is_at_foot) rows.end = view->height;
  return rows;
}

/* The runs of a mask's column; their number, or -1 for a pattern. */
static int find_runs(const View *view, int column, Run *runs) {
  int count = 0, before = 0;
  for (int row = 0; row <= view->height; row++) {
    const int here = is_in(view, row, column);
    if (here && !before) {
      if (count == MOST_RUNS) return -1;
      runs[count].start = row;
    }
    if (before && !here) runs[count++].end = row;
    before = here;
  }
  return count;
}

static int is_drawn(const View *view, const Line *line, int column) {
  const Run rows = rows_of_line(view, line, column);
  return is_in(view, rounded_down(rows.start + rows.end, 2), column);
}

/* How far a line is drawn from a column on, to the left or the right, but for gaps. */
static int end_of_line(const View *view, const Line *line, int column, int step) {
  int last = column;
  for (int here = column; here >= 0 && here < view->width; here += step) {
    if (is_drawn(view, line, here)) last = here;
    if ((here - last) * step > LINE_GAP) break;
  }
  return last;
}

/* Say whether two runs are of a line, and find its ends. */
static int is_line(const View *view, int thickest, Line *line) {
  const Run one = line->one, other = line->other;
  const int length = line->right - line->left;
  const int thickness = most_of(one.end - one.start, other.end - other.start);
  const int fall = other.start + other.end - one.start - one.end, falls = fall < 0 ? -fall : fall;
  line->is_at_top = one.start == 0 && other.start == 0;
  line->is_at_foot = one.end == view->height && other.end == view->height;
  line->is_bar = (line->is_at_top || line->is_at_foot) && thickness > thickest;
  if (line->is_bar) {
    if (thickness * DEEPEST > view->height || falls * STEEPEST > 2 * length) return 0;
  } else if (thickness > thickest || falls * STEEP > 2 * length) {
    return 0;
  }
  int missing = 0, free = 0;
  for (int column = line->left; column <= line->right; column++) {
    missing += !is_drawn(view, line, column);
    if (missing * 100 > (100 - LINE_DRAWN) * (length + 1)) return 0;
  }
  line->start = end_of_line(view, line, line->left, -1);
  line->end = end_of_line(view, line, line->right, 1) + 1;
  for (int column = line->start; column < line->end; column++) {
    const Run rows = rows_of_line(view, line, column);
    free += !is_in(view, rows.start - 1, column) && !is_in(view, rows.end, column);
  }
  if (free * 100 < LINE_FREE * (line->end - line->start)) return 0;
  return !line->is_bar || (line->start <= LINE_GAP && line->end >= view->width - LINE_GAP);
}

static int has_run(const View *view, const Line *line, int column, Run run) {
  const Run rows = rows_of_line(view, line, column);
  const int middle = (run.start + run.end) / 2;
  return rows.start <= middle && middle < rows.end;
}

/* Straight lines from about the left side to the right, and bars along the top and the foot. */
static int find_candidates(const View *view, int thickest, Line *lines) {
  Run ones[MOST_RUNS], others[PROBES][MOST_RUNS];
  int count = 0, right_runs[PROBES];
  for (int last = 1; last <= PROBES; last++) {
    const int right = view->width - 1 - view->width * last / PROBES_OF;
    right_runs[last - 1] = find_runs(view, right, others[last - 1]);
  }
  for (int first = 1; first <= PROBES; first++) {
    const int left = view->width * first / PROBES_OF, left_runs = find_runs(view, left, ones);
    for (int last = 1; last <= PROBES; last++) {
      const int right = view->width - 1 - view->width * last / PROBES_OF;
      const int runs = right_runs[last - 1];
      for (int pair = 0; pair < left_runs * runs && runs > 0; pair++) {
        Line line = {0};
        line.left = left;
        line.right = right;
        line.one = ones[pair / runs];
        line.other = others[last - 1][pair % runs];
        int is_known = count == MOST_LINES;
        for (int i = 0; i < count && !is_known; i++) {
          is_known = has_run(view, lines + i, left, line.one) &&
                     has_run(view, lines + i, right, line.other);
        }
        if (!is_known && is_line(view, thickest, &line)) lines[count++] = line;
      }
    }
  }
  return count;
}

static void paint_line(const View *view, const Line *line) {
  for (int column = line->start; column < line->end; column++) {
    const Run rows = rows_of_line(view, line, column);
    for (int row = most_of(rows.start, 0); row < least_of(rows.end, view->height); row++) {
      *pixel_of(view, row, column) |= IN_LINE;
    }
  }
}

/* Whether strokes are in two rows near a column. */
static int has_stroke(const View *view, int row, int column) {
  const int first = most_of(column - NEAR_CROSSING, 0);
  const int end = least_of(column + NEAR_CROSSING + 1, view->width);
  for (int y = most_of(row, 0); y < least_of(row + 2, view->height); y++) {
    for (int x = first; x < end; x++) {
      if ((*pixel_of(view, y, x) & (IN_MASK | IN_LINE)) == IN_MASK) return 1;
    }
  }
  return 0;
}

/* Mark a line as gone, but where strokes go on above and below. */
static void take_line(const View *view, const Line *line) {
  for (int column = line->start; column < line->end; column++) {
    const Run rows = rows_of_line(view, line, column);
    const int low = most_of(rows.start, 0), high = most_of(rows.end, 0);
    if (!line->is_bar && has_stroke(view, low - 2, column) && has_stroke(view, high, column)) {
      continue;
    }
    for (int row = low; row < least_of(high, view->height); row++) {
      *pixel_of(view, row, column) |= GONE;
    }
  }
}

static void clear_marks(uint8_t *mask, int size) {
  for (int i = 0; i < size; i++) mask[i] &= IN_MASK;
}

static int longer_side(Box box) { return most_of(box.bottom - box.top, box.right - box.left); }

/* The box of all parts that may be of a symbol, of what is left of a mask; empty where none is. */
static Box box_of_symbol(Parts *parts, const uint8_t *mask, const float *values, int least,
                         uint8_t *left) {
  const int size = parts->height * parts->width;
  Parts rest = *parts;
  Box all = {rest.height, rest.width, 0, 0};
  for (int i = 0; i < size; i++) left[i] = (mask[i] & (IN_MASK | GONE)) == IN_MASK;
  rest.mask = left;
  find_parts(&rest, values, 0);
  for (int i = 0; i < rest.count; i++) {
    const Box box = box_of_part(&rest, i);
    if (longer_side(box) < most_of(FEWEST_LONG, least)) continue;
    all.top = least_of(all.top, box.top);
    all.left = least_of(all.left, box.left);
    all.bottom = most_of(all.bottom, box.bottom);
    all.right = most_of(all.right, box.right);
  }
  return all;
}

static int goes_beyond(const Line *line, int first, int end) {
  const int beyond = line->is_bar ? (line->end - line->start) / BAR_BEYOND : BEYOND;
  return line->start + beyond <= first && line->end - beyond >= end;
}

/* Mark lines and bars that go beyond what is left without them, at both ends, as gone. Gives
 * whether there are some. The parts are lost. */
static int mark_lines(Parts *parts, uint8_t *mask, const float *values, Scratch scratch) {
  const int height = parts->height, width = parts->width;
  const int thickest = most_of(LEAST_THICK, most_of(height, width) / THICK);
  uint8_t *left = take(&scratch, height * width, sizeof *left);
  Line *lines = take(&scratch, 2 * MOST_LINES, sizeof *lines);
  const View views[2] = {view_of(mask, height, width, 0), view_of(mask, height, width, 1)};
  const int level = find_candidates(&views[0], thickest, lines);
  int count = level + find_candidates(&views[1], thickest, lines + level), flat = level;
  while (count) {
    for (int i = 0; i < count; i++) paint_line(&views[i >= flat], lines + i);
    for (int i = 0; i < count; i++) take_line(&views[i >= flat], lines + i);
    const Box box = box_of_symbol(parts, mask, values, 2 * thickest, left);
    int kept = 0, kept_flat = 0;
    for (int i = 0; i < count && box.bottom; i++) {
      const int is_upright = i >= flat, first = is_upright ? box.top : box.left;
      if (!goes_beyond(lines + i, first, is_upright ? box.bottom : box.right)) continue;
      lines[kept++] = lines[i];
      kept_flat += !is_upright;
    }
    if (kept == count) return 1;
    clear_marks(mask, height * width);
    count = kept;
    flat = kept_flat;
  }
  return 0;
}

/* How many pixels of a part lie along each side of the picture, at the most. */
static int contact_of_part(const Parts *parts, int number, Box box) {
  int most = 0;
  for (int side = 0; side < 4; side++) {
    const int is_row = side < 2, is_last = side % 2;
    const int across = is_last ? (is_row ? parts->height : parts->width) - 1 : 0;
    const int first = is_row ? box.left : box.top, end = is_row ? box.right : box.bottom;
    int count = 0;
    for (int along = first; along < end; along++) {
      const int y = is_row ? across : along, x = is_row ? along : across;
      count += is_set(parts, y, x) && part_at(parts, y, x) == number;
    }
    most = most_of(most, count);
  }
  return most;
}

/* Mark parts along the edge of the picture, beside one that is not, as gone. */
static int mark_beside(const Parts *parts, uint8_t *mask, uint8_t *is_along) {
  const int side = most_of(parts->height, parts->width) / BESIDE_OTHERS;
  int along = 0, symbols = 0;
  for (int i = 0; i < parts->count; i++) {
    const Box box = box_of_part(parts, i);
    const int longer = longer_side(box);
    const int touches = contact_of_part(parts, i, box) * 100 >= ALONG * longer;
    symbols += !touches && longer >= most_of(FEWEST_LONG, side);
    is_along[i] = (uint8_t)(touches && longer >= FEWEST_LONG);
    along += is_along[i];
  }
  if (!along || !symbols) return 0;
  for (int y = 0; y < parts->height; y++) {
    uint8_t *row = mask + y * parts->width;
    for (int x = 0; x < parts->width; x++) {
      if (row[x] && is_along[part_at(parts, y, x)]) row[x] |= GONE;
    }
  }
  return 1;
}

/* Whether a box, of a part that is not small, is within another, so far from its sides. */
static int is_inside(Box box, Box other, int apart) {
  return longer_side(box) >= FEWEST_LONG && box.top >= other.top + apart &&
         box.bottom <= other.bottom - apart && box.left >= other.left + apart &&
         box.right <= other.right - apart;
}

/* What of a mask belongs to a part, or to those inside of it. */
typedef struct {
  const Parts *parts;
  int number, apart, is_upright;
} Ring;

/* Whether a pixel is of a ring (1), of what is inside of it (2), or neither. */
static int side_of_ring(const Ring *ring, int row, int place) {
  const int y = ring->is_upright ? place : row, x = ring->is_upright ? row : place;
  const Parts *parts = ring->parts;
  if (!is_set(parts, y, x)) return 0;
  const int number = part_at(parts, y, x);
  if (number == ring->number) return 1;
  const Box box = box_of_part(parts, number), outside = box_of_part(parts, ring->number);
  return is_inside(box, outside, ring->apart) ? 2 : 0;
}

/* Whether a ring is at both sides of what is inside in nearly all of its rows, and not near. */
static int is_at_both_sides(const Ring *ring, int first_row, int end_row, int length) {
  int count = 0, total = 0;
  for (int row = first_row; row < end_row; row++) {
    int first = length, last = -1;
    for (int place = 0; place < length; place++) {
      if (side_of_ring(ring, row, place) != 2) continue;
      if (last < 0) first = place;
      last = place;
    }
    if (last < 0) continue;
    int before = 0, after = 0, near = 0;
    for (int place = 0; place < length; place++) {
      if (side_of_ring(ring, row, place) != 1) continue;
      before |= place < first;
      after |= place > last;
      near |= place >= first - ring->apart && place <= last + ring->apart;
    }
    count += before && after && !near;
    total++;
  }
  return count * 100 >= ROUND * total;
}

/* Whether a part is closed round others, and well apart from them. */
static int is_round_others(const Parts *parts, int number) {
  const Box box = box_of_part(parts, number);
  const int side = longer_side(box), apart = most_of(1, side / APART);
  Box in = {parts->height, parts->width, 0, 0};
  if (side < 3 * FEWEST_LONG) return 0;
  for (int i = 0; i < parts->count; i++) {
    const Box other = box_of_part(parts, i);
    if (!is_inside(other, box, apart)) continue;
    in.top = least_of(in.top, other.top);
    in.left = least_of(in.left, other.left);
    in.bottom = most_of(in.bottom, other.bottom);
    in.right = most_of(in.right, other.right);
  }
  if (!in.bottom || longer_side(in) * 100 < WITHIN * side) return 0;
  const Ring level = {parts, number, apart, 0}, upright = {parts, number, apart, 1};
  return is_at_both_sides(&level, in.top, in.bottom, parts->width) &&
         is_at_both_sides(&upright, in.left, in.right, parts->height);
}

/* Mark the first part that is round others as gone. */
static int mark_round(const Parts *parts, uint8_t *mask) {
  for (int i = 0; i < parts->count; i++) {
    if (!is_round_others(parts, i)) continue;
    for (int y = 0; y < parts->height; y++) {
      uint8_t *row = mask + y * parts->width;
      for (int x = 0; x < parts->width; x++) {
        if (row[x] && part_at(parts, y, x) == i) row[x] |= GONE;
      }
    }
    return 1;
  }
  return 0;
}

static size_t room_for_surroundings(int height, int width) {
  if (least_of(height, width) < LEAST_SEARCHED) return 0;
  return room_for(height * width, sizeof(uint8_t)) + room_for(2 * MOST_LINES, sizeof(Line));
}

/* Make the values 0 of what is marked as gone, and give that there is something. */
static int clear_gone(const Parts *parts, const uint8_t *mask, float *values) {
  for (int i = 0; i < parts->height * parts->width; i++) {
    if (mask[i] & GONE) values[i] = 0;
  }
  return 1;
}

/* Make the values 0 of lines round a symbol, and give whether there are any. Parts are lost. */
static int clear_lines(Parts *parts, uint8_t *mask, float *values, Scratch scratch) {
  return mark_lines(parts, mask, values, scratch) && clear_gone(parts, mask, values);
}

/* The same for parts round a symbol. */
static int clear_others(const Parts *parts, uint8_t *mask, float *values, Scratch scratch) {
  uint8_t *is_along = take(&scratch, blocks_of(parts->height, parts->width), sizeof *is_along);
  const int is_found = mark_beside(parts, mask, is_along) || mark_round(parts, mask);
  return is_found && clear_gone(parts, mask, values);
}

#endif
