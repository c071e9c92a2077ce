/** Numbers as a small picture. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { paint, paintColours } from "./colours.ts";
import { theme } from "./preferences.ts";

type Properties = {
  values: ArrayLike<number>;
  width: number;
  /** The strongest number, or `amount` for shares without a sign. */
  scale: number | "amount";
  label: string;
};

/** An image, uint8 (C, H, W): ink on paper where it is grey, else in its colours. */
export function Picture({ pixels, shape, label }: { pixels: Uint8Array; shape: number[]; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [channels, height, width] = shape as [number, number, number];
  const { value: colours } = theme;
  useLayoutEffect(() => {
    if (channels === 3) paintColours(canvas.current!, pixels, height, width);
    else paint(canvas.current!, Array.from(pixels.subarray(0, height * width), (byte) => byte / 255), width, "amount");
  }, [pixels, colours]);
  return <canvas class="tile" ref={canvas} role="img" aria-label={label} />;
}

export function Tile({ values, width, scale, label }: Properties) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { value: colours } = theme;
  useLayoutEffect(() => paint(canvas.current!, values, width, scale), [values, scale, colours]);
  return <canvas class="tile" ref={canvas} role="img" aria-label={label} />;
}
