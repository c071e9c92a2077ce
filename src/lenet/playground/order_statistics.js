/**
 * Medians and percentiles, without putting all numbers into order.
 */

import { rangeOf } from "./frame.js";

/** The middle one of some numbers, or the mean of the two in the middle.
 * @type {(values: Float32Array | Float64Array) => number} */
export function median(values) {
  const numbers = values.slice();
  const middle = numbers.length >> 1;
  const high = selectInOrder(numbers, middle);
  if (numbers.length % 2) return high;
  return (largestBelow(numbers, middle) + high) / 2;
}

/** Where that part of some numbers lies below, between two numbers on the line between.
 * @type {(values: Float32Array, percent: number) => number} */
export function percentile(values, percent) {
  const numbers = values.slice();
  const position = ((numbers.length - 1) * percent) / 100;
  const above = Math.ceil(position);
  const high = selectInOrder(numbers, above);
  const low = above > position ? largestBelow(numbers, above) : high;
  return high - (high - low) * (above - position);
}

/**
 * The number that would stand at a place if all were in order; smaller ones are before it then.
 *
 * Source: Hoare (1961), "Algorithm 65: find".
 *
 * @type {(numbers: Float32Array | Float64Array, place: number) => number}
 */
function selectInOrder(numbers, place) {
  let first = 0;
  let last = numbers.length - 1;
  while (first < last) {
    const pivot = numbers[(first + last) >> 1];
    let [low, high] = [first, last];
    while (low <= high) {
      while (numbers[low] < pivot) low++;
      while (numbers[high] > pivot) high--;
      if (low > high) break;
      [numbers[low], numbers[high]] = [numbers[high], numbers[low]];
      low++;
      high--;
    }
    if (place <= high) last = high;
    else if (place >= low) first = low;
    else break;
  }
  return numbers[place];
}

/** @type {(numbers: Float32Array | Float64Array, place: number) => number} */
function largestBelow(numbers, place) {
  return rangeOf(numbers.subarray(0, place))[1];
}
