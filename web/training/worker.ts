/** The worker that trains: in slices of time, between which it hears what it is told. */

import type { Answer, Order } from "./protocol.ts";
import { Run } from "./run.ts";
import type { Place } from "./run.ts";

const SLICE = 20; // milliseconds of work, after which it listens
const BETWEEN_REPORTS = 100; // milliseconds
const FOR_MEASURING = 0.05; // of the time
const REMEMBERED = 1000; // milliseconds over which speed is taken
const NO_MEMORY = "The network and its images need more memory than this browser gives.";

/** Where it is to rest. */
type Goal = "here" | Exclude<Place, "amid">;

let run: Run | null = null;
let begun = 0; // how many were
let goal: Goal = "here";
let reported = 0; // when it was
const spent = { training: 0, measuring: 0 }; // milliseconds; the latter are among the former
/** Milliseconds of training, and examples learnt from by then. */
let marks: { at: number; examples: number }[] = [];

// What one sends oneself comes behind what others sent, at once, and in a tab that sleeps as well.
const bell = new MessageChannel();
bell.port1.onmessage = work;
let isAwake = false;

function wake(): void {
  if (isAwake) return;
  isAwake = true;
  bell.port2.postMessage(null);
}

let handled: Promise<void> = Promise.resolve(); // an order waits for those before

self.onmessage = ({ data }: MessageEvent<Order>) => {
  handled = handled.then(() => obey(data)).catch(refuse);
};

async function obey(order: Order): Promise<void> {
  if (order.kind === "begin") {
    rest();
    begun++;
    run = null; // its memory may be had by the next one
    run = await Run.begin(order.core, order.set, order.settings, order.example);
    return report(run);
  }
  if (!run) throw new Error("Nothing was begun.");
  switch (order.kind) {
    case "play":
      return goTo("end");
    case "step":
    case "epoch":
      return goTo(order.kind);
    case "restart":
      rest();
      run.restart();
      break;
    case "pause":
      goal = "here";
      break;
    case "look":
      run.look(order.example);
      break;
    case "walk": {
      const walked = run.walk();
      const arrays = walked.parameters.flatMap((of) => [of.weights, of.gradients, of.change]);
      return answer({ kind: "walked", ...walked }, [walked.images, walked.labels, ...arrays]);
    }
    case "weights": {
      const weights = run.weights();
      return answer({ kind: "weights", layers: run.layers, weights }, [...weights.values()]);
    }
  }
  wake();
  report(run);
}

function goTo(place: Goal): void {
  if (run!.isFinished) return report(run!);
  goal = place;
  reported = 0; // it is soon told that it trains
  wake();
}

function rest(): void {
  goal = "here";
  marks = [];
}

/** Work for a slice of time, and then listen. */
function work(): void {
  isAwake = false;
  if (!run || (goal === "here" && run.isMeasured)) return;
  const start = performance.now();
  const isTraining = goal !== "here";
  if (isTraining && !marks.length) mark(run);
  try {
    let isNews = false;
    while (!isNews && performance.now() < start + SLICE) isNews = doSome(run);
    if (isTraining) {
      spent.training += performance.now() - start;
      mark(run);
    }
    if (isNews || (isTraining && performance.now() - reported >= BETWEEN_REPORTS)) report(run);
    wake();
  } catch (error) {
    refuse(error);
  }
}

/** Make a step, or look at an image; says whether it came to rest, or knows the spreads at rest. */
function doSome(run: Run): boolean {
  const isOwed = spent.measuring < FOR_MEASURING * spent.training;
  if (!run.isMeasured && (goal === "here" || isOwed)) {
    const start = performance.now();
    run.measure();
    if (goal !== "here") spent.measuring += performance.now() - start;
    return goal === "here" && run.isMeasured;
  }
  const place = run.advance();
  const isThere = place === "end" || place === goal || (place === "epoch" && goal === "step");
  if (isThere) goal = "here";
  return isThere;
}

function mark(run: Run): void {
  marks.push({ at: spent.training, examples: run.examples });
  while (marks[0]!.at < spent.training - REMEMBERED) marks.shift();
}

function examplesPerSecond(): number {
  const [first, last] = [marks[0], marks.at(-1)];
  if (!first || !last || last.at === first.at) return 0;
  return (1000 * (last.examples - first.examples)) / (last.at - first.at);
}

function report(run: Run): void {
  reported = performance.now();
  const resting = run.isFinished ? "finished" : "paused";
  const state = goal === "here" ? resting : "training";
  answer({ kind: "report", begun, state, examplesPerSecond: examplesPerSecond(), ...run.report() });
}

function refuse(error: unknown): void {
  rest();
  const isMemory = error instanceof RangeError; // an array that the browser does not give
  answer({ kind: "refused", message: isMemory ? NO_MEMORY : (error as Error).message });
}

/** Send an answer, with arrays that are of no use here any more. */
function answer(answer: Answer, arrays: ArrayBufferView[] = []): void {
  self.postMessage(answer, { transfer: arrays.map(({ buffer }) => buffer as ArrayBuffer) });
}
