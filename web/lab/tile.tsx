/** Numbers as a small picture. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { paint } from "./colours.ts";
import { theme } from "./preferences.ts";

type Properties = {
  values: ArrayLike<number>;
  width: number;
  /** The strongest number, or `amount` for shares without a sign. */
  scale: number | "amount";
  label: string;
};

export function Tile({ values, width, scale, label }: Properties) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { value: colours } = theme;
  useLayoutEffect(() => paint(canvas.current!, values, width, scale), [values, scale, colours]);
  return <canvas class="tile" ref={canvas} role="img" aria-label={label} />;
}
