/** Classes of one's own: their drawings, what is learnt from them, and what it says to the paper. */

import { batch, computed, effect, signal } from "@preact/signals";
import type { NativeCore } from "../../src/lenet/playground/native_core.js";
import { imageAsPixels } from "../../src/lenet/playground/canvas.js";
import { Network, softmax } from "../../src/lenet/playground/network.js";
import { openPicture } from "../../src/lenet/playground/opening.js";
import { lookAt } from "../../src/lenet/playground/picture.js";
import { Drawing, readDrawing, Sheet } from "../drawing/drawing.ts";
import { describeModel, modelOf } from "../lab/networks.ts";
import type { PageData } from "../lab/page_data.ts";
import type { Images, Report, Settings, TrainedWeights, TrainingSet } from "../training/protocol.ts";
import { TUTORIAL } from "../training/settings.ts";
import { Training } from "../training/state.ts";
import { packModel } from "./safetensors.ts";
import { type Entry, packZip } from "./zip.ts";

const SIDE = 28;
const SHAPE: [number, number, number] = [1, SIDE, SIDE];
const SIZE = SIDE * SIDE;
/** As MNIST's images are made: `CATALOG["mnist"].preparation`. */
const PREPARATION = { method: "symbol", polarity: "light-on-dark", margin: 4 } as const;
const READ_SIDE = 168; // pixels of a drawing as it is read
const HELD_OUT = 5; // of so many drawings of a class the last is not learnt from
const LEAST_IMAGES = 480; // an epoch; fewer drawings are repeated
/** Names that are no folders, or that are read as parts and not as classes. */
const NO_FOLDER = /^[._]|[/\\]|\.$|^(train|test|val|valid|validation)(ing)?$/i;
const KEPT_AS = "lenet-teach";
const MOST_CLASSES = 26; // as there are letters for their first names

export const SETTINGS: Settings = {
  ...TUTORIAL,
  activation: "relu",
  initialisation: "kaiming",
  optimiser: "adam",
  learning_rate: 0.001,
  batch_size: 16,
  epochs: 30,
  shift: 2,
};

export type OwnClass = { name: string; images: Uint8Array<ArrayBuffer>[] };

/** Why it can't be trained; `words/teach.ts` has a sentence for each. */
export type Lack = "unnamed" | "twice" | "noFolder" | "oneClass" | "noExamples";

export type Taught = {
  network: Network;
  set: TrainingSet;
  weights: TrainedWeights;
  report: Report;
  /** Drawings that were learnt from, none counted twice. */
  learnt: number;
  /** Whether the test drawings are others than those. */
  isHeldOut: boolean;
};

export class Teach {
  readonly classes = signal<OwnClass[]>(recall());
  readonly drawing = new Drawing();
  readonly erases = signal(false);
  readonly taught = signal<Taught | null>(null);
  readonly isTraining = signal(false);
  /** Whether the classes are others by now than those that were learnt. */
  readonly isOutdated = signal(false);
  /** Whether the browser keeps the drawings. */
  readonly isKept = signal(true);
  readonly unreadable = signal<string | null>(null); // the file that could not be opened
  readonly training: Training;

  readonly lack = computed<Lack | null>(() => {
    const names = this.classes.value.map(({ name }) => name.trim());
    if (names.includes("")) return "unnamed";
    if (new Set(names.map((name) => name.toLowerCase())).size < names.length) return "twice";
    if (names.some((name) => NO_FOLDER.test(name))) return "noFolder";
    if (names.length < 2) return "oneClass";
    return this.classes.value.some(({ images }) => !images.length) ? "noExamples" : null;
  });
  readonly probabilities = computed(() => {
    const { value: taught } = this.taught;
    this.#drawn.value;
    const image = taught && this.#look();
    return image ? softmax(taught.network.run(image).logits, 1) : null;
  });

  #core: NativeCore | null = null;
  #program: Promise<ArrayBuffer>;
  #sheet = new Sheet(READ_SIDE, "#111");
  #drawn = signal(0);
  #frame = 0;
  #last: number[] = []; // classes to which the last examples were added
  readonly canUndo = signal(false);

  constructor(data: PageData, core: Promise<NativeCore>, program: Promise<ArrayBuffer>) {
    this.training = new Training(data.worker);
    this.#program = program;
    void core.then((opened) => (this.#core = opened));
    effect(() => {
      this.isKept.value = keep(this.classes.value);
    });
    effect(() => {
      const version = this.drawing.version.value;
      cancelAnimationFrame(this.#frame);
      this.#frame = requestAnimationFrame(() => (this.#drawn.value = version));
    });
    effect(() => {
      if (this.training.refusal.value) this.isTraining.value = false;
    });
  }

  /** Another class, called by the first letter that is free. */
  addClass() {
    const names = this.classes.value.map(({ name }) => name);
    const letters = Array.from({ length: MOST_CLASSES }, (_, place) => String.fromCharCode(65 + place));
    this.#become([...this.classes.value, { name: letters.find((one) => !names.includes(one)) ?? "", images: [] }]);
  }

  removeClass(index: number) {
    this.#last = [];
    this.#become(this.classes.value.filter((_, place) => place !== index));
  }

  rename(index: number, name: string) {
    this.#become(this.classes.value.map((one, place) => (place === index ? { ...one, name } : one)));
  }

  /** The paper's drawing becomes an example, and the paper blank. */
  addDrawing(index: number) {
    this.unreadable.value = null;
    const image = this.#look();
    if (!image) return;
    this.#add(index, image);
    this.drawing.clear();
  }

  async addPictures(index: number, files: File[]) {
    this.unreadable.value = null;
    for (const file of files) {
      try {
        const picture = await openPicture(file, file.name, false);
        const image = this.#see(picture);
        if (!image) throw new Error("There is nothing in it.");
        this.#add(index, image);
      } catch {
        this.unreadable.value = file.name;
      }
    }
  }

  /** Take the last example away. */
  undo() {
    const index = this.#last.pop();
    if (index === undefined) return;
    this.#become(
      this.classes.value.map((one, place) => (place === index ? { ...one, images: one.images.slice(0, -1) } : one)),
    );
  }

  async train() {
    if (this.lack.value || this.isTraining.value) return;
    this.unreadable.value = null;
    this.isTraining.value = true;
    this.isOutdated.value = false;
    const { set, learnt, isHeldOut } = divide(this.classes.value);
    const core = await this.#program;
    this.training.report.value = null;
    this.training.order({ kind: "begin", core, set, settings: SETTINGS, example: set.test.pixels.slice(0, SIZE) });
    this.training.order({ kind: "play" });
    const report = await this.#finished();
    const weights = report && (await this.training.weights());
    if (weights && this.#core) {
      const network = new Network(this.#core, modelOf(weights, set));
      this.taught.value = { network, set, weights, report, learnt, isHeldOut };
    }
    this.isTraining.value = false;
  }

  /** The model as a file that every command of lenet reads. */
  modelFile({ weights, set, report, isHeldOut }: Taught): Blob {
    const { epochs, batch_size, optimiser, learning_rate, momentum, weight_decay, label_smoothing, shift, flip } =
      SETTINGS;
    const { channels, kernel_size, padding, dense_widths, activation, pooling, batch_norm, initialisation } = SETTINGS;
    const accuracy = report.curve.at(-1)?.testAccuracy;
    const card = {
      ...describeModel(weights, set),
      config: {
        ...{ input_shape: set.shape, classes: set.classNames.length, channels, kernel_size, padding },
        ...{ dense_widths, activation, pooling, batch_norm, initialisation },
      },
      dataset: set.name,
      recipe: { epochs, batch_size, optimiser, learning_rate, momentum, weight_decay, label_smoothing, shift, flip },
      results: {
        ...{ train_loss: report.trainLoss, train_accuracy: report.trainAccuracy, epochs: report.epoch },
        ...(isHeldOut ? { test_accuracy: accuracy } : {}),
      },
    };
    return packModel(weights, JSON.stringify(card));
  }

  /** All drawings: a folder a class, white on black. */
  async examplesFile(): Promise<Blob> {
    const entries: Entry[] = [];
    for (const { name, images } of this.classes.value) {
      for (const [index, image] of images.entries()) {
        const file = `${name.trim()}/${String(index + 1).padStart(4, "0")}.png`;
        entries.push({ name: file, bytes: await pngOf(image) });
      }
    }
    return packZip(entries);
  }

  #finished(): Promise<Report | null> {
    return new Promise((resolve) => {
      const stop = effect(() => {
        const { report, refusal } = this.training;
        const isOver = report.value?.state === "finished";
        if (!isOver && refusal.value === null) return;
        queueMicrotask(() => stop());
        resolve(isOver ? report.value : null);
      });
    });
  }

  /** What a network sees of the paper; null where nothing is on it. */
  #look(): Uint8Array<ArrayBuffer> | null {
    return this.drawing.isEmpty ? null : this.#see(readDrawing(this.#sheet, this.drawing));
  }

  #see(picture: Picture): Uint8Array<ArrayBuffer> | null {
    if (!this.#core) return null;
    const [channels, height, width] = SHAPE;
    const seen = lookAt(this.#core, picture, { ...PREPARATION, channels, height, width });
    return seen.isBlank ? null : (seen.image as Uint8Array<ArrayBuffer>);
  }

  #add(index: number, image: Uint8Array<ArrayBuffer>) {
    this.#last.push(index);
    this.#become(
      this.classes.value.map((one, place) => (place === index ? { ...one, images: [...one.images, image] } : one)),
    );
  }

  #become(classes: OwnClass[]) {
    batch(() => {
      this.classes.value = classes;
      this.canUndo.value = this.#last.length > 0;
      this.isOutdated.value = true;
    });
  }
}

/** What is learnt from, repeated where it is little, and what is held out. */
function divide(classes: OwnClass[]) {
  const [train, test]: [number, Uint8Array][][] = [[], []];
  for (const [label, { images }] of classes.entries()) {
    for (const [index, image] of images.entries()) {
      (index % HELD_OUT === HELD_OUT - 1 ? test : train)!.push([label, image]);
    }
  }
  const isHeldOut = test!.length > 0;
  const times = Math.ceil(LEAST_IMAGES / train!.length);
  const set: TrainingSet = {
    name: "drawings",
    classNames: classes.map(({ name }) => name.trim()),
    shape: SHAPE,
    mean: 0,
    std: 1,
    preparation: PREPARATION,
    train: imagesOf(Array.from({ length: times }, () => train!).flat()),
    test: imagesOf(isHeldOut ? test! : train!),
  };
  return { set, learnt: train!.length, isHeldOut };
}

function imagesOf(examples: [number, Uint8Array][]): Images {
  const pixels = new Uint8Array(examples.length * SIZE);
  for (const [index, [, image]] of examples.entries()) pixels.set(image, index * SIZE);
  return { pixels, labels: Uint8Array.from(examples, ([label]) => label) };
}

async function pngOf(image: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  canvas.getContext("2d")!.putImageData(imageAsPixels(image, SHAPE), 0, 0);
  return new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
}

/** What the browser kept; two empty classes where it did not. */
function recall(): OwnClass[] {
  try {
    const written: { name: string; images: string[] }[] = JSON.parse(localStorage.getItem(KEPT_AS)!);
    return written.map(({ name, images }) => ({
      name,
      images: images.map((text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))),
    }));
  } catch {
    return [
      { name: "A", images: [] },
      { name: "B", images: [] },
    ];
  }
}

/** Whether the browser keeps them. */
function keep(classes: OwnClass[]): boolean {
  try {
    const written = classes.map(({ name, images }) => ({
      name,
      images: images.map((image) => btoa(String.fromCharCode(...image))),
    }));
    localStorage.setItem(KEPT_AS, JSON.stringify(written));
    return true;
  } catch {
    return false; // no room, or cookies are forbidden
  }
}
