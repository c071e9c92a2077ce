/**
 * Small symmetric matrices, as lists of rows.
 */

const SWEEPS = 12; // a few are enough; each doubles the exact digits

/**
 * The eigenvalues of a symmetric matrix, and its eigenvectors in the columns of another.
 *
 * Each rotation makes one number beside the diagonal zero; in the end all of them are.
 *
 * Source: Jacobi (1846); Golub and Van Loan, *Matrix Computations*, section 8.5.
 *
 * @type {(symmetric: number[][]) => {values: number[], vectors: number[][]}}
 */
export function eigen(symmetric) {
  const size = symmetric.length;
  const matrix = symmetric.map((row) => [...row]);
  const vectors = matrix.map((row, i) => row.map((_, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        if (matrix[p][q] === 0) continue;
        const angle = Math.atan((2 * matrix[p][q]) / (matrix[q][q] - matrix[p][p])) / 2;
        const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
        rotateColumns(matrix, p, q, cosine, sine);
        rotateColumns(vectors, p, q, cosine, sine);
        rotateRows(matrix, p, q, cosine, sine);
      }
    }
  }
  return { values: matrix.map((row, i) => row[i]), vectors };
}

/** @type {(matrix: number[][], p: number, q: number, cosine: number, sine: number) => void} */
function rotateColumns(matrix, p, q, cosine, sine) {
  for (const row of matrix) {
    [row[p], row[q]] = [cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]];
  }
}

/** @type {(matrix: number[][], p: number, q: number, cosine: number, sine: number) => void} */
function rotateRows(matrix, p, q, cosine, sine) {
  const [first, second] = [matrix[p], matrix[q]];
  matrix[p] = first.map((value, i) => cosine * value - sine * second[i]);
  matrix[q] = first.map((value, i) => sine * value + cosine * second[i]);
}

/** The x of least length for which a symmetric matrix with no eigenvalue below 0 times x is as near
 * to y as can be. @type {(symmetric: number[][], y: number[]) => number[]} */
export function solve(symmetric, y) {
  const { values, vectors } = eigen(symmetric);
  const least = Math.max(...values) * values.length * Number.EPSILON; // below, it is rounding
  const x = y.map(() => 0);
  for (const [k, value] of values.entries()) {
    if (value <= least) continue;
    const share = vectors.reduce((sum, row, i) => sum + row[k] * y[i], 0) / value;
    for (let i = 0; i < x.length; i++) x[i] += share * vectors[i][k];
  }
  return x;
}
