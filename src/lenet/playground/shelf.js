/**
 * The models that the page knows: inside it, on its server, or opened from a file.
 */

import { readModel } from "./model.js";
import { NoMemoryError } from "./native_core.js";
import { Network } from "./network.js";
import { OpeningError, readExamples } from "./opening.js";
import { unpack, unpackCore } from "./unpacking.js";

const MOST_BYTES_READ = 2 ** 27; // `readModel` refuses what is as large

export class Shelf {
  /** @param {PageData} data */
  constructor({ core, models, examples }) {
    this.packedCore = core;
    /** @type {Promise<NativeCore> | undefined} */
    this.core = undefined;
    /** @type {Entry[]} */
    this.volumes = models.map((written) => ({ ...written, written: examples[written.name] }));
  }

  /** The model of a name, read when it is asked for first.
   * @type {(name: string) => Promise<Volume>} */
  async take(name) {
    const entry = /** @type {Entry} */ (this.volumes.find((one) => one.name === name));
    entry.reading ??= this.read(entry);
    try {
      return await entry.reading;
    } catch (error) {
      entry.reading = undefined; // the server may be back the next time
      throw error;
    }
  }

  /** Put a model file onto the shelf; gives the name that it has there.
   * @type {(file: File) => Promise<string>} */
  async add(file) {
    /** @type {Entry} */
    const entry = { name: this.freeName(file.name), bytes: await readBytes(file) };
    const volume = await this.read(entry);
    this.volumes.push({ ...entry, reading: Promise.resolve(volume) });
    return entry.name;
  }

  /** @type {(entry: Entry) => Promise<Volume>} */
  async read(entry) {
    this.core ??= unpackCore(this.packedCore);
    return readEntry(entry, await this.core);
  }

  /** @type {(fileName: string) => string} */
  freeName(fileName) {
    const stem = fileName.replace(/(.)\.safetensors$/i, "$1");
    const taken = this.volumes.map(({ name }) => name);
    let name = stem;
    for (let number = 2; taken.includes(name); number++) name = `${stem} ${number}`;
    return name;
  }
}

/** @type {(entry: Entry, core: NativeCore) => Promise<Volume>} */
async function readEntry(entry, core) {
  const { name, packed, url = "", written } = entry;
  const bytes = entry.bytes ?? (await (packed ? unpack(packed) : fetchBytes(url, name)));
  let model;
  try {
    model = new Network(core, readModel(bytes));
  } catch (error) {
    if (error instanceof NoMemoryError) throw new OpeningError("noMemory");
    throw new OpeningError("notAModel", name, error instanceof Error ? error.message : "");
  }
  entry.bytes = entry.packed = undefined; // the weights are kept once
  return {
    name,
    model,
    examples: written ? await readExamples(written, model.card.input_shape) : [],
  };
}

/** A file's bytes, or more of them than a model may have.
 * @type {(file: File) => Promise<ArrayBuffer>} */
async function readBytes(file) {
  try {
    return await file.slice(0, MOST_BYTES_READ).arrayBuffer();
  } catch {
    throw new OpeningError("notAModel", file.name, ""); // it was moved away, or is a folder
  }
}

/** @type {(url: string, name: string) => Promise<ArrayBuffer>} */
async function fetchBytes(url, name) {
  try {
    const response = await fetch(url);
    if (response.ok) return await response.arrayBuffer();
  } catch {
    // no server answers
  }
  throw new OpeningError("modelNotFetched", name);
}
