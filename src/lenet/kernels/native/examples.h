// The examples of a batch: which they are, and how each is mirrored and shifted on its way.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace lenet {

// Labelled images to choose from; `lenet.kernels._library.Examples` has the same fields.
struct Examples {
  const uint8_t* pixels;     // [image][channel][row][column]
  const float* byte_values;  // what each of the 256 stands for
  const int64_t* labels;
  int32_t channels;
  int32_t height;
  int32_t width;

  size_t image_size() const { return size_t(channels) * height * width; }
};

// A batch of them; `lenet.kernels._library.Selection` has the same fields. Every array has a value
// an image; all but the first may be null.
struct Selection {
  const int64_t* indices;
  const uint8_t* mirrored;       // not 0 where left and right change places, before any shift
  const int64_t* row_shifts;     // the pixel at (y, x) comes from (y + row shift, x + column shift)
  const int64_t* column_shifts;  // or is 0 where that lies outside
  int32_t count;
};

// A row moved by `shift`; what comes in from outside is 0.
inline void shift_row(const uint8_t* source, int width, int64_t shift, uint8_t* target) {
  const int64_t first = std::clamp<int64_t>(-shift, 0, width);
  const int64_t last = std::clamp<int64_t>(width - shift, first, width);
  std::memset(target, 0, first);
  std::memcpy(target + first, source + first + shift, last - first);
  std::memset(target + last, 0, width - last);
}

// The pixels of image `position` of the batch; `row` is room for one row.
inline void copy_pixels(const Examples& examples, const Selection& selection, int position,
                        uint8_t* row, uint8_t* target) {
  const size_t size = examples.image_size();
  const uint8_t* source = examples.pixels + selection.indices[position] * size;
  const bool mirrored = selection.mirrored && selection.mirrored[position];
  if (!mirrored && !selection.row_shifts) {
    std::memcpy(target, source, size);
    return;
  }
  const int height = examples.height, width = examples.width;
  // No shift moves an image farther than off its place.
  const auto shift_of = [&](const int64_t* shifts, int64_t most) {
    return shifts ? std::clamp(shifts[position], -most, most) : 0;
  };
  const int64_t down = shift_of(selection.row_shifts, height);
  const int64_t right = shift_of(selection.column_shifts, width);
  for (int channel = 0; channel < examples.channels; ++channel, source += height * width) {
    for (int y = 0; y < height; ++y, target += width) {
      if (y + down < 0 || y + down >= height) {
        std::memset(target, 0, width);
        continue;
      }
      const uint8_t* from = source + (y + down) * width;
      if (mirrored) {
        std::reverse_copy(from, from + width, row);
        from = row;
      }
      shift_row(from, width, right, target);
    }
  }
}

}  // namespace lenet
