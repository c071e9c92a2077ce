/** Values as Python writes them, so that the page says what the command line says, word for word. */

/** A number as `repr` writes a float: `0.9`, `1.0`, `1e-05`. */
export function floatText(value: number): string {
  const text = decimalText(value, 16);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** A number as the format `g` writes it with so many digits: `0.9`, `1`, `1e-05`. */
export function generalText(value: number, digits: number): string {
  return decimalText(Number(value.toPrecision(digits)), digits);
}

/** A number with an exponent where it is small, or has more digits before the point than so many. */
function decimalText(value: number, digits: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  const [factor, power = ""] = value.toExponential().split("e");
  const isPlain = value === 0 || (Number(power) >= -4 && Number(power) < digits);
  return isPlain ? String(value) : `${factor}e${power[0]}${power.slice(1).padStart(2, "0")}`;
}

/** A share as the format `.0%` writes it; halves go to the even number. */
export function percentText(share: number): string {
  const percent = 100 * share;
  const rounded = Math.round(percent);
  return `${percent % 1 === 0.5 && rounded % 2 ? rounded - 1 : rounded}%`;
}

/** Any value as `repr` writes it; whole numbers as integers. */
export function anyText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(anyText).join(", ")}]`;
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : floatText(value);
  return typeof value === "string" ? `'${value}'` : "None";
}

/** Whole numbers as `repr` writes a tuple of them. */
export function tupleText(values: number[]): string {
  return `(${values.join(", ")}${values.length === 1 ? "," : ""})`;
}
