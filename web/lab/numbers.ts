/** Numbers as the page writes them: with the real minus, and shares that never look like 0 or 1. */

import { fixed } from "../explanations/numbers.ts";
import { language } from "./preferences.ts";

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** With two digits that count, as 0.0029, 4.2 and 3.1·10⁻⁵. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (!value) return "0";
  const power = Math.floor(Math.log10(Math.abs(value)) + 1e-12);
  if (power < -4) {
    const raised = [...`${-power}`].map((digit) => SUPERSCRIPTS[Number(digit)]).join("");
    return `${fixed(value / 10 ** power, 1).replace(/\.0$/, "")}·10⁻${raised}`;
  }
  return fixed(value, Math.min(4, Math.max(0, 1 - power)));
}

export function count(value: number): string {
  return value.toLocaleString(language.value);
}

/** A share in per cent; a narrow space parts the sign. */
export function percent(share: number): string {
  if (share < 0.01) return "< 1 %";
  if (share > 0.999) return "> 99.9 %";
  return `${fixed(100 * share, 1)} %`;
}

/** So many of a hundred. */
export function ofHundred(share: number): number {
  return Math.round(100 * share);
}
