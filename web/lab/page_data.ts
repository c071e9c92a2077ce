/** What the page holds, as `lenet/playground/_lab.py` writes it, and what its server has. */

import type { TrainingSet } from "../training/protocol.ts";

/** Images as a packed picture in which they stand in rows, or where the server has their bytes. */
type WrittenImages = { picture?: string; url?: string; labels: string };

export type WrittenSet = {
  name: string;
  /** What `lenet train --data` takes, and how many images that has. */
  source: string;
  class_names: string[];
  shape: [number, number, number];
  preparation: TrainingSet["preparation"];
  train: WrittenImages;
  test: WrittenImages;
};

/** A model file, and images to show it. */
export type WrittenModel = { name: string; packed: string; examples: WrittenExamples };

export type PageData = {
  /** The native core, and perhaps the faster one for browsers with relaxed SIMD. */
  core: string;
  relaxed_core: string | null;
  sets: WrittenSet[];
  models: WrittenModel[];
  /** The script of the worker that trains. */
  worker: string;
};

export function readPageData(): PageData {
  return JSON.parse(document.getElementById("page-data")!.textContent!);
}

/** Read a set: decode its pictures. */
export async function readSet(written: WrittenSet): Promise<TrainingSet> {
  const { name, class_names: classNames, shape, preparation } = written;
  const [train, test] = await Promise.all(
    [written.train, written.test].map(async ({ picture, url = "", labels: packed }) => {
      const labels = unpackLetters(packed);
      const pixels = await (picture ? decode(picture, shape, labels.length) : fetchBytes(url));
      return { pixels, labels };
    }),
  );
  return { name, classNames, shape, mean: 0, std: 1, preparation, train: train!, test: test! };
}

/** @throws {Error} The server is gone, or has other data by now. */
async function fetchBytes(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

const BAND = 128; // images whose pixels are read at once

async function decode(
  packed: string,
  [channels, height, width]: [number, number, number],
  count: number,
): Promise<Uint8Array> {
  const sheet = await createImageBitmap(new Blob([unpackLetters(packed)]), {
    colorSpaceConversion: "none",
  });
  const pixels = new Uint8Array(count * channels * height * width);
  const columns = sheet.width / (channels * width);
  const canvas = new OffscreenCanvas(sheet.width, BAND * height);
  const pen = canvas.getContext("2d", { willReadFrequently: true })!;
  const size = channels * height * width;
  for (let row = 0; row * columns < count; row += BAND) {
    const rows = Math.min(BAND, Math.ceil(count / columns) - row);
    pen.drawImage(sheet, 0, -row * height);
    const { data } = pen.getImageData(0, 0, sheet.width, rows * height);
    for (let one = 0; one < rows * columns && row * columns + one < count; one++) {
      const top = Math.floor(one / columns) * height;
      const left = (one % columns) * channels * width;
      let place = (row * columns + one) * size;
      for (let channel = 0; channel < channels; channel++)
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++)
            pixels[place++] = data[4 * ((top + y) * sheet.width + left + channel * width + x)]!;
    }
  }
  return pixels;
}

const LETTERS =
  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%/()*+-;,=.?@^_`{|}~";

/** Bytes out of letters, as `_packing.py` packs them: four out of five, most significant first. */
function unpackLetters(text: string): Uint8Array<ArrayBuffer> {
  const values = new Uint8Array(128);
  for (let i = 0; i < LETTERS.length; i++) values[LETTERS.charCodeAt(i)] = i;
  const filled = text + "~".repeat((5 - (text.length % 5)) % 5);
  const bytes = new Uint8Array((filled.length / 5) * 4);
  const view = new DataView(bytes.buffer);
  for (let group = 0; group < filled.length / 5; group++) {
    let number = 0;
    for (let i = 0; i < 5; i++) number = 85 * number + values[filled.charCodeAt(5 * group + i)]!;
    view.setUint32(4 * group, number);
  }
  return bytes.slice(0, bytes.length - (filled.length - text.length));
}

export function unpackProgram(text: string): Promise<ArrayBuffer> {
  return decompress(text, "gzip");
}

/** A model file: first bytes of all numbers, then second ones, and so on. */
export async function unpackModel(text: string): Promise<ArrayBuffer> {
  const planes = new Uint8Array(await decompress(text, "deflate"));
  const numbers = planes.length / 4;
  return planes.map((_, place) => planes[(place % 4) * numbers + Math.floor(place / 4)]!).buffer;
}

function decompress(text: string, format: CompressionFormat): Promise<ArrayBuffer> {
  const stream = new Blob([unpackLetters(text)]).stream();
  return new Response(stream.pipeThrough(new DecompressionStream(format))).arrayBuffer();
}
