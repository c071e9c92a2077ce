/**
 * How far it is from each pixel of a mask to the nearest one outside.
 */

/**
 * Exact Euclidean distances, 0 outside the mask, to which no pixel at the border may belong.
 *
 * Along a row that is counted. The nearest pixel of all then lies some rows away, and near to it in
 * its row: of that sum of two squares, a parabola for every row, the lowest is looked for.
 *
 * Source: Felzenszwalb and Huttenlocher (2012), "Distance transforms of sampled functions".
 *
 * @type {(mask: Uint8Array, width: number) => Float64Array}
 */
export function distanceToEdge(mask, width) {
  const height = mask.length / width;
  const distances = distancesInRows(mask);
  const squares = new Float64Array(height);
  const roots = new Int32Array(height); // rows whose parabola is the lowest somewhere, from above
  const begins = new Float64Array(height); // where each begins to be
  for (let column = 0; column < width; column++) {
    for (let row = 0; row < height; row++) squares[row] = distances[row * width + column] ** 2;
    let last = 0;
    roots[0] = 0;
    begins[0] = -Infinity;
    for (let row = 1; row < height; row++) {
      let begin = parabolasCross(squares, roots[last], row);
      while (begin <= begins[last]) begin = parabolasCross(squares, roots[--last], row);
      roots[++last] = row;
      begins[last] = begin;
    }
    let lowest = 0;
    for (let row = 0; row < height; row++) {
      while (lowest < last && begins[lowest + 1] < row) lowest++;
      const root = roots[lowest];
      distances[row * width + column] = Math.sqrt((row - root) ** 2 + squares[root]);
    }
  }
  return distances;
}

/** How far it is in its row from each pixel of a mask to the nearest one outside.
 * @type {(mask: Uint8Array) => Float64Array} */
function distancesInRows(mask) {
  const distances = new Float64Array(mask.length);
  for (let place = 1; place < mask.length; place++) {
    if (mask[place]) distances[place] = distances[place - 1] + 1;
  }
  for (let place = mask.length - 2; place > 0; place--) {
    distances[place] = Math.min(distances[place], distances[place + 1] + 1);
  }
  return distances;
}

/** Where the parabola of one row falls below that of an earlier one.
 * @type {(squares: Float64Array, earlier: number, row: number) => number} */
function parabolasCross(squares, earlier, row) {
  const difference = squares[row] + row ** 2 - squares[earlier] - earlier ** 2;
  return difference / (2 * (row - earlier));
}
