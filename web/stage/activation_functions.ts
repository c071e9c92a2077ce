/** Functions of each number by itself, as PyTorch has them, and their slopes. */

const FUNCTIONS: Record<Activation, (x: number, parameter: number) => number> = {
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  relu: (x) => Math.max(0, x),
  leaky_relu: (x, slope) => (x > 0 ? x : slope * x),
  elu: (x, alpha) => (x > 0 ? x : alpha * Math.expm1(x)),
  gelu: (x) => (x / 2) * (1 + errorFunction(x / Math.SQRT2)),
  silu: (x) => x / (1 + Math.exp(-x)),
  hard_swish: (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6,
  softplus: (x) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(0, x),
  scaled_tanh: (x) => 1.7159 * Math.tanh((2 / 3) * x),
};

const STEP = 1e-4; // to both sides; errors are of its square

export function activate({ activation, parameter }: Layers["activation"], x: number): number {
  return FUNCTIONS[activation](x, parameter);
}

/** How steep the function is; at a corner, as steep as below it. */
export function slopeOf({ activation, parameter }: Layers["activation"], x: number): number {
  const at = FUNCTIONS[activation];
  if (activation === "relu") return x > 0 ? 1 : 0;
  if (activation === "leaky_relu") return x > 0 ? 1 : parameter;
  return (at(x + STEP, parameter) - at(x - STEP, parameter)) / (2 * STEP);
}

/** Abramowitz and Stegun (1964), 7.1.26: off by 1.5 · 10⁻⁷ at most. */
function errorFunction(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const series = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  const sum = series.reduce((total, factor) => total * t + factor, 0) * t;
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}
