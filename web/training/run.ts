/** A training, a few milliseconds at a time: the steps, the curve and the diagnosis of `lenet train`,
 * and what is seen of its layers on the way. Nothing here knows of workers, clocks or pages. */

import { openCore } from "../../src/lenet/playground/native_core.js";
import type { NativeCore } from "../../src/lenet/playground/native_core.js";
import { NativeNetwork, byteValuesOf } from "../../src/lenet/playground/native_network.js";
import { softmax } from "../../src/lenet/playground/network.js";
import { floatText, generalText } from "../words/python_text.ts";
import { chanceLoss, countClasses, findRemedies, isStuck, LayerHealth } from "./diagnosis.ts";
import { changedImages } from "./images.ts";
import { describeNetwork } from "./network.ts";
import { rootMeanSquare } from "./root_mean_square.ts";
import { Snapshot, Spreads } from "./snapshot.ts";
import type { CurvePoint, Diagnosis, LayerDescription, Moment, Report } from "./protocol.ts";
import type { Settings, TrainingSet, WalkedStep } from "./protocol.ts";

const POINTS_AN_EPOCH = 5;
const MOST_POINTS = 1000; // of the curve
const EARLY_EPOCHS = 50; // in which networks wake
const TESTED_AT_ONCE = 256; // images
const LOOKED_AT = 200; // test images, for the spreads
const EARLY_STEP = 50; // by which kernels have begun to change
const MOST_MOMENTS = 7;
const SHOWN_UNITS = 16; // of a dense layer

/** Where the training stands: amid what follows an epoch, after a step or an epoch, or at its end. */
export type Place = "amid" | "step" | "epoch" | "end";

/** What changes while it trains. */
type Progress = {
  epoch: number;
  step: number;
  /** In all. */
  examples: number;
  /** Of the epoch under way, or of the last one: sums over the examples, and how many they are. */
  loss: number;
  correct: number;
  seen: number;
  curve: CurvePoint[];
  moments: Moment[];
  diagnosis: Diagnosis | null;
  wasDiagnosed: boolean;
};

const newProgress = (): Progress => ({
  ...{ epoch: 0, step: 0, examples: 0, loss: 0, correct: 0, seen: 0 },
  ...{ curve: [], moments: [], diagnosis: null, wasDiagnosed: false },
});

/** Numbers of the layers with weights, after some step. */
type OfLayers = { step: number; values: number[] };

export class Run {
  readonly layers: LayerDescription[];
  readonly stepsAnEpoch: number;
  #core: NativeCore;
  #set: TrainingSet;
  #settings: Settings;
  #example: Uint8Array;
  #byteValues: Float32Array;
  #network: NativeNetwork;
  #training: ReturnType<NativeNetwork["train"]>;
  #beginning: ReturnType<ReturnType<NativeNetwork["train"]>["state"]>;
  #counts: { train: number[]; test: number[] };
  #order: { epoch: number; indices: BigInt64Array } = { epoch: -1, indices: new BigInt64Array() };
  #progress = newProgress();
  #work: Generator<Place, void> = this.#train();
  #failure: unknown = null;
  #measuring: { step: number; spreads: Spreads; place: number } | null = null;
  #spread: OfLayers = { step: -1, values: [] };
  #gradient: OfLayers = { step: -1, values: [] };
  #atStart: { spread: number[]; gradient: number[] };

  /** Begin a training.
   * @throws {Error} The settings are refused, or memory runs out. */
  static async begin(
    bytes: BufferSource,
    set: TrainingSet,
    settings: Settings,
    example: Uint8Array,
  ): Promise<Run> {
    const layers = describeNetwork(settings, set);
    return new Run(await openCore(bytes), layers, set, settings, example);
  }

  constructor(
    core: NativeCore,
    layers: LayerDescription[],
    set: TrainingSet,
    settings: Settings,
    example: Uint8Array,
  ) {
    [this.layers, this.#core, this.#set, this.#settings] = [layers, core, set, settings];
    this.#example = example;
    this.#byteValues = byteValuesOf(set);
    this.stepsAnEpoch = Math.ceil(set.train.labels.length / settings.batch_size);
    const classes = set.classNames.length;
    this.#counts = {
      train: countClasses(set.train.labels, classes),
      test: countClasses(set.test.labels, classes),
    };
    this.#network = new NativeNetwork(core, layers, set.shape);
    const { pixels: images, labels } = set.train;
    const examples = { images, labels, byteValues: this.#byteValues, shape: set.shape };
    this.#training = this.#network.train(examples, {
      batchSize: settings.batch_size,
      optimiser: settings.optimiser,
      momentum: settings.momentum,
      weightDecay: settings.weight_decay,
      labelSmoothing: settings.label_smoothing,
    });
    this.#beginning = this.#training.state();
    this.#reset();
    while (!this.isMeasured) this.measure();
    this.#atStart = { spread: this.#spread.values, gradient: this.#firstGradient() };
    this.#gradient = { step: 0, values: this.#atStart.gradient };
  }

  get epoch(): number {
    return this.#progress.epoch;
  }

  get step(): number {
    return this.#progress.step;
  }

  /** Examples that it has learnt from in all. */
  get examples(): number {
    return this.#progress.examples;
  }

  get isFinished(): boolean {
    return this.epoch === this.#settings.epochs;
  }

  /** Go back to the weights of the beginning. */
  restart(): void {
    this.#reset();
    this.#spread = { step: 0, values: this.#atStart.spread };
    this.#gradient = { step: 0, values: this.#atStart.gradient };
  }

  #reset(): void {
    this.#work.return();
    this.#measuring?.spreads.finish();
    this.#measuring = null;
    this.#network.initialise(this.#settings.initialisation, this.#settings.seed);
    this.#training.restore(this.#beginning);
    this.#progress = newProgress();
    this.#remember();
    this.#failure = null;
    this.#work = this.#train();
  }

  /** Make a step, or a piece of what follows the last one of an epoch.
   * @throws {Error} The loss is no number any more, or memory runs out; only `restart` helps then. */
  advance(): Place {
    if (this.#failure) throw this.#failure;
    try {
      return this.#work.next().value ?? "end";
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  *#train(): Generator<Place, void> {
    const progress = this.#progress;
    while (progress.epoch < this.#settings.epochs) {
      Object.assign(progress, { loss: 0, correct: 0, seen: 0 });
      do {
        this.#makeStep();
        yield this.#stepInEpoch ? "step" : "amid";
      } while (this.#stepInEpoch);
      this.#checkWeights();
      const testAccuracy = yield* this.#test();
      this.#addPoint(testAccuracy);
      yield* this.#diagnose(testAccuracy);
      progress.epoch++;
      if (isMoment(progress.epoch)) this.#remember();
      yield progress.epoch < this.#settings.epochs ? "epoch" : "end";
    }
  }

  /** Steps made in the epoch under way; 0 when all are. */
  get #stepInEpoch(): number {
    return this.step % this.stepsAnEpoch;
  }

  #makeStep(): void {
    const progress = this.#progress;
    const { indices, changes } = this.#batch(progress.step);
    const found = this.#training.step(indices, this.#settings.learning_rate, changes);
    const loss = Math.fround(found.loss); // as Python keeps it
    progress.step++;
    this.#requireFinite(loss);
    progress.loss += loss * indices.length;
    progress.correct += found.correct;
    progress.seen += indices.length;
    progress.examples += indices.length;
    if (progress.step === EARLY_STEP) this.#remember();
    const between = Math.max(1, Math.floor(this.stepsAnEpoch / POINTS_AN_EPOCH));
    if (this.#stepInEpoch && this.#stepInEpoch % between === 0) this.#addPoint(null);
  }

  #addPoint(testAccuracy: number | null): void {
    const { step, loss, correct, seen, curve } = this.#progress;
    const epoch = step / this.stepsAnEpoch;
    curve.push({ epoch, trainLoss: loss / seen, trainAccuracy: correct / seen, testAccuracy });
    if (curve.length > MOST_POINTS) thin(curve);
  }

  /** @throws {Error} What `lenet train` says of a loss, or of weights, that are no numbers. */
  #requireFinite(value: number): void {
    if (Number.isFinite(value)) return;
    const place = (this.step - 1) % this.stepsAnEpoch;
    const rate = generalText(this.#settings.learning_rate, 6);
    throw new Error(
      `The loss became ${floatText(value)} in epoch ${this.epoch + 1} at step ${place + 1}, at ` +
        `learning rate ${rate}. Try a lower learning rate or \`gradient_clipping\`.`,
    );
  }

  #checkWeights(): void {
    for (const values of this.#network.weights().values()) {
      if (!values.every(Number.isFinite)) this.#requireFinite(NaN);
    }
  }

  *#test(): Generator<Place, number | null> {
    const { pixels, labels } = this.#set.test;
    const size = this.#network.imageSize;
    let correct = 0;
    for (let start = 0; start < labels.length; start += TESTED_AT_ONCE) {
      const end = Math.min(start + TESTED_AT_ONCE, labels.length);
      const images = pixels.subarray(start * size, end * size);
      correct += this.#network.evaluate(images, labels.subarray(start, end), this.#byteValues).correct;
      yield "amid";
    }
    return labels.length ? correct / labels.length : null;
  }

  *#diagnose(testAccuracy: number | null): Generator<Place, void> {
    const progress = this.#progress;
    const { epoch, step: steps, loss, correct, seen } = progress;
    const [trainLoss, trainAccuracy] = [loss / seen, correct / seen];
    const counts = { trainCounts: this.#counts.train, testCounts: this.#counts.test };
    const means = { trainLoss, trainAccuracy, testAccuracy };
    if (!isStuck({ epoch: epoch + 1, steps, ...means, ...counts }, this.#settings)) {
      progress.diagnosis = null;
    } else if (!progress.wasDiagnosed) {
      progress.wasDiagnosed = true;
      const sick = yield* this.#findSick();
      const remedies = findRemedies(this.#settings, steps);
      progress.diagnosis = { loss: trainLoss, chance: this.#chance, sick, remedies };
    }
  }

  /** The layers that the first batch shows to be dead or saturated. */
  *#findSick(): Generator<Place, Diagnosis["sick"]> {
    const healths = this.layers.flatMap((layer, place) =>
      layer.kind === "activation" ? [new LayerHealth(String(place), layer.function)] : [],
    );
    const images = this.#imagesOf(0);
    const size = this.#network.imageSize;
    const snapshot = this.#snapshot();
    try {
      for (let start = 0; start < images.length; start += size) {
        for (const { name, values } of snapshot.outputs(images.subarray(start, start + size))) {
          healths.find((health) => health.name === name)?.see(values);
        }
        yield "amid";
      }
    } finally {
      snapshot.close(); // also where it is left off by a restart
    }
    return healths.flatMap((health) => health.find());
  }

  /** The examples of a step, and what happens to them. */
  #batch(step: number): { indices: BigInt64Array; changes: Changes } {
    const { seed, batch_size, flip, shift } = this.#settings;
    const [epoch, place] = [Math.floor(step / this.stepsAnEpoch), step % this.stepsAnEpoch];
    if (this.#order.epoch !== epoch) {
      this.#order = { epoch, indices: this.#core.order(seed, epoch, this.#set.train.labels.length) };
    }
    const indices = this.#order.indices.subarray(place * batch_size, (place + 1) * batch_size);
    const count = indices.length;
    const isChanged = flip || shift > 0;
    const changes = isChanged ? this.#core.changes(seed, epoch, place, count, { flip, shift }) : {};
    return { indices, changes };
  }

  #imagesOf(step: number): Uint8Array {
    const { indices, changes } = this.#batch(step);
    return changedImages(this.#set.train.pixels, this.#set.shape, indices, changes);
  }

  #snapshot(): Snapshot {
    const { shape, mean, std } = this.#set;
    const described = { layers: this.layers, shape, normalisation: { mean, std } };
    return new Snapshot(this.#core, described, this.#network.weights());
  }

  /** Whether the spreads are those of the weights as they are now. */
  get isMeasured(): boolean {
    return this.#spread.step === this.step;
  }

  /** Measure a little more of the spreads: of the weights as they were when that was begun. */
  measure(): void {
    const names = this.#network.blocks.map(({ name, norm }) => norm?.name ?? name);
    this.#measuring ??= { step: this.step, spreads: new Spreads(this.#snapshot(), names), place: 0 };
    const { test, train } = this.#set;
    const { pixels, labels } = test.labels.length ? test : train;
    const [size, place] = [this.#network.imageSize, this.#measuring.place++];
    this.#measuring.spreads.see(pixels.subarray(place * size, (place + 1) * size));
    if (this.#measuring.place < Math.min(LOOKED_AT, labels.length)) return;
    this.#spread = { step: this.#measuring.step, values: this.#measuring.spreads.finish() };
    this.#measuring = null;
  }

  /** Sizes of the gradients that the first step will have. */
  #firstGradient(): number[] {
    const weights = this.#network.weights(); // batch normalisation takes in what goes through it
    const { indices, changes } = this.#batch(0);
    this.#training.computeGradients(indices, changes);
    this.#network.load(weights);
    return this.#gradientSizes();
  }

  #gradientSizes(): number[] {
    const gradients = this.#training.gradients();
    return this.#network.blocks.map(({ name }) => rootMeanSquare(gradients.get(`${name}.weight`)!));
  }

  #measureGradient(): void {
    if (this.#gradient.step !== this.step) {
      this.#gradient = { step: this.step, values: this.#gradientSizes() };
    }
  }

  /** Keep the first layer's kernels as they are now. */
  #remember(): void {
    const { moments } = this.#progress;
    if (moments.at(-1)?.step === this.step) return; // an epoch of 50 steps
    moments.push(this.#moment());
    if (moments.length === MOST_MOMENTS) moments.splice(1, 1); // there is room for one less and now
  }

  #moment(): Moment {
    const { name } = this.#network.blocks[0]!;
    const count = this.#kernelShape().reduce((product, size) => product * size);
    const weights = this.#network.numbers(`${name}.weight`).slice(0, count);
    return { epoch: this.step / this.stepsAnEpoch, step: this.step, weights };
  }

  #kernelShape(): number[] {
    const [first] = this.layers;
    const { outputs } = this.#network.blocks[0]!;
    return first?.kind === "convolution"
      ? [outputs, this.#set.shape[0], first.kernel_size, first.kernel_size]
      : [Math.min(outputs, SHOWN_UNITS), ...this.#set.shape];
  }

  get #chance(): number {
    return chanceLoss(this.#counts.train, this.#settings.label_smoothing);
  }

  /** Whose answer the reports tell. @throws {Error} It is no image for the network. */
  look(example: Uint8Array): void {
    this.#network.predict(example);
    this.#example = example;
  }

  /** How it stands. */
  report(): Omit<Report, "kind" | "begun" | "state" | "examplesPerSecond"> {
    const { epoch, step, loss, correct, seen, curve, moments, diagnosis } = this.#progress;
    this.#measureGradient();
    const layers = this.#network.blocks.map(({ name, description }, index) => ({
      name,
      title: description[0] ? "Conv2d" : "Linear",
      spread: this.#spread.values[index]!,
      spreadAtStart: this.#atStart.spread[index]!,
      gradient: this.#gradient.values[index]!,
      gradientAtStart: this.#atStart.gradient[index]!,
    }));
    const { name, title } = layers[0]!;
    const until = moments.filter((moment) => moment.step < step);
    return {
      ...{ epoch, step, stepsAnEpoch: this.stepsAnEpoch, curve },
      trainLoss: seen ? loss / seen : null,
      trainAccuracy: seen ? correct / seen : null,
      ...{ chance: this.#chance, layers },
      kernels: { name, title, shape: this.#kernelShape(), moments: [...until, this.#moment()] },
      probabilities: softmax(this.#network.predict(this.#example, this.#byteValues)),
      diagnosis,
    };
  }

  /** The next step, computed but not made. */
  walk(): Omit<WalkedStep, "kind"> {
    this.#measureGradient(); // those of this step take the place of the last one's
    const { indices, changes } = this.#batch(this.step);
    const [before, state] = [this.#network.weights(), this.#training.state()];
    const { loss: lossBefore } = this.#training.computeGradients(indices, changes);
    const found = this.#training.gradients();
    this.#training.update(this.#settings.learning_rate);
    const parameters = Array.from(found, ([name, gradients]) => {
      const [weights, after] = [before.get(name)!, this.#network.numbers(name)];
      const change = weights.map((weight, index) => after[index]! - weight);
      return { name, weights, gradients, change };
    });
    const { loss: lossAfter } = this.#training.computeGradients(indices, changes);
    this.#network.load(before);
    this.#training.restore(state);
    const labels = Uint8Array.from(indices, (index) => this.#set.train.labels[Number(index)]!);
    return { images: this.#imagesOf(this.step), labels, lossBefore, parameters, lossAfter };
  }

  /** Copies of weights and statistics, by their names in a model file. */
  weights(): Map<string, Float32Array> {
    return this.#network.weights();
  }
}

/** Leave out what nobody sees: the points between the ends of epochs, in time every other epoch. */
function thin(curve: CurvePoint[]) {
  const ends = curve.filter(({ testAccuracy }) => testAccuracy !== null);
  const isLong = ends.length > MOST_POINTS / 2;
  const isKept = (place: number) => place < EARLY_EPOCHS || (ends.length - 1 - place) % 2 === 0;
  const kept = isLong ? ends.filter((_, place) => isKept(place)) : ends;
  const last = curve.at(-1)!;
  curve.splice(0, curve.length, ...kept, ...(last.testAccuracy === null ? [last] : []));
}

/** Whether the kernels of an epoch are kept: 1, 2, 3, 5, 10, 20, 50, … */
function isMoment(epoch: number): boolean {
  return epoch === 3 || /^[125]0*$/.test(String(epoch));
}
