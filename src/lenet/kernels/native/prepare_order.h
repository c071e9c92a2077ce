/* Medians and percentiles, without putting all numbers into order. */

#ifndef LENET_PREPARE_ORDER_H
#define LENET_PREPARE_ORDER_H

#include "prepare_rows.h"

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

/* Floats that are not negative, of which some count. */
typedef struct {
  const float *values;
  int size;
  const uint8_t *mask; /* those that count; all if there is none */
  float least;         /* that counts */
} Numbers;

static int counts_in(const Numbers *numbers, int place) {
  return (!numbers->mask || numbers->mask[place]) && numbers->values[place] >= numbers->least;
}

static uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static int count_numbers(const Numbers *numbers) {
  int count = 0;
  for (int place = 0; place < numbers->size; place++) count += counts_in(numbers, place);
  return count;
}

/* The numbers at a place and at the next, if all that count were in order.
 *
 * Their bits have the same order, and are found from the front, eight at a time. */
static void two_in_order(const Numbers *numbers, int place, int count, float *low, float *high) {
  uint32_t prefix = 0;
  int rank = place, equal = 0;
  for (int shift = 24; shift >= 0; shift -= 8) {
    int bins[256] = {0};
    const uint32_t known = shift == 24 ? 0 : ~0u << (shift + 8);
    for (int i = 0; i < numbers->size; i++) {
      const uint32_t bits = bits_of(numbers->values[i]);
      if ((bits & known) == prefix && counts_in(numbers, i)) bins[(bits >> shift) & 255]++;
    }
    uint32_t bin = 0;
    while (rank >= bins[bin]) rank -= bins[bin++];
    equal = bins[bin];
    prefix |= bin << shift;
  }
  memcpy(low, &prefix, sizeof *low);
  *high = *low;
  if (rank + 1 < equal || place + 1 >= count) return;
  float next = INFINITY;
  for (int i = 0; i < numbers->size; i++) {
    const float value = numbers->values[i];
    if (value > *low && value < next && counts_in(numbers, i)) next = value;
  }
  *high = next;
}

/* Where that share of some numbers lies below, between two numbers on the line between. */
static double percentile_of(const Numbers *numbers, int count, double share) {
  const double place = (count - 1) * share;
  const int below = (int)place;
  float low, high;
  two_in_order(numbers, below, count, &low, &high);
  const double part = place - below;
  if (part < 0.5) return low + (high - low) * (float)part;
  return high - (high - low) * (float)(1 - part);
}

/* The same in floats throughout, as `numpy.percentile` does it of floats. */
static float percentile_in_floats(const Numbers *numbers, float share) {
  const float place = (float)(numbers->size - 1) * share, below = floorf(place);
  float low, high;
  two_in_order(numbers, (int)below, numbers->size, &low, &high);
  const float part = place - below;
  if (part < 0.5f) return low + (high - low) * part;
  return high - (high - low) * (1 - part);
}

#endif
