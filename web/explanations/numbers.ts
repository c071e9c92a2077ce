/** Numbers as they are written: with the real minus, so that a pocket calculator agrees. */

/** With so many decimals. */
export function fixed(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** With its sign always. */
export function signed(value: number, decimals = decimalsFor(value)): string {
  const text = fixed(value, decimals);
  return value >= 0 ? `+${text}` : text;
}

/** As many decimals as show about `digits` digits. */
export function decimalsFor(value: number, digits = 3): number {
  const size = Math.abs(value);
  if (size === 0 || !Number.isFinite(size)) return digits - 1;
  return Math.min(6, Math.max(0, digits - 1 - Math.floor(Math.log10(size))));
}

/** About so many digits. */
export const digits = (value: number, count = 4): string => fixed(value, decimalsFor(value, count));

/** A share in per cent with one decimal, never quite 0 or 100. */
export function percent(share: number): string {
  const text = (100 * share).toFixed(1);
  const shown = text === "0.0" ? "< 0.1" : text === "100.0" ? "> 99.9" : text;
  return `${shown} %`.replaceAll(" ", "\u00a0");
}
