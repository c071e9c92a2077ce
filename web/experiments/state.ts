/** Which experiment is open, what was guessed, and what came out. */

import { computed, effect, signal } from "@preact/signals";
import type { PageData } from "../lab/page_data.ts";
import { Trainings } from "../training/state.ts";
import { EXPERIMENTS, type Experiment, type Outcome, outcomeOf } from "./experiments.ts";

/** Test accuracies after each epoch, of the first and the second. */
export type Result = { curves: [number[], number[]]; outcome: Outcome };

export class Experiments {
  readonly trainings: Trainings;
  readonly open = signal<Experiment>(EXPERIMENTS[0]!);
  readonly guesses = signal<Partial<Record<Experiment["name"], Outcome>>>({});
  readonly results = signal<Partial<Record<Experiment["name"], Result>>>({});
  readonly guess = computed(() => this.guesses.value[this.open.value.name]);
  readonly result = computed(() => this.results.value[this.open.value.name]);

  /** Whether both networks are those of the open experiment. */
  readonly isReady = computed(() => {
    const { first, second } = this.trainings;
    const isOpen = this.#begun.value === this.open.value;
    return isOpen && second.value !== null && !first.isStale.value && !second.value.isStale.value;
  });

  readonly #begun = signal<Experiment | null>(null);
  #setName: string;

  constructor(data: PageData, program: Promise<ArrayBuffer>) {
    this.trainings = new Trainings(data, program);
    this.#setName = data.sets[0]!.name;
    effect(() => this.#note());
  }

  /** Open an experiment; its networks wait for a guess. */
  async choose(experiment: Experiment) {
    if (!this.results.value[experiment.name]) this.#forget(experiment); // it begins anew
    this.open.value = experiment;
    await this.trainings.choose(this.#setName);
    if (this.open.value !== experiment) return; // another one was opened meanwhile
    this.trainings.become(experiment.settings, experiment.varied);
    this.#begun.value = experiment;
  }

  /** Guess, and let the networks answer. */
  answer(guess: Outcome) {
    this.guesses.value = { ...this.guesses.value, [this.open.value.name]: guess };
    this.trainings.order({ kind: "play" });
  }

  /** Forget the guess, and begin anew. */
  again() {
    this.#forget(this.open.value);
    this.trainings.order({ kind: "restart" });
  }

  #forget({ name }: Experiment) {
    const { [name]: _, ...guesses } = this.guesses.value;
    const { [name]: __, ...results } = this.results.value;
    this.guesses.value = guesses;
    this.results.value = results;
  }

  /** Keep what came out, once both are finished. */
  #note() {
    const { first, second } = this.trainings;
    const reports = [first.report.value, second.value?.report.value];
    if (!this.guess.value || this.result.peek() || !this.isReady.value) return;
    const curves = reports.map((report) =>
      report?.state === "finished" ? report.curve.flatMap(({ testAccuracy }) => testAccuracy ?? []) : [],
    ) as [number[], number[]];
    const [one, other] = curves.map((curve) => curve.at(-1));
    if (one === undefined || other === undefined) return;
    const result = { curves, outcome: outcomeOf(one, other) };
    this.results.value = { ...this.results.peek(), [this.open.peek().name]: result };
  }
}
