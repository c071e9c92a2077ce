/**
 * The safetensors format: eight bytes with the length of a JSON header, the header, the numbers.
 * A file may hold anything, so whatever the header says is checked before it is used.
 */

/** @type {Record<string, number>} */
const BYTES_OF = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 };

/**
 * Read a file's tensors and the free part of its header.
 *
 * @type {(file: ArrayBuffer) => {tensors: Map<string, Tensor>, metadata: Record<string, string>}}
 * @throws {Error} The file is of another format or damaged.
 */
export function readSafetensors(file) {
  try {
    return parseSafetensors(file);
  } catch {
    throw new Error("The file is damaged, or is not a safetensors file.");
  }
}

/** @type {(file: ArrayBuffer) => {tensors: Map<string, Tensor>,
 *   metadata: Record<string, string>}} */
function parseSafetensors(file) {
  const headerBytes = Number(new DataView(file).getBigUint64(0, true));
  const header = JSON.parse(
    new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(file, 8, headerBytes)),
  );
  const { __metadata__: metadata = {}, ...entries } = header;
  const numbers = file.slice(8 + headerBytes);
  const tensors = new Map();
  let bytesRead = 0;
  for (const [name, entry] of Object.entries(entries)) {
    /** @type {{dtype: string, shape: Shape, data_offsets: Pair}} */
    const { dtype, shape, data_offsets: offsets } = entry;
    const [start, end] = offsets;
    const size = shape.reduce((product, length) => product * length, BYTES_OF[dtype]);
    const hasShape = shape.every((length) => Number.isInteger(length) && length >= 0);
    const isInside = 0 <= start && end <= numbers.byteLength && end - start === size;
    if (!hasShape || !isInside) throw new RangeError(name);
    tensors.set(name, { dtype, shape, bytes: numbers.slice(start, end) });
    bytesRead += size;
  }
  if (bytesRead !== numbers.byteLength) throw new RangeError("The file has more than its tensors.");
  return { tensors, metadata };
}
