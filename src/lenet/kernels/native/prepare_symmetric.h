/* Small symmetric matrices. */

#ifndef LENET_PREPARE_SYMMETRIC_H
#define LENET_PREPARE_SYMMETRIC_H

#include <float.h>
#include <math.h>

enum { MOST_UNKNOWNS = 6, SWEEPS = 30 }; /* six are enough; each doubles the exact digits */

static const double WELL_APART = 1e-9; /* what is left of a diagonal number, at least */

typedef double Matrix[MOST_UNKNOWNS][MOST_UNKNOWNS];

/* The eigenvalues of a symmetric matrix, on its diagonal, and the eigenvectors in columns.
 *
 * Each rotation makes one number beside the diagonal zero; in the end all of them are.
 *
 * Source: Jacobi (1846); Golub and Van Loan, "Matrix Computations", section 8.5. */
static void find_eigenvectors(Matrix matrix, int size, Matrix vectors) {
  for (int i = 0; i < size; i++) {
    for (int j = 0; j < size; j++) vectors[i][j] = i == j;
  }
  for (int sweep = 0; sweep < SWEEPS; sweep++) {
    int turned = 0;
    for (int p = 0; p < size; p++) {
      for (int q = p + 1; q < size; q++) {
        const double beside = matrix[p][q];
        if (fabs(beside) <= DBL_MIN) continue;
        if (fabs(beside) <= DBL_EPSILON / 16 * sqrt(fabs(matrix[p][p] * matrix[q][q]))) {
          matrix[p][q] = matrix[q][p] = 0;
          continue;
        }
        turned = 1;
        const double ratio = (matrix[q][q] - matrix[p][p]) / (2 * beside);
        const double root = fabs(ratio) + sqrt(ratio * ratio + 1);
        const double tangent = ratio < 0 ? -1 / root : 1 / root;
        const double cosine = 1 / sqrt(tangent * tangent + 1), sine = tangent * cosine;
        for (int i = 0; i < size; i++) {
          const double at_p = matrix[i][p], at_q = matrix[i][q];
          matrix[i][p] = cosine * at_p - sine * at_q;
          matrix[i][q] = sine * at_p + cosine * at_q;
          const double from_p = vectors[i][p], from_q = vectors[i][q];
          vectors[i][p] = cosine * from_p - sine * from_q;
          vectors[i][q] = sine * from_p + cosine * from_q;
        }
        for (int i = 0; i < size; i++) {
          const double at_p = matrix[p][i], at_q = matrix[q][i];
          matrix[p][i] = cosine * at_p - sine * at_q;
          matrix[q][i] = sine * at_p + cosine * at_q;
        }
      }
    }
    if (!turned) return;
  }
}

/* The triangle whose product with itself is a matrix; 0 where its unknowns are hardly apart. */
static int find_triangle(Matrix matrix, int size, Matrix triangle) {
  for (int i = 0; i < size; i++) {
    for (int j = 0; j <= i; j++) {
      double rest = matrix[i][j];
      for (int k = 0; k < j; k++) rest -= triangle[i][k] * triangle[j][k];
      if (j < i) {
        triangle[i][j] = rest / triangle[j][j];
      } else if (rest > WELL_APART * matrix[i][i]) {
        triangle[i][i] = sqrt(rest);
      } else {
        return 0;
      }
    }
  }
  return 1;
}

/* The x of least length for which a symmetric matrix with no eigenvalue below 0 times x is as near
 * to each right side as can be; x takes its place. The matrix is lost. */
static void solve(Matrix matrix, int size, int count, double right_sides[][MOST_UNKNOWNS]) {
  Matrix factor;
  if (find_triangle(matrix, size, factor)) {
    for (int one = 0; one < count; one++) {
      double *x = right_sides[one];
      for (int i = 0; i < size; i++) {
        for (int k = 0; k < i; k++) x[i] -= factor[i][k] * x[k];
        x[i] /= factor[i][i];
      }
      for (int i = size - 1; i >= 0; i--) {
        for (int k = i + 1; k < size; k++) x[i] -= factor[k][i] * x[k];
        x[i] /= factor[i][i];
      }
    }
    return;
  }
  find_eigenvectors(matrix, size, factor);
  double largest = 0;
  for (int k = 0; k < size; k++) largest = matrix[k][k] > largest ? matrix[k][k] : largest;
  const double least = largest * size * DBL_EPSILON; /* below, it is rounding */
  for (int one = 0; one < count; one++) {
    double x[MOST_UNKNOWNS] = {0}, *right_side = right_sides[one];
    for (int k = 0; k < size; k++) {
      if (matrix[k][k] <= least) continue;
      double share = 0;
      for (int i = 0; i < size; i++) share += factor[i][k] * right_side[i];
      share /= matrix[k][k];
      for (int i = 0; i < size; i++) x[i] += share * factor[i][k];
    }
    for (int i = 0; i < size; i++) right_side[i] = x[i];
  }
}

#endif
