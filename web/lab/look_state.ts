/** What the view of one network shows: what lies on the paper, the answer, and what is chosen. */

import { batch, computed, effect, signal } from "@preact/signals";
import { decide, softmax } from "../../src/lenet/playground/network.js";
import { lookAt } from "../../src/lenet/playground/picture.js";
import { Drawing, Sheet, readDrawing } from "../drawing/drawing.ts";
import { areaOf, explain, mostFirst } from "../explanations/equation.ts";
import { type Column, columnsOf, sameUnit } from "../stage/columns.ts";
import { kernelsOf, sharesTo } from "../stage/flow.ts";
import { limitOf } from "../stage/palette.ts";

const READ_SIDE = 168; // pixels of a drawing as it is read

export class LookState {
  readonly network: Network;
  readonly examples: Example[];

  readonly drawing = new Drawing();
  readonly erases = signal(false);
  /** The test image on the paper, until something is drawn. */
  readonly example = signal<Example | null>(null);

  /** The first of the test images that are offered. */
  readonly firstExample = signal(0);

  /** What the network sees; a blank paper is seen, too. */
  readonly seen;
  readonly result;
  /** The input and the layers, without numbers. */
  readonly structure: Step[];
  readonly columns: Column[];
  /** Up to where the colours of each column go. */
  readonly limits;

  /** The number that was chosen; none: the score of the likeliest class. */
  readonly picked = signal<Choice | null>(null);
  /** Where the trail came from, the last place at its end. */
  readonly trail = signal<Choice[]>([]);
  readonly pointed = signal<Choice | null>(null);
  /** Whose window is shown, of the maps that the chosen number sees; none: the strongest. */
  readonly channel = signal<number | null>(null);
  readonly activationsInFront = signal(false);
  /** Tried out by hand; none: the network's own. */
  readonly triedTemperature = signal<number | null>(null);

  readonly #sheet = new Sheet(READ_SIDE, "#111");
  readonly #drawn = signal(0);
  #frame = 0;

  constructor(network: Network, examples: Example[]) {
    this.network = network;
    this.examples = examples;
    this.example.value = examples[0] ?? null;
    const { card, layers } = network;
    const values = new Float32Array(0);
    this.structure = [
      { name: "input", kind: "input", shape: card.input_shape, values },
      ...layers.map((layer) => ({
        name: layer.name,
        kind: layer.kind,
        shape: layer.shape,
        values,
        layer,
      })),
    ];
    this.columns = columnsOf(this.structure);
    const takesPictures = [1, 3].includes(card.input_shape[0]!);
    this.seen = computed<Seen>(() => {
      this.#drawn.value;
      const example = this.example.value;
      const isBlank = !example && (this.drawing.isEmpty || !takesPictures);
      const whole = { box: [0, 0, 1, 1] as [number, number, number, number], parts: 1 };
      if (example) return { image: example.image, isBlank, ...whole };
      if (isBlank) {
        const count = card.input_shape.reduce((product, size) => product * size, 1);
        return { image: new Uint8Array(count), isBlank, ...whole };
      }
      return lookAt(network.core, readDrawing(this.#sheet, this.drawing), card.preparation);
    });
    this.result = computed(() => network.run(this.seen.value.image));
    this.limits = computed(() =>
      this.columns.map(({ front }) => limitOf(this.result.value.steps[front]!.values)),
    );
  }

  /** Look at the drawing again with each frame in which it changed; gives what ends that. */
  follow(): () => void {
    const stop = effect(() => {
      const version = this.drawing.version.value;
      cancelAnimationFrame(this.#frame);
      this.#frame = requestAnimationFrame(() => {
        this.#drawn.value = version;
      });
    });
    return () => {
      stop();
      cancelAnimationFrame(this.#frame);
    };
  }

  readonly temperature = computed(
    () => this.triedTemperature.value ?? this.network.card.calibration.temperature,
  );
  readonly probabilities = computed(() =>
    softmax(this.result.value.logits, this.temperature.value),
  );
  readonly decision = computed(() => decide(this.network.card, this.probabilities.value));

  readonly chosen = computed<Choice>(() => {
    const index = this.probabilities.value.reduce(
      (best, share, place, all) => (share > all[best]! ? place : best),
      0,
    );
    return this.picked.value ?? { stepIndex: this.columns.at(-1)!.front, unit: { index } };
  });

  /** Whether there is nothing to be explained: the paper is blank, and nothing was chosen. */
  readonly isIdle = computed(() => this.seen.value.isBlank && !this.picked.value);

  readonly columnOfChosen = computed(() => {
    const place = this.columns.findIndex(({ front }) => front === this.chosen.value.stepIndex);
    return { place, column: this.columns[place]! };
  });

  /** How the chosen number comes about; none of a pixel. */
  readonly equation = computed(() => {
    const { column } = this.columnOfChosen.value;
    if (column.main === 0) return null;
    return explain(this.network, this.result.value, column, this.chosen.value.unit);
  });

  /** Shares of the paths to a score or a unit; none of a number in a map, or on a blank paper. */
  readonly shares = computed(() => {
    const { unit } = this.chosen.value;
    if (unit.index === undefined || this.seen.value.isBlank) return [];
    return sharesTo(this.result.value.steps, this.columns, this.chosen.value);
  });

  /** The map whose window is shown. */
  readonly window = computed(() => {
    const windows = this.equation.value?.windows ?? [];
    const asked = windows.find(({ channel }) => channel === this.channel.value);
    return asked ?? mostFirst(windows, ({ sum }) => sum)[0];
  });

  /** Choose a number, and keep where one came from. */
  choose(choice: Choice, keepsChannel = false) {
    const before = this.chosen.value;
    const isSame = before.stepIndex === choice.stepIndex && sameUnit(before.unit, choice.unit);
    batch(() => {
      if (!isSame && !keepsChannel) this.trail.value = [...this.trail.value, before].slice(-50);
      if (!keepsChannel) this.channel.value = null;
      this.picked.value = choice;
    });
  }

  /** One step back along the trail; from its beginning, to the answer. */
  back() {
    const trail = [...this.trail.value];
    batch(() => {
      this.picked.value = trail.pop() ?? null;
      this.trail.value = trail;
      this.channel.value = null;
    });
  }

  /** Back to the answer. */
  letGo() {
    batch(() => {
      this.picked.value = null;
      this.trail.value = [];
      this.channel.value = null;
    });
  }

  lay(example: Example) {
    batch(() => {
      this.drawing.clear();
      this.example.value = example;
    });
  }

  /** Offer the next test images. */
  offerMore(count: number) {
    const next = this.firstExample.value + count;
    this.firstExample.value = next < this.examples.length ? next : 0;
  }

  /** A test image is taken off the paper, and what was drawn before it comes back. */
  undo() {
    batch(() => {
      this.example.value = null;
      this.drawing.undo();
    });
  }

  redo() {
    batch(() => {
      this.example.value = null;
      this.drawing.redo();
    });
  }

  clear() {
    batch(() => {
      this.example.value = null;
      this.drawing.clear();
    });
  }

  /** What a chosen number of a map sees: a part of one map of the column before, or of more. */
  areaSeen(choice: Choice): { area: Area; channels: number[] } | null {
    const column = this.columns.find(({ front }) => front === choice.stepIndex);
    const layer = column && this.structure[column.main]!.layer;
    if (!layer || choice.unit.index !== undefined || !("window" in layer)) return null;
    const { channel } = choice.unit;
    const channels =
      layer.kind === "convolution"
        ? kernelsOf(layer)
            .filter(({ filter }) => filter === channel)
            .map((kernel) => kernel.channel)
        : [channel];
    return { area: areaOf(layer, choice.unit), channels };
  }
}
