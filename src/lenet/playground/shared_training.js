/**
 * Training that workers share, in Node.js and where a page may share memory between them: its server
 * has to isolate it from other pages.
 *
 * Each worker has a core and a network of its own. All begin alike, each finds the gradients of its
 * part of a batch, and all change their weights by the same sum of them, so that they stay alike.
 */

import { openCore } from "./native_core.js";
import { NativeNetwork } from "./native_network.js";

const [ARRIVED, MEETING] = [0, 1]; // how many have come to the meeting, and its number
const PATIENCE = 60_000; // milliseconds

/**
 * What some workers share, one part for each.
 *
 * @type {(workers: number, weights: Map<string, Float32Array>) => Share[]}
 */
export function shareMemory(workers, weights) {
  const numbers = [...weights.values()].reduce((sum, { length }) => sum + length, 0);
  const gradients = Array.from({ length: workers }, () => new SharedArrayBuffer(4 * numbers));
  const meeting = new SharedArrayBuffer(8);
  return gradients.map((_, worker) => ({ worker, gradients, meeting }));
}

/** A worker's part of a training. */
export class PartOfTraining {
  /**
   * @param {BufferSource} bytes  The core.
   * @param {{layers: Json[], shape: number[], weights: Map<string, Float32Array>}} begun
   * @param {Examples} examples  All of them.
   * @param {Partial<Training>} settings
   * @param {Share} share
   * @throws {Error} The network normalises batches, which no worker sees whole.
   */
  static async open(bytes, { layers, shape, weights }, examples, settings, share) {
    const network = new NativeNetwork(await openCore(bytes), layers, shape);
    if (network.blocks.some(({ norm }) => norm)) {
      throw new Error("Workers can't share the training of a network that normalises batches.");
    }
    network.load(weights);
    return new PartOfTraining(network, network.train(examples, settings), share);
  }

  /** @param {NativeNetwork} network @param {ReturnType<NativeNetwork["train"]>} training
   * @param {Share} share */
  constructor(network, training, share) {
    this.network = network;
    this.training = training;
    this.share = share;
    this.gradients = share.gradients.map((buffer) => new Float32Array(buffer));
  }

  /**
   * Take part in the steps of some examples in their order, batch by batch. The other workers have to
   * do the same at the same time.
   *
   * @type {(order: BigInt64Array, learningRate: number) => {loss: number, correct: number}}
   * @returns Sums over this worker's examples.
   */
  steps(order, learningRate) {
    const { training, gradients } = this;
    const { worker } = this.share;
    const { batchSize } = training.settings;
    let [loss, correct] = [0, 0];
    for (let start = 0; start < order.length; start += batchSize) {
      const batch = order.subarray(start, start + batchSize);
      const [first, end] = [worker, worker + 1].map((place) =>
        Math.floor((batch.length * place) / gradients.length),
      );
      const part = batch.subarray(first, end);
      if (part.length) {
        const found = training.computeGradients(part);
        training.writeGradients(gradients[worker], part.length / batch.length);
        loss += found.loss * part.length;
        correct += found.correct;
      } else {
        gradients[worker].fill(0);
      }
      this.#meet();
      training.takeGradients(gradients);
      this.#meet(); // nobody writes the next ones before all have read these
      training.update(learningRate);
    }
    return { loss, correct };
  }

  /** Wait until all workers are here. */
  #meet() {
    const state = new Int32Array(this.share.meeting);
    const number = Atomics.load(state, MEETING);
    if (Atomics.add(state, ARRIVED, 1) === this.gradients.length - 1) {
      Atomics.store(state, ARRIVED, 0);
      Atomics.add(state, MEETING, 1);
      Atomics.notify(state, MEETING);
    } else if (Atomics.wait(state, MEETING, number, PATIENCE) === "timed-out") {
      throw new Error("Another worker of the training does not answer.");
    }
  }

  /** Free its memory. */
  close() {
    this.training.close();
    this.network.close();
  }
}
