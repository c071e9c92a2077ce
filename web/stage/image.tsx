/** Numbers as a picture of pixels: an image as ink on paper, or a map with its signs. */

import { useEffect, useRef } from "preact/hooks";
import { imageAsPixels, numbersAsImage } from "../../src/lenet/playground/canvas.js";
import { amountScale, palette } from "./palette.ts";

/** What a network takes. */
export function Image({ image, shape }: { image: Uint8Array; shape: Shape }) {
  const [channels, height, width] = shape as [number, number, number];
  const pixels =
    channels === 3
      ? imageAsPixels(image, shape)
      : numbersAsImage(
          Float32Array.from(image.subarray(0, width * height)),
          width,
          amountScale(palette.value, 0, 255),
        );
  return <Pixels pixels={pixels} />;
}

export function Pixels({ pixels }: { pixels: ImageData }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => canvas.current!.getContext("2d")!.putImageData(pixels, 0, 0), [pixels]);
  return <canvas ref={canvas} class="pixels" width={pixels.width} height={pixels.height} />;
}
