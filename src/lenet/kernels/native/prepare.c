/* The preparation's face: what `prepare.h` declares. As `pictures/_prepare.py`. */

#include "prepare.h"

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF /* as GCC does where it is told the standard */
#endif

#include "prepare_ink.h"
#include "prepare_symbols.h"
#include "prepare_things.h"

enum { SYMBOL_SIDE = 400, PAGE_SIDE = 1600 }; /* pixels in which one symbol, or many, are sought */
enum { MOST_SIDE = 4096 };                    /* of an image */
enum { SYMBOL = 0, OBJECT = 1 };
enum { LIGHT_ON_DARK = 0, DARK_ON_LIGHT = 1, AS_IS = 2 };

typedef struct {
  int method, polarity, height, width, channels, margin;
} Preparation;

static Preparation preparation_from(const int32_t *numbers) {
  const Preparation preparation = {numbers[0], numbers[1], numbers[2],
                                   numbers[3], numbers[4], numbers[5]};
  return preparation;
}

static Frame frame_of(const Preparation *preparation) {
  const Frame frame = {preparation->height, preparation->width, preparation->margin};
  return frame;
}

static Scratch aligned(void *memory) {
  const uintptr_t address = (uintptr_t)memory, past = address % ALIGNMENT;
  const Scratch scratch = {(unsigned char *)memory + (past ? ALIGNMENT - past : 0)};
  return scratch;
}

static void tell(int32_t *seen, Box box, int height, int width, int is_blank, int parts) {
  const int numbers[] = {box.top, box.left, box.bottom, box.right, height, width, is_blank, parts};
  for (int i = 0; i < LENET_SEEN_NUMBERS; i++) seen[i] = numbers[i];
}

/* The same plane for every channel. */
static void repeat_plane(uint8_t *image, const Preparation *preparation) {
  const size_t size = (size_t)preparation->height * (size_t)preparation->width;
  for (int channel = 1; channel < preparation->channels; channel++) {
    memcpy(image + (size_t)channel * size, image, size);
  }
}

static void prepare_symbol(const Picture *picture, const Preparation *preparation, Scratch scratch,
                           uint8_t *image, int32_t *seen) {
  const int is_dark = preparation->polarity == DARK_ON_LIGHT;
  int found;
  const Ink ink = find_ink(picture, SYMBOL_SIDE, 0, &scratch, &found);
  if (found) {
    const Drawn symbol = {&ink, ink.box, NULL, 0};
    const Frame frame = frame_of(preparation);
    fit_symbol(&symbol, &frame, is_dark, image, scratch);
    tell(seen, ink.box, ink.height, ink.width, 0, ink.kept);
  } else {
    const Box all = {0, 0, 1, 1};
    fill_bytes(image, is_dark ? 255 : 0, preparation->height * preparation->width);
    tell(seen, all, 1, 1, 1, 1);
  }
  repeat_plane(image, preparation);
}

static void prepare_thing(const Picture *picture, const Preparation *preparation, Scratch scratch,
                          uint8_t *image, int32_t *seen) {
  const int channels = preparation->channels;
  float *line = take(&scratch, picture->width, sizeof *line), colours[3] = {0};
  Thing thing = {picture, channels, 0};
  find_colours(&thing, colours, line);
  if (preparation->polarity != AS_IS) {
    float sum = colours[0];
    for (int channel = 1; channel < channels; channel++) sum += colours[channel];
    const int is_light = sum / (float)channels >= LIGHT;
    thing.is_inverted = is_light == (preparation->polarity == LIGHT_ON_DARK);
    if (thing.is_inverted) find_colours(&thing, colours, line);
  }
  uint8_t *differs = take(&scratch, picture->width, sizeof *differs);
  const int is_object = preparation->method == OBJECT;
  Box box = box_of_thing(&thing, colours, !is_object, line, differs);
  const int is_blank = box.bottom == 0, is_cut_out = is_object && !is_blank;
  if (!is_cut_out) {
    const Box all = {0, 0, picture->height, picture->width};
    box = all;
  }
  const int free = is_cut_out ? 2 * preparation->margin : 0;
  int height, width;
  fit_size(box.bottom - box.top, box.right - box.left, preparation->height - free,
           preparation->width - free, &height, &width);
  Crop crop = {rows_of_thing(&thing, 0), box, take(&scratch, picture->width, sizeof *line)};
  for (int channel = 0; channel < channels; channel++) {
    crop.rows.channel = channel;
    const Rows part = {box.bottom - box.top, box.right - box.left, &crop, channel, read_crop};
    place_in_middle(&part, colours[channel], height, width, preparation->height,
                    preparation->width, image, line, scratch);
    image += preparation->height * preparation->width;
  }
  tell(seen, box, picture->height, picture->width, is_blank, 1);
}

int32_t lenet_prepare_scratch(int32_t height, int32_t width, int32_t channels,
                              const int32_t *preparation, int32_t many) {
  const Preparation wanted = preparation_from(preparation);
  const double bytes = (double)height * width * channels;
  const int is_picture = height > 0 && width > 0 && (channels == 1 || channels == 3);
  const int is_image = wanted.height <= MOST_SIDE && wanted.width <= MOST_SIDE;
  if (!is_picture || !is_image || bytes > INT32_MAX / 8) return 0;
  size_t size = ALIGNMENT;
  if (wanted.method == SYMBOL) {
    const int side = many ? PAGE_SIDE : SYMBOL_SIDE;
    const Frame frame = frame_of(&wanted);
    int rows, columns;
    looked_at_size(height, width, side, &rows, &columns);
    const InkRoom room = room_for_ink(height, width, channels, side, many);
    size_t using = room_for_fitting(rows, columns, &frame);
    if (many && room_for_splitting(rows, columns) > using) {
      using = room_for_splitting(rows, columns);
    }
    using += many ? room.ink : room.strength; /* of which a single symbol needs no more */
    size += room.finding > using ? room.finding : using;
    if (many) size += room_for_page(rows, columns);
  } else {
    size += room_for_thing(height, width, wanted.height, wanted.width);
  }
  return size > INT32_MAX ? 0 : (int32_t)size;
}

void lenet_prepare(const uint8_t *pixels, int32_t height, int32_t width, int32_t channels,
                   const int32_t *preparation, void *scratch, uint8_t *image, int32_t *seen) {
  const Preparation wanted = preparation_from(preparation);
  const Picture picture = {height, width, channels, pixels, NULL};
  if (wanted.method == SYMBOL) {
    prepare_symbol(&picture, &wanted, aligned(scratch), image, seen);
  } else {
    prepare_thing(&picture, &wanted, aligned(scratch), image, seen);
  }
}

int32_t lenet_find_symbols(const uint8_t *pixels, int32_t height, int32_t width, int32_t channels,
                           const int32_t *preparation, void *scratch) {
  (void)preparation;
  const Picture picture = {height, width, channels, pixels, NULL};
  Scratch memory = aligned(scratch);
  int rows, columns, found;
  looked_at_size(height, width, PAGE_SIDE, &rows, &columns);
  Page *page = take(&memory, 1, sizeof *page);
  page->symbol_of = take(&memory, blocks_of(rows, columns), sizeof *page->symbol_of);
  page->boxes = take(&memory, MOST_SYMBOLS, sizeof *page->boxes);
  page->parts = take(&memory, MOST_SYMBOLS, sizeof *page->parts);
  page->count = 0;
  page->ink = find_ink(&picture, PAGE_SIDE, 1, &memory, &found);
  return found ? split_symbols(page, page->ink.rest) : 0;
}

void lenet_take_symbol(int32_t index, const int32_t *preparation, void *scratch, uint8_t *image,
                       int32_t *seen) {
  const Preparation wanted = preparation_from(preparation);
  Scratch memory = aligned(scratch);
  const Page *page = take(&memory, 1, sizeof *page);
  const Drawn symbol = {&page->ink, page->boxes[index], page->symbol_of, index};
  const Frame frame = frame_of(&wanted);
  fit_symbol(&symbol, &frame, wanted.polarity == DARK_ON_LIGHT, image, page->ink.rest);
  repeat_plane(image, &wanted);
  tell(seen, symbol.box, page->ink.height, page->ink.width, 0, page->parts[index]);
}
