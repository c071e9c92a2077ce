/**
 * What a person chose of the page's looks, and the colours that numbers have in it.
 */

const THEMES = ["system", "light", "dark"];

/** What was chosen last time, where the browser keeps such things.
 * @type {(name: string) => string | null} */
export function recall(name) {
  try {
    return localStorage.getItem(`lenet-${name}`);
  } catch {
    return null; // cookies are forbidden, for example
  }
}

/** Keep what was chosen, where the browser allows it.
 * @type {(name: string, value: string) => void} */
export function remember(name, value) {
  try {
    localStorage.setItem(`lenet-${name}`, value);
  } catch {
    // then it holds until the page is closed
  }
}

/** Take a theme: `light`, `dark`, or else the system's. @type {(theme: string | null) => void} */
export function wearTheme(theme) {
  document.documentElement.dataset.theme = THEMES.find((known) => known === theme) ?? "system";
}

/** The theme that comes after the present one. */
export function nextTheme() {
  const { theme = "system" } = document.documentElement.dataset;
  return THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
}

/** Whether the page is dark now. */
export function isDark() {
  const { theme } = document.documentElement.dataset;
  if (theme === "dark" || theme === "light") return theme === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** The colour of frames and pens on white paper. */
export const FRAME_COLOUR = "#1a5fb4";

// From 0 outwards. Blue and orange differ for colour-blind people, too; lightness says how far.
const LIGHT_COLOURS = {
  negative: [[240, 243, 246], [111, 168, 224], [9, 54, 110]],
  positive: [[240, 243, 246], [240, 152, 72], [122, 44, 0]],
};
const DARK_COLOURS = {
  negative: [[28, 34, 41], [48, 116, 190], [207, 229, 255]],
  positive: [[28, 34, 41], [190, 94, 24], [255, 221, 178]],
};

const SHADES = 256; // from 0 to the farthest number, on either side

/** The ground's colour at 0, orange above and blue below.
 * @type {(values: ArrayLike<number>) => ColourScale} */
export function colourScale(values) {
  const [low, high] = rangeOf(values);
  const factor = (SHADES - 1) / (Math.max(-low, high) || 1);
  return {
    low,
    high,
    shadeOf: (value) => Math.round(value * factor) + SHADES - 1,
    colours: isDark() ? DARK_SHADES : LIGHT_SHADES,
  };
}

/** From the ground's colour at the lowest number to orange, for those that are all far from 0.
 * @type {(values: ArrayLike<number>) => ColourScale} */
export function upwardScale(values) {
  const [low, high] = rangeOf(values);
  const { shadeOf, colours } = colourScale([high - low]);
  return { low, high, shadeOf: (value) => shadeOf(value - low), colours };
}

/** Greys from the lowest number to the highest, for images.
 * @type {(values: ArrayLike<number>) => ColourScale} */
export function greyScale(values) {
  const [low, high] = rangeOf(values);
  const factor = (SHADES - 1) / (high - low || 1);
  return { low, high, shadeOf: (value) => Math.round((value - low) * factor), colours: GREYS };
}

/** The lowest and the highest of some numbers. @type {(values: ArrayLike<number>) => Pair} */
export function rangeOf(values) {
  let lowest = Infinity;
  let highest = -Infinity;
  for (let index = 0; index < values.length; index++) {
    if (values[index] < lowest) lowest = values[index];
    if (values[index] > highest) highest = values[index];
  }
  return [lowest, highest];
}

/** From the most negative number's colour over the ground's to the most positive one's.
 * @type {(colours: {negative: Colours, positive: Colours}) => Uint32Array} */
function shadesOf({ negative, positive }) {
  const colours = Array.from({ length: 2 * SHADES - 1 }, (_, shade) => {
    const distance = (shade - SHADES + 1) / (SHADES - 1);
    return blend(distance < 0 ? negative : positive, Math.abs(distance));
  });
  return asPixels(colours);
}

/** @type {(colours: Colours, share: number) => number[]} */
function blend([ground, middle, end], share) {
  const [from, to, part] = share < 0.5 ? [ground, middle, 2 * share] : [middle, end, 2 * share - 1];
  return from.map((value, channel) => Math.round(value + part * (to[channel] - value)));
}

/** Colours as `ImageData` holds them, whichever byte the machine puts first.
 * @type {(colours: Colours) => Uint32Array} */
function asPixels(colours) {
  const bytes = Uint8Array.from(colours.flatMap((colour) => [...colour, 255]));
  return new Uint32Array(bytes.buffer);
}

const LIGHT_SHADES = shadesOf(LIGHT_COLOURS);
const DARK_SHADES = shadesOf(DARK_COLOURS);
const GREYS = asPixels(Array.from({ length: SHADES }, (_, grey) => [grey, grey, grey]));
