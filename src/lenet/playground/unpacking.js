/**
 * What the page holds as text, as `lenet/playground/_packing.py` packs it.
 */

import { NoMemoryError, openCore } from "./native_core.js";
import { OpeningError } from "./opening.js";

/** The native core, ready to compute.
 * @type {(text: string) => Promise<NativeCore>}
 * @throws {OpeningError} This browser can't run it, or gives it no memory. */
export async function unpackCore(text) {
  try {
    return await openCore(await decompress(text, "gzip"));
  } catch (error) {
    throw new OpeningError(error instanceof NoMemoryError ? "noMemory" : "noCore");
  }
}

/** A model file: first bytes of all numbers, then second ones, and so on.
 * @type {(text: string) => Promise<ArrayBuffer>} */
export async function unpack(text) {
  const planes = new Uint8Array(await decompress(text, "deflate"));
  const numbers = planes.length / 4;
  return planes.map((_, place) => planes[(place % 4) * numbers + Math.floor(place / 4)]).buffer;
}

/** @type {(text: string, format: CompressionFormat) => Promise<ArrayBuffer>} */
function decompress(text, format) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream(format));
  return new Response(stream).arrayBuffer();
}
