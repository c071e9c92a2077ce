// Cutting a length into blocks whose sums fit the registers, and calling code made for their size.
#pragma once

#include <type_traits>
#include <utility>

namespace lenet {

// Cuts `length` into as few blocks of at most `most` as will do, nearly equal in size, and calls
// `function(start, size)` for each.
template <typename Function>
inline void for_each_block(int length, int most, Function function) {
  const int count = (length + most - 1) / most;
  for (int block = 0, start = 0; block < count; ++block) {
    const int size = (length - start + count - block - 1) / (count - block);
    function(start, size);
    start += size;
  }
}

// Covers `length` by blocks of exactly `size`, at most `length`, and calls `function(start)` for each;
// the last one may overlap the one before.
template <typename Function>
inline void for_each_overlapping_block(int length, int size, Function function) {
  for (int start = 0; start < length; start += size) {
    function(start + size <= length ? start : length - size);
  }
}

// Calls `function` with `value`, from 1 to `kMost`, as a compile-time constant.
template <int kMost, typename Function>
inline void with_constant(int value, Function function) {
  if constexpr (kMost == 1) {
    function(std::integral_constant<int, 1>{});
  } else {
    if (value == kMost) return function(std::integral_constant<int, kMost>{});
    with_constant<kMost - 1>(value, function);
  }
}

}  // namespace lenet
