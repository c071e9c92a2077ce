/**
 * Numbers and images as pixels of a canvas.
 */

import { penOf } from "./elements.js";

const SHOWN_SIDE = 280; // of the canvas for an image
const FRAME_LIGHT = "#ffd21f";
const FRAME_DARK = "#000";

/** A canvas that is not seen, used again and again for pixels that are to be enlarged.
 * @type {OffscreenCanvas | undefined} */
let scratch;

/** Numbers as pixels, row by row.
 * @type {(values: Float32Array, width: number, scale: ColourScale) => ImageData} */
export function numbersAsImage(values, width, { shadeOf, colours }) {
  const image = new ImageData(width, values.length / width);
  const pixels = new Uint32Array(image.data.buffer);
  for (let index = 0; index < values.length; index++) {
    pixels[index] = colours[shadeOf(values[index])];
  }
  return image;
}

/** What a network takes, as pixels of a canvas: colours, or else the first channel as grey.
 * @type {(image: Uint8Array, shape: Shape) => ImageData} */
export function imageAsPixels(image, [channels, height, width]) {
  const pixels = new ImageData(width, height);
  const area = height * width;
  for (let place = 0; place < area; place++) {
    for (let channel = 0; channel < 3; channel++) {
      pixels.data[4 * place + channel] = image[place + (channels === 3 ? channel * area : 0)];
    }
    pixels.data[4 * place + 3] = 255;
  }
  return pixels;
}

/** Pixels that can be drawn at other sizes, until this is called again.
 * @type {(pixels: ImageData) => OffscreenCanvas} */
export function asDrawable(pixels) {
  scratch ??= new OffscreenCanvas(1, 1);
  if (scratch.width < pixels.width) scratch.width = pixels.width;
  if (scratch.height < pixels.height) scratch.height = pixels.height;
  penOf(scratch).putImageData(pixels, 0, 0);
  return scratch;
}

/** What a network saw, enlarged, with a frame round some of its pixels.
 * @type {(canvas: HTMLCanvasElement, image: Uint8Array, shape: Shape,
 *   field?: Area | null) => void} */
export function paintImage(canvas, image, shape, field) {
  const [, height, width] = shape;
  const scale = Math.max(1, Math.round(SHOWN_SIDE / Math.max(height, width)));
  if (canvas.width !== width * scale || canvas.height !== height * scale) {
    canvas.width = width * scale;
    canvas.height = height * scale;
  }
  const pixels = asDrawable(imageAsPixels(image, shape));
  const pen = penOf(canvas);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(pixels, 0, 0, width, height, 0, 0, canvas.width, canvas.height);
  if (field) frameArea(pen, field, scale, 3);
}

/** A frame that stands out from light and from dark.
 * @type {(pen: Pen, area: Area, scale: number, thickness: number) => void} */
export function frameArea(pen, { top, left, bottom, right }, scale, thickness) {
  const [wide, high] = [(right - left) * scale, (bottom - top) * scale];
  pen.lineWidth = 2 * thickness;
  pen.strokeStyle = FRAME_DARK;
  pen.strokeRect(left * scale, top * scale, wide, high);
  pen.lineWidth = thickness;
  pen.strokeStyle = FRAME_LIGHT;
  pen.strokeRect(left * scale, top * scale, wide, high);
}
