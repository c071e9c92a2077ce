/** The trainings that the page shows: on what, with which settings, and what they tell. */

import { computed, effect, signal } from "@preact/signals";
import { type PageData, readSet, type WrittenSet } from "../lab/page_data.ts";
import { words } from "../words/training.ts";
import type { Answer, Order, Report, Settings, TrainedWeights, TrainingSet, WalkedStep } from "./protocol.ts";
import { usualSettings } from "./settings.ts";

/** One training, in a worker of its own. */
export class Training {
  readonly report = signal<Report | null>(null);
  /** Whether what is reported is of an earlier training, as the last one was just begun. */
  readonly isStale = signal(true);
  /** Why nothing can be trained, in a sentence of the command line. */
  readonly refusal = signal<string | null>(null);
  /** The next step, before it is made, where it was asked for. */
  readonly walked = signal<WalkedStep | null>(null);
  #script: string;
  #started: Worker | null = null;
  #begun = 0;
  #askers: ((weights: TrainedWeights | null) => void)[] = [];

  constructor(script: string) {
    this.#script = script;
  }

  /** The worker, which starts when it is needed first. */
  get #worker(): Worker {
    if (!this.#started) {
      const script = new Blob([this.#script], { type: "text/javascript" });
      this.#started = new Worker(URL.createObjectURL(script));
      this.#started.onmessage = ({ data }: MessageEvent<Answer>) => this.#hear(data);
      this.#started.onerror = ({ message = "" }) => this.#hear({ kind: "refused", message });
    }
    return this.#started;
  }

  order(order: Order) {
    if (order.kind === "begin") {
      this.refusal.value = null;
      this.isStale.value = true;
      this.#begun++;
    }
    if (order.kind !== "look") this.walked.value = null;
    this.#worker.postMessage(order);
  }

  /** The weights as they are; null where there are none. */
  weights(): Promise<TrainedWeights | null> {
    return new Promise((resolve) => {
      this.#askers.push(resolve);
      this.#worker.postMessage({ kind: "weights" } satisfies Order);
    });
  }

  close() {
    this.#started?.terminate();
  }

  #hear(answer: Answer) {
    if (answer.kind === "report" && answer.begun === this.#begun) {
      this.report.value = answer;
      this.isStale.value = false;
    }
    if (answer.kind === "walked") this.walked.value = answer;
    if (answer.kind === "weights") this.#askers.shift()?.(answer);
    if (answer.kind === "refused") {
      this.refusal.value = answer.message;
      this.report.value = null;
      for (const tell of this.#askers.splice(0)) tell(null);
    }
  }
}

/** A training, and perhaps another one beside it from which it differs in some settings. */
export class Trainings {
  readonly sets: WrittenSet[];
  readonly setName = signal("");
  readonly set = signal<TrainingSet | null>(null);
  readonly settings = signal<Settings>(usualSettings("lenet", 0));
  /** What is otherwise in the second training; nothing where there is none. */
  readonly varied = signal<Partial<Settings>>({});
  readonly example = signal(0); // of the test images
  readonly first: Training;
  readonly second = signal<Training | null>(null);

  readonly written = computed(() => this.sets.find(({ name }) => name === this.setName.value));
  readonly pixels = computed(() => {
    const { value: set } = this.set;
    const size = set?.shape.reduce((product, side) => product * side, 1) ?? 0;
    const start = this.example.value * size;
    return set?.test.pixels.slice(start, start + size) ?? new Uint8Array();
  });

  #script: string;
  #core: Promise<ArrayBuffer>;
  #taking: Promise<void> = Promise.resolve();
  #begun: Promise<void> = Promise.resolve();

  constructor(data: PageData, program: Promise<ArrayBuffer>) {
    this.sets = data.sets;
    this.#script = data.worker;
    this.first = new Training(this.#script);
    this.#core = program;
    effect(() => {
      const example = this.pixels.value;
      for (const training of this.#all()) {
        if (training.report.peek()) training.order({ kind: "look", example });
      }
    });
  }

  /** Take a set, and the settings that are usual for it. */
  async choose(name: string) {
    if (this.setName.value !== name) {
      this.setName.value = name;
      this.set.value = null;
      this.#taking = this.#take(name);
    }
    await this.#taking;
  }

  async #take(name: string) {
    const set = await readSet(this.written.value!).catch(() => null);
    if (this.setName.value !== name) return; // another one was chosen meanwhile
    if (!set) {
      this.setName.value = ""; // so that it can be chosen again
      this.first.refusal.value = words.value.unreadable(name);
      return;
    }
    this.example.value = 0;
    this.set.value = set;
    this.#become(usualSettings(this.settings.value.model, set.train.labels.length), {});
  }

  /** Change settings and begin anew; a change of the network brings what is usual for it. */
  change(settings: Settings) {
    const { model } = this.settings.value;
    const images = this.set.value?.train.labels.length ?? 0;
    if (settings.model === model) this.#become(settings, this.varied.value);
    else this.#become(usualSettings(settings.model, images), {});
  }

  /** Let a setting be another one in the second training, or the same again. */
  vary<Name extends keyof Settings>(name: Name, value: Settings[Name] | undefined) {
    const { [name]: _, ...others } = this.varied.value;
    const isOther = value !== undefined && String(value) !== String(this.settings.value[name]);
    this.#become(this.settings.value, isOther ? { ...others, [name]: value } : others);
  }

  /** Take settings of both at once. */
  become(settings: Partial<Settings>, varied: Partial<Settings>) {
    const images = this.set.value?.train.labels.length ?? 0;
    const usual = usualSettings(settings.model ?? "lenet", images);
    this.#become({ ...usual, ...settings }, varied);
  }

  /** The weights of the first training, once it was begun. */
  async weights(): Promise<TrainedWeights | null> {
    await this.#taking;
    await this.#begun;
    return this.first.weights();
  }

  order(order: Order) {
    for (const training of this.#all()) training.order(order);
  }

  #all(): Training[] {
    return [this.first, this.second.value].filter((one) => one !== null);
  }

  #become(settings: Settings, varied: Partial<Settings>) {
    this.settings.value = settings;
    this.varied.value = varied;
    const isPair = Object.keys(varied).length > 0;
    if (isPair) this.second.value ??= new Training(this.#script);
    else {
      this.second.value?.close();
      this.second.value = null;
    }
    this.#begun = this.#begin();
  }

  async #begin() {
    const { value: set } = this.set;
    const core = await this.#core;
    if (!set || set !== this.set.value) return;
    const example = this.pixels.value;
    const settings = this.settings.value;
    this.first.order({ kind: "begin", core, set, settings, example });
    const other = { ...settings, ...this.varied.value };
    this.second.value?.order({ kind: "begin", core, set, settings: other, example });
  }
}
