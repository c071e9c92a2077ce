/**
 * Pictures and model files that a person opens, drops or pastes, and the page's own test images.
 */

import { imageAsPixels } from "./canvas.js";
import { penOf } from "./elements.js";

const MOST_PIXELS_OPENED = 100_000_000; // as in `lenet/pictures/_read.py`
const KEPT_PIXELS_OPENED = 2 ** 22;
const NEARLY_BLACK = 16; // of 255: up to here 16 bits hold rather fewer, as in `_pixels.py`

/** What can't be used, with the key of the words that say so. */
export class OpeningError extends Error {
  /** @param {string} word @param {string[]} details */
  constructor(word, ...details) {
    super(word);
    this.word = word;
    this.details = details;
  }
}

/** Read a picture file as a person sees it: turned as its camera says. Of 16 bits the browser keeps
 * the upper eight, so that a scale that was learnt, or one of fewer bits, can't be had.
 * @type {(file: Blob, name: string, hasScale: boolean) => Promise<ShownPicture>} */
export async function openPicture(file, name, hasScale) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { premultiplyAlpha: "none" }); // turned as EXIF says
  } catch {
    throw new OpeningError("notAPicture", name);
  }
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS_OPENED) throw new OpeningError("pictureTooLarge", name);
  const factor = Math.max(1, Math.ceil(Math.sqrt((width * height) / KEPT_PIXELS_OPENED)));
  const picture = asPicture(bitmap, Math.ceil(width / factor), Math.ceil(height / factor));
  bitmap.close();
  if ((await isDeep(file)) && (hasScale || isNearlyBlack(picture))) {
    throw new OpeningError("deepPicture", name);
  }
  return picture;
}

/** Whether a file is a grey PNG of 16 bits. @type {(file: Blob) => Promise<boolean>} */
async function isDeep(file) {
  const head = new Uint8Array(await file.slice(0, 26).arrayBuffer());
  const isPng = String.fromCharCode(...head.slice(1, 4)) === "PNG";
  return isPng && head[24] === 16 && (head[25] === 0 || head[25] === 4);
}

/** @type {(picture: Picture) => boolean} */
function isNearlyBlack({ data }) {
  let [lowest, highest] = [255, 0];
  for (let place = 0; place < data.length; place += 4) {
    lowest = Math.min(lowest, data[place]);
    highest = Math.max(highest, data[place]);
  }
  return lowest < highest && highest <= NEARLY_BLACK;
}

/** An image of a certain size as a picture on the paper.
 * @type {(source: CanvasImageSource, width: number, height: number) => ShownPicture} */
function asPicture(source, width, height) {
  const shown = new OffscreenCanvas(width, height);
  const pen = penOf(shown, true);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(source, 0, 0, width, height);
  return { data: pen.getImageData(0, 0, width, height).data, width, height, channels: 4, shown };
}

/** Take test images off their sheet: a row an image, with its channels side by side.
 * @type {(written: WrittenExamples, shape: Shape) => Promise<Example[]>} */
export async function readExamples({ sheet, labels }, shape) {
  const [channels, height, width] = shape;
  const element = new Image();
  element.src = sheet;
  await element.decode();
  const { data } = asPicture(element, channels * width, labels.length * height);
  return labels.map((label, index) => {
    const image = new Uint8Array(channels * height * width);
    for (let place = 0; place < image.length; place++) {
      const channel = Math.floor(place / (height * width));
      const row = index * height + (Math.floor(place / width) % height);
      image[place] = data[4 * ((row * channels + channel) * width + (place % width))];
    }
    return { image, label, picture: pictureOfImage(image, shape) };
  });
}

/** What a network takes, as a picture. @type {(image: Uint8Array, shape: Shape) => ShownPicture} */
export function pictureOfImage(image, shape) {
  const [, height, width] = shape;
  const shown = new OffscreenCanvas(width, height);
  const pixels = imageAsPixels(image, shape);
  penOf(shown).putImageData(pixels, 0, 0);
  return { data: pixels.data, width, height, channels: 4, shown };
}

/** Whether a file that was opened is meant as a model. @type {(file: File) => boolean} */
export function isModelFile(file) {
  return file.name?.toLowerCase().endsWith(".safetensors") ?? false;
}
