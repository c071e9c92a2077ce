/**
 * The models that the page knows: inside it, on its server, or opened from a file.
 */

import { readModel } from "./model.js";
import { OpeningError, readExamples } from "./opening.js";

const MOST_BYTES_READ = 2 ** 27; // `readModel` refuses what is as large

/**
 * @typedef {object} Volume  A model on the shelf.
 * @property {string} name
 * @property {import("./model.js").Model} [model]  Once it was read.
 * @property {object[]} [examples]  Its test images, then.
 */

export class Shelf {
  /** @param {{models: object[], examples: Record<string, object>}} data  What the page holds. */
  constructor({ models, examples }) {
    /** @type {Volume[]} */
    this.volumes = models.map((written) => ({ ...written, written: examples[written.name] }));
  }

  /** The model of a name, read when it is asked for first. */
  async take(name) {
    const volume = this.volumes.find((one) => one.name === name);
    volume.reading ??= readVolume(volume);
    try {
      return await volume.reading;
    } catch (error) {
      volume.reading = undefined; // the server may be back the next time
      throw error;
    }
  }

  /** Put a model file onto the shelf; gives the name that it has there. */
  async add(file) {
    const volume = { name: this.freeName(file.name), bytes: await readBytes(file) };
    await readVolume(volume);
    volume.reading = Promise.resolve(volume);
    this.volumes.push(volume);
    return volume.name;
  }

  freeName(fileName) {
    const stem = fileName.replace(/(.)\.safetensors$/i, "$1");
    const isTaken = (name) => this.volumes.some((volume) => volume.name === name);
    let name = stem;
    for (let number = 2; isTaken(name); number++) name = `${stem} ${number}`;
    return name;
  }
}

async function readVolume(volume) {
  const { name, packed, url, written } = volume;
  const bytes = volume.bytes ?? (await (packed ? unpack(packed) : fetchBytes(url, name)));
  try {
    volume.model = readModel(bytes);
  } catch (error) {
    throw new OpeningError("notAModel", name, error.message);
  }
  volume.bytes = volume.packed = undefined; // the weights are kept once
  volume.examples = written ? await readExamples(written, volume.model.card.input_shape) : [];
  return volume;
}

/** A file's bytes, or more of them than a model may have. */
async function readBytes(file) {
  try {
    return await file.slice(0, MOST_BYTES_READ).arrayBuffer();
  } catch {
    throw new OpeningError("notAModel", file.name, ""); // it was moved away, or is a folder
  }
}

async function fetchBytes(url, name) {
  try {
    const response = await fetch(url);
    if (response.ok) return await response.arrayBuffer();
  } catch {
    // no server answers
  }
  throw new OpeningError("modelNotFetched", name);
}

/** Undo what `lenet/playground/_packing.py` does: first bytes of all numbers, then second ones. */
async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const numbers = planes.length / 4;
  return planes.map((_, place) => planes[(place % 4) * numbers + Math.floor(place / 4)]).buffer;
}
