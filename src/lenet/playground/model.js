/**
 * A model file of lenet, read and checked: what it says about itself, and its layers.
 */

import { readCard } from "./card.js";
import { readLayers } from "./layers.js";
import { readSafetensors } from "./safetensors.js";

const MOST_FILE_BYTES = 64 * 2 ** 20;
const MOST_MULTIPLICATIONS = 1e9; // for an image, which takes about a second

/**
 * Read a model file.
 *
 * @type {(file: ArrayBuffer) => Model}
 * @throws {Error} The file is damaged, not one of lenet's, from a newer lenet, or too large.
 */
export function readModel(file) {
  if (file.byteLength > MOST_FILE_BYTES) {
    throw new Error(`The file is larger than ${MOST_FILE_BYTES / 2 ** 20} MiB.`);
  }
  const { tensors, metadata } = readSafetensors(file);
  if (typeof metadata.lenet !== "string") {
    throw new Error("The file is a safetensors file, but not a model that lenet wrote.");
  }
  const card = readCard(metadata.lenet);
  /** @type {TakeTensor} */
  const take = (name, shape, isUsed) => takeFloats(tensors, name, shape, isUsed);
  const { layers, shape, operations } = readLayers(card.layers, card.input_shape, take);
  if (String(shape) !== String([card.class_names.length])) {
    throw new Error(`The network gives ${shape.join("×")} numbers, not one for each class.`);
  }
  const [unused] = tensors.keys();
  if (unused !== undefined) {
    throw new Error(`The network that the file describes has no place for \`${unused}\`.`);
  }
  if (operations > MOST_MULTIPLICATIONS) {
    throw new Error("The network is too large to run in a page.");
  }
  return { card, layers };
}

/** Take a tensor of a certain shape out of those of the file.
 * @type {(tensors: Map<string, Tensor>, ...asked: Parameters<TakeTensor>) => Float32Array} */
function takeFloats(tensors, name, shape, isUsed = true) {
  const nothing = { dtype: "nothing", shape: [], bytes: new ArrayBuffer(0) };
  const { dtype, shape: found, bytes } = tensors.get(name) ?? nothing;
  if (isUsed && (dtype !== "F32" || found.join() !== shape.join())) {
    throw new Error(`\`${name}\` is ${dtype} [${found}] where F32 [${shape}] belongs.`);
  }
  tensors.delete(name);
  if (!isUsed) return new Float32Array(0);
  const numbers = new Float32Array(bytes);
  if (!numbers.every(Number.isFinite)) {
    throw new Error(`\`${name}\` holds numbers that are not finite.`);
  }
  return numbers;
}
