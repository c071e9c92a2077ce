/** Numbers as a small picture, in the colours of the stage. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { imageAsPixels, numbersAsImage } from "../../src/lenet/playground/canvas.js";
import { amountScale, palette, signedScale } from "../stage/palette.ts";

type Properties = {
  values: Float32Array;
  width: number;
  /** The strongest number, or `amount` for shares without a sign. */
  scale: number | "amount";
  label: string;
};

/** An image, uint8 (C, H, W): ink on paper where it is grey, else in its colours. */
export function Picture({ pixels, shape, label }: { pixels: Uint8Array; shape: number[]; label: string }) {
  const [channels, height, width] = shape as [number, number, number];
  if (channels === 3) return <Canvas image={imageAsPixels(pixels, shape)} label={label} />;
  const shares = Float32Array.from(pixels.subarray(0, height * width), (byte) => byte / 255);
  return <Tile values={shares} width={width} scale="amount" label={label} />;
}

export function Tile({ values, width, scale, label }: Properties) {
  const { value: colours } = palette;
  const shades = scale === "amount" ? amountScale(colours, 0, 1) : signedScale(colours, scale);
  return <Canvas image={numbersAsImage(values, width, shades)} label={label} />;
}

function Canvas({ image, label }: { image: ImageData; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => canvas.current!.getContext("2d")!.putImageData(image, 0, 0));
  return (
    <canvas
      class="tile"
      ref={canvas}
      width={image.width}
      height={image.height}
      role="img"
      aria-label={label}
    />
  );
}
