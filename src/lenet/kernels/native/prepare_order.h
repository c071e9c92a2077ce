/* Medians and percentiles, without putting all numbers into order. */

#ifndef LENET_PREPARE_ORDER_H
#define LENET_PREPARE_ORDER_H

#include "prepare_rows.h"

enum { FEW_FLOATS = 128 };

/* Put the number that would stand at a place if all were in order there, and smaller ones before.
 *
 * Source: Hoare (1961), "Algorithm 65: find". */
static double select_in_order(double *numbers, int count, int place) {
  int first = 0, last = count - 1;
  while (first < last) {
    const double pivot = numbers[(first + last) / 2];
    int low = first, high = last;
    while (low <= high) {
      while (numbers[low] < pivot) low++;
      while (numbers[high] > pivot) high--;
      if (low > high) break;
      const double number = numbers[low];
      numbers[low++] = numbers[high];
      numbers[high--] = number;
    }
    if (place <= high) {
      last = high;
    } else if (place >= low) {
      first = low;
    } else {
      break;
    }
  }
  return numbers[place];
}

/* The middle one of some numbers, or the mean of the two in the middle; moves the numbers. */
static double median_of(double *numbers, int count) {
  const int middle = count / 2;
  const double high = select_in_order(numbers, count, middle);
  if (count % 2) return high;
  double low = numbers[0];
  for (int place = 1; place < middle; place++) low = numbers[place] > low ? numbers[place] : low;
  return (low + high) / 2;
}

static float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static int count_up_to(const float *values, int count, float most) {
  int found = 0;
  for (int i = 0; i < count; i++) found += values[i] <= most;
  return found;
}

static int count_from(const float *values, int count, float least) {
  int found = 0;
  for (int i = 0; i < count; i++) found += values[i] >= least;
  return found;
}

/* Copy the numbers within a range. */
static void copy_between(const float *values, int count, float least, float most, float *copied) {
  for (int i = 0; i < count; i++) {
    if (values[i] >= least && values[i] <= most) *copied++ = values[i];
  }
}

/* The lowest number above another. */
static float next_above(const float *values, int count, float value) {
  int32_t least = (int32_t)bits_of(value), next = (int32_t)bits_of(INFINITY);
  for (int i = 0; i < count; i++) {
    const int32_t bits = (int32_t)bits_of(values[i]);
    next = bits > least && bits < next ? bits : next;
  }
  return float_of((uint32_t)next);
}

/* The numbers at a place and at the next, if all were in order; none is below 0.
 *
 * Bits of such floats are in the same order as they are, and the place is looked for by halves: it
 * is quick to count many floats at once. When few are left, only these are counted. */
static void two_in_order(const float *values, int count, int place, float *low, float *high) {
  uint32_t first = 0, last = bits_of(INFINITY);
  float few[FEW_FLOATS];
  const float *from = values;
  int left = count, below = 0, up_to_last = count, left_out = 0;
  while (first < last) {
    const uint32_t middle = first + (last - first) / 2;
    const int up_to = left_out + count_up_to(from, left, float_of(middle));
    if (up_to > place) {
      last = middle;
      up_to_last = up_to;
    } else {
      first = middle + 1;
      below = up_to;
    }
    if (from == values && up_to_last - below <= FEW_FLOATS) {
      copy_between(values, count, float_of(first), float_of(last), few);
      from = few;
      left = up_to_last - below;
      left_out = below;
    }
  }
  *low = *high = float_of(first);
  if (place + 1 >= up_to_last && place + 1 < count) *high = next_above(values, count, *low);
}

/* Where that share of the numbers from the one at `start` on lies below, between two numbers on the
 * line between. */
static double percentile_of(const float *values, int count, int start, double share) {
  const double place = (count - start - 1) * share;
  const int below = (int)place;
  float low, high;
  two_in_order(values, count, start + below, &low, &high);
  const double part = place - below;
  if (part < 0.5) return low + (high - low) * (float)part;
  return high - (high - low) * (float)(1 - part);
}

/* The same of all numbers in floats throughout, as `numpy.percentile` does it of floats. */
static float percentile_in_floats(const float *values, int count, float share) {
  const float place = (float)(count - 1) * share, below = floorf(place);
  float low, high;
  two_in_order(values, count, (int)below, &low, &high);
  const float part = place - below;
  if (part < 0.5f) return low + (high - low) * part;
  return high - (high - low) * (1 - part);
}

#endif
