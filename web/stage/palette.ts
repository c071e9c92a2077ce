/** The colours of numbers, from the tokens: signed ones over zero, amounts without a sign. */

import { signal } from "@preact/signals";

const SHADES = 256; // from zero to the end of a ramp
const STEPS = [1, 2, 3, 4];
const BINS = 1024;
const BEYOND = 0.005; // of the numbers are stronger than the strongest colour

export type Palette = {
  /** From the most negative over zero to the most positive, as `ImageData` holds them. */
  signed: Uint32Array;
  amount: Uint32Array;
  /** What is drawn with. */
  ink: string;
};

/** The colours of the theme that is worn; `followTheme` keeps them so. */
export const palette = signal<Palette>({
  signed: new Uint32Array(511),
  amount: new Uint32Array(256),
  ink: "#000",
});

/** Take the colours over, now and whenever the theme changes; gives what ends that. */
export function followTheme(): () => void {
  const read = () => {
    palette.value = readPalette(getComputedStyle(document.documentElement));
  };
  const observer = new MutationObserver(read);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme", "class"] });
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", read);
  read();
  return () => {
    observer.disconnect();
    system.removeEventListener("change", read);
  };
}

function readPalette(style: CSSStyleDeclaration): Palette {
  const colour = (name: string) => fromHex(style.getPropertyValue(`--${name}`));
  const zero = colour("zero");
  const [negative, positive] = ["neg", "pos"].map((sign) =>
    ramp([zero, ...STEPS.map((step) => colour(`${sign}-${step}`))]),
  );
  return {
    signed: asPixels([...negative!.slice(1).reverse(), ...positive!]),
    ink: style.getPropertyValue("--ink").trim(),
    amount: asPixels(ramp([0, ...STEPS].map((step) => colour(`amount-${step}`)))),
  };
}

type Colour = number[];

function fromHex(text: string): Colour {
  const number = Number.parseInt(text.trim().slice(1) || "0", 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/** Shades between colours that are equally far from each other. */
function ramp(colours: Colour[]): Colour[] {
  return Array.from({ length: SHADES }, (_, shade) => {
    const place = (shade / (SHADES - 1)) * (colours.length - 1);
    const below = Math.min(Math.floor(place), colours.length - 2);
    const [from, to] = [colours[below]!, colours[below + 1]!];
    return from.map((value, channel) =>
      Math.round(value + (place - below) * (to[channel]! - value)),
    );
  });
}

/** Whichever byte the machine puts first. */
function asPixels(colours: Colour[]): Uint32Array {
  return new Uint32Array(Uint8Array.from(colours.flatMap((colour) => [...colour, 255])).buffer);
}

/** Signed numbers: zero has the colour of an empty tile, `limit` and more the strongest. */
export function signedScale({ signed }: Palette, limit: number): ColourScale {
  const factor = (SHADES - 1) / (limit || 1);
  const shadeOf = (value: number) => {
    const shade = Math.round(value * factor);
    return Math.min(2 * SHADES - 2, Math.max(0, shade + SHADES - 1));
  };
  return { low: -limit, high: limit, shadeOf, colours: signed };
}

/** Amounts from a lowest to a highest, such as the pixels of an image. */
export function amountScale({ amount }: Palette, low: number, high: number): ColourScale {
  const factor = (SHADES - 1) / (high - low || 1);
  const shadeOf = (value: number) =>
    Math.min(SHADES - 1, Math.max(0, Math.round((value - low) * factor)));
  return { low, high, shadeOf, colours: amount };
}

/** Up to where the colours of a layer go: the 99.5th percentile of what its numbers amount to, as
 * exactly as bins tell, which are faster than sorting. */
export function limitOf(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]!));
  if (!largest) return 1;
  const counts = new Uint32Array(BINS + 1);
  for (let i = 0; i < values.length; i++)
    counts[Math.round((Math.abs(values[i]!) / largest) * BINS)]!++;
  let bin = BINS;
  for (let above = counts[bin]!; above <= BEYOND * values.length && bin > 1; above += counts[bin]!)
    bin--;
  return (bin / BINS) * largest;
}

/** The colour of a number, and whether black or white is read better on it. */
export function colourOf(value: number, { shadeOf, colours }: ColourScale) {
  const bytes = new Uint8Array(Uint32Array.of(colours[shadeOf(value)]!).buffer);
  const [red, green, blue] = [...bytes.subarray(0, 3)];
  const [r, g, b] = [red!, green!, blue!].map((byte) => (byte / 255) ** 2.2);
  const luminance = 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  return { fill: `rgb(${red},${green},${blue})`, ink: luminance > 0.18 ? "#000" : "#fff" };
}
