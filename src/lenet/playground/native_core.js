/**
 * The native core in WebAssembly, from `src/lenet/kernels/web/`: its loading, its memory and the
 * calls of its functions. Numbers lie there as `native/interface.cpp` says, addresses have 4 bytes.
 */

// The least programs that use SIMD: `f32x4` and so on, and then relaxed SIMD with fused products and
// sums besides.
const SIMD = [
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0],
  ...[253, 15, 253, 98, 11],
];
const RELAXED_SIMD = [
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1],
  ...[253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
];

/**
 * Which file of the core is the fastest that runs here.
 *
 * @type {() => "lenet_relaxed_simd.wasm" | "lenet_simd.wasm"}
 * @throws {Error} There is no SIMD.
 */
export function chooseCore() {
  if (WebAssembly.validate(new Uint8Array(RELAXED_SIMD))) return "lenet_relaxed_simd.wasm";
  if (WebAssembly.validate(new Uint8Array(SIMD))) return "lenet_simd.wasm";
  throw new Error("This browser has no WebAssembly with SIMD, which the native core needs.");
}

/**
 * Start the core.
 *
 * @type {(bytes: BufferSource) => Promise<NativeCore>}
 * @throws {Error} It is another file, damaged or cut off, or needs what the browser does not have.
 */
export async function openCore(bytes) {
  chooseCore();
  if (!WebAssembly.validate(bytes)) {
    throw new Error("The core's WebAssembly is damaged, or not made for this browser.");
  }
  try {
    const { instance } = await WebAssembly.instantiate(bytes);
    const functions = /** @type {CoreFunctions} */ (instance.exports);
    functions._initialize();
    return new NativeCore(functions);
  } catch (error) {
    if (error instanceof RangeError) throw new NoMemoryError();
    throw new Error("The WebAssembly is none of lenet's core.");
  }
}

export class NoMemoryError extends Error {
  constructor() {
    super("The network and its images need more memory than this browser gives.");
  }
}

/** The running core. One thing at a time is done with it. */
export class NativeCore {
  /** @type {Set<number>} */
  #lent = new Set();
  #isBroken = false;

  /** @param {CoreFunctions} functions */
  constructor(functions) {
    this.functions = functions;
  }

  /** Call a function, which is given but its own name.
   * @type {(name: string, ...values: (number | bigint)[]) => number}
   * @throws {Error} Memory runs out; the core is of no use any more then. */
  call(name, ...values) {
    try {
      if (!this.#isBroken) return Number(this.functions[`lenet_${name}`](...values));
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      this.#isBroken = true;
    }
    throw new NoMemoryError();
  }

  /** Memory of so many bytes, which is 0 at first. @type {(bytes: number) => number} */
  take(bytes) {
    const address = bytes < 2 ** 32 ? this.call("alloc", bytes) : 0; // the core's sizes have 32 bits
    if (!address) throw new NoMemoryError();
    this.bytes(address, bytes).fill(0);
    this.#lent.add(address);
    return address;
  }

  /** Memory with what an array holds. @type {(array: ArrayBufferView) => number} */
  place(array) {
    const address = this.take(array.byteLength);
    const { buffer, byteOffset, byteLength } = array;
    this.bytes(address, byteLength).set(new Uint8Array(buffer, byteOffset, byteLength));
    return address;
  }

  /** @type {(addresses: Iterable<number>) => void} */
  free(addresses) {
    for (const address of addresses) {
      if (this.#lent.delete(address) && !this.#isBroken) this.call("free", address);
    }
  }

  /** Do something, and free all memory that was taken meanwhile. @template T @param {() => T} act */
  borrow(act) {
    const before = new Set(this.#lent);
    try {
      return act();
    } finally {
      this.free([...this.#lent].filter((address) => !before.has(address)));
    }
  }

  // Views of the memory. Whatever takes memory may move it, so they are made where they are used.
  /** @type {(address: number, count: number) => Uint8Array} */
  bytes(address, count) {
    return new Uint8Array(this.functions.memory.buffer, address, count);
  }
  /** @type {(address: number, count: number) => Int32Array} */
  integers(address, count) {
    return new Int32Array(this.functions.memory.buffer, address, count);
  }
  /** @type {(address: number, count: number) => Float32Array} */
  floats(address, count) {
    return new Float32Array(this.functions.memory.buffer, address, count);
  }
  /** @type {(address: number, count: number) => BigInt64Array} */
  longs(address, count) {
    return new BigInt64Array(this.functions.memory.buffer, address, count);
  }

  /** The order of the examples in an epoch, as `lenet train` has it.
   * @type {(seed: number | bigint, epoch: number, count: number) => BigInt64Array} */
  order(seed, epoch, count) {
    return this.borrow(() => {
      const order = this.take(8 * count);
      this.call("order", BigInt(seed), epoch, BigInt(count), order);
      return this.longs(order, count).slice();
    });
  }

  /** How `lenet train` mirrors the images of a step, and shifts them by up to some pixels.
   * @param {number | bigint} seed @param {number} epoch @param {number} step
   * @param {number} count @param {{flip: boolean, shift: number}} augmentation
   * @returns {Changes} */
  changes(seed, epoch, step, count, { flip, shift }) {
    return this.borrow(() => {
      const mirrored = flip ? this.take(count) : 0;
      const shifts = shift ? this.take(16 * count) : 0;
      const sizes = [BigInt(count), BigInt(shift)];
      this.call("changes", BigInt(seed), epoch, step, ...sizes, mirrored, shifts);
      return {
        mirrored: flip ? this.bytes(mirrored, count).slice() : undefined,
        shifts: shift ? this.longs(shifts, 2 * count).slice() : undefined,
      };
    });
  }
}
