/** Colours of numbers, from the properties of `tokens.css`. */

import { computed } from "@preact/signals";
import { theme } from "./preferences.ts";

type Colour = [number, number, number];

/** Steps from zero outwards, between which colours are interpolated linearly in sRGB. */
const steps = computed(() => {
  void theme.value; // which decides what the properties are
  const style = getComputedStyle(document.documentElement);
  const of = (names: string[]) => names.map((name) => parse(style.getPropertyValue(name)));
  const [zero] = of(["--zero"]) as [Colour];
  return {
    positive: [zero, ...of(["--pos-1", "--pos-2", "--pos-3", "--pos-4"])],
    negative: [zero, ...of(["--neg-1", "--neg-2", "--neg-3", "--neg-4"])],
    amount: of(["--amount-0", "--amount-1", "--amount-2", "--amount-3", "--amount-4"]),
  };
});

function parse(text: string): Colour {
  const digits = Number.parseInt(text.trim().slice(1), 16);
  return [digits >> 16, (digits >> 8) & 255, digits & 255];
}

function between(colours: Colour[], share: number): Colour {
  const place = Math.min(Math.max(share, 0), 1) * (colours.length - 1);
  const index = Math.min(Math.floor(place), colours.length - 2);
  const [from, to] = [colours[index], colours[index + 1]] as [Colour, Colour];
  return from.map((part, i) => Math.round(part + (place - index) * (to[i]! - part))) as Colour;
}

const DARK = 0.45; // of the lightness of a ground: white is read better on what is below

/** The colour of a number from -1 to 1, and the ink that is read best on it. */
export function colourOf(value: number): { ground: string; ink: string } {
  const { positive, negative } = steps.value;
  const colour = between(value < 0 ? negative : positive, Math.abs(value));
  const [red, green, blue] = colour.map((part) => (part / 255) ** 2.2) as Colour;
  const lightness = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return { ground: `rgb(${colour.join(" ")})`, ink: lightness ** 0.45 < DARK ? "#fff" : "#000" };
}

/** Paint numbers with a sign, of which `scale` is the strongest, or amounts from 0 to 1 without. */
export function paint(
  canvas: HTMLCanvasElement,
  values: ArrayLike<number>,
  width: number,
  scale: number | "amount",
) {
  const { positive, negative, amount } = steps.value;
  canvas.width = width;
  canvas.height = values.length / width;
  const pen = canvas.getContext("2d")!;
  const image = pen.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const colour =
      scale === "amount"
        ? between(amount, value)
        : between(value < 0 ? negative : positive, Math.abs(value) / scale || 0);
    image.data.set([...colour, 255], 4 * i);
  }
  pen.putImageData(image, 0, 0);
}

/** Paint an image in its own colours, uint8 (3, H, W). */
export function paintColours(canvas: HTMLCanvasElement, pixels: Uint8Array, height: number, width: number) {
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d")!;
  const image = pen.createImageData(width, height);
  const area = height * width;
  for (let i = 0; i < area; i++) {
    image.data.set([pixels[i]!, pixels[area + i]!, pixels[2 * area + i]!, 255], 4 * i);
  }
  pen.putImageData(image, 0, 0);
}
