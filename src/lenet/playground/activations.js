/**
 * Functions of each number by itself: what PyTorch calls them, what they compute, and the parameter
 * of those that have one.
 */

/** @satisfies {Record<string, ActivationFunction>} */
export const ACTIVATIONS = {
  relu: { title: "ReLU", compute: (x) => Math.max(x, 0) },
  sigmoid: { title: "Sigmoid", compute: sigmoid },
  tanh: { title: "Tanh", compute: Math.tanh },
  leaky_relu: { title: "LeakyReLU", compute: (x, slope) => (x > 0 ? x : slope * x), usual: 0.01 },
  elu: { title: "ELU", compute: (x, alpha) => (x > 0 ? x : alpha * Math.expm1(x)), usual: 1 },
  gelu: { title: "GELU", compute: (x) => (x * (1 + erf(x / Math.SQRT2))) / 2 },
  silu: { title: "SiLU", compute: (x) => x * sigmoid(x) },
  hard_swish: {
    title: "Hardswish",
    compute: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  },
  softplus: {
    title: "Softplus",
    compute: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  },
  scaled_tanh: {
    title: "ScaledTanh", // LeCun et al. (1998), equation 6
    compute: (x) => 1.7159 * Math.tanh((2 / 3) * x),
  },
};

/** @type {(x: number) => number} */
function sigmoid(x) {
  return 1 / (1 + Math.exp(-x));
}

/** The error function, by a series whose terms are all positive: Abramowitz and Stegun, 7.1.6.
 * @type {(x: number) => number} */
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
