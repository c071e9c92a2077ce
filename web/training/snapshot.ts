/** A network's weights at one time, to look at what its layers make of images while it trains on. */

import { readLayers } from "../../src/lenet/playground/layers.js";
import type { NativeCore } from "../../src/lenet/playground/native_core.js";
import { Network } from "../../src/lenet/playground/network.js";
import type { LayerDescription } from "./protocol.ts";

/** What a network is, beside its weights. */
export type Described = {
  layers: LayerDescription[];
  shape: number[];
  normalisation: { mean: number; std: number };
};

export class Snapshot {
  #network: Network;

  constructor(core: NativeCore, described: Described, weights: Map<string, Float32Array>) {
    const { layers, shape, normalisation } = described;
    const card = { input_shape: shape, normalisation, calibration: { temperature: 1 } };
    const read = readLayers(layers, shape, (name: string) => weights.get(name)!);
    this.#network = new Network(core, { card: card as Card, layers: read.layers });
  }

  /** What all layers give for an image, but those that only move numbers. */
  outputs(image: Uint8Array): { name: string; values: Float32Array }[] {
    return this.#network.run(image).steps;
  }

  /** Free its memory. */
  close(): void {
    this.#network.close();
  }
}

/** Standard deviations of what some layers give for some images, one image after the other. */
export class Spreads {
  #snapshot: Snapshot;
  #sums: Map<string, { count: number; sum: number; squares: number }>;

  constructor(snapshot: Snapshot, names: string[]) {
    this.#snapshot = snapshot;
    this.#sums = new Map(names.map((name) => [name, { count: 0, sum: 0, squares: 0 }]));
  }

  see(image: Uint8Array): void {
    for (const { name, values } of this.#snapshot.outputs(image)) {
      const sums = this.#sums.get(name);
      if (!sums) continue;
      sums.count += values.length;
      for (const value of values) {
        sums.sum += value;
        sums.squares += value * value;
      }
    }
  }

  /** They, when all images were seen. It frees the snapshot. */
  finish(): number[] {
    this.#snapshot.close();
    return Array.from(this.#sums.values(), ({ count, sum, squares }) =>
      Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2)),
    );
  }
}
