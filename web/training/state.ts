/** The training that the page shows: its settings, the worker that does it, and what that tells. */

import { computed, effect, signal } from "@preact/signals";
import { type PageData, readSet, unpackProgram, type WrittenSet } from "../lab/page_data.ts";
import type { Answer, Order, Report, Settings, TrainingSet } from "./protocol.ts";
import { usualSettings } from "./settings.ts";

export class Training {
  readonly sets: WrittenSet[];
  readonly setName = signal("");
  readonly settings = signal<Settings>(usualSettings("lenet", 0));
  readonly set = signal<TrainingSet | null>(null);
  readonly report = signal<Report | null>(null);
  /** Why nothing can be trained, in a sentence of the command line. */
  readonly refusal = signal<string | null>(null);
  readonly example = signal(0); // of the test images

  readonly written = computed(() => this.sets.find(({ name }) => name === this.setName.value)!);
  readonly pixels = computed(() => {
    const { set, example } = this;
    if (!set.value) return new Uint8Array();
    const size = set.value.shape.reduce((product, side) => product * side, 1);
    return set.value.test.pixels.slice(example.value * size, (example.value + 1) * size);
  });

  #data: PageData;
  #worker: Worker | null = null;
  #core: Promise<ArrayBuffer>;

  constructor(data: PageData, isRelaxed: boolean) {
    this.#data = data;
    this.sets = data.sets;
    this.#core = unpackProgram((isRelaxed && data.relaxed_core) || data.core);
    effect(() => {
      const example = this.pixels.value;
      if (this.report.peek()) this.order({ kind: "look", example });
    });
  }

  /** Take a set, and the settings that are usual for it. */
  async choose(name: string) {
    if (this.setName.value === name) return;
    this.setName.value = name;
    this.set.value = null;
    this.report.value = null;
    const set = await readSet(this.written.value);
    if (this.setName.value !== name) return; // another one was chosen meanwhile
    this.example.value = 0;
    this.settings.value = usualSettings(this.settings.value.model, set.train.labels.length);
    this.set.value = set;
    await this.begin();
  }

  /** Change settings and begin anew; a change of the network brings what is usual for it. */
  change(settings: Settings) {
    const { model } = this.settings.value;
    const images = this.set.value?.train.labels.length ?? 0;
    const isOther = settings.model !== model;
    this.settings.value = isOther ? usualSettings(settings.model, images) : settings;
    void this.begin();
  }

  async begin() {
    const set = this.set.value;
    if (!set) return;
    const core = await this.#core;
    this.refusal.value = null;
    this.order({
      kind: "begin",
      core,
      set,
      settings: this.settings.value,
      example: this.pixels.value,
    });
  }

  order(order: Order) {
    if (!this.#worker) {
      const script = new Blob([this.#data.worker], { type: "text/javascript" });
      this.#worker = new Worker(URL.createObjectURL(script));
      this.#worker.onerror = ({ message = "" }) => this.#hear({ kind: "refused", message });
      this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#hear(data);
    }
    this.#worker.postMessage(order);
  }

  #hear(answer: Answer) {
    if (answer.kind === "report") this.report.value = answer;
    if (answer.kind === "refused") {
      this.refusal.value = answer.message;
      this.report.value = null;
    }
  }
}
