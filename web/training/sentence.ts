/** What there is to see, in one sentence that the state writes. */

import { ofHundred } from "../lab/numbers.ts";
import { words } from "../words/training.ts";
import type { CurvePoint, Report } from "./protocol.ts";

const AWAKE = 0.1; // of what guessing gets wrong: as `beats_guessing` has it
const BY_HEART = 0.1; // between what is known of training and of test images

export function sentenceOf({ curve, step, trainAccuracy }: Report, classes: number): string {
  const say = words.value;
  if (step === 0) return say.begin;
  const ends = curve.filter(({ testAccuracy }) => testAccuracy !== null);
  const last = ends.at(-1);
  if (!last) return say.first(ofHundred(trainAccuracy ?? 0));
  const test = last.testAccuracy!;
  const awake = ends.find((point) => isAwake(point, classes));
  if (!awake) return say.stands(last.epoch);
  if (last.trainAccuracy - test > BY_HEART) {
    return say.overfits(ofHundred(last.trainAccuracy), ofHundred(test));
  }
  const right = ofHundred(test);
  return awake.epoch > 1 ? say.woke(awake.epoch - 1, right) : say.learns(last.epoch, right);
}

/** The same of two trainings, by what tells them apart. */
export function sentenceOfBoth(one: Report, other: Report, names: [string, string]): string {
  const say = words.value;
  const [first, second] = [one, other].map(({ curve }) =>
    curve.filter(({ testAccuracy }) => testAccuracy !== null),
  ) as [CurvePoint[], CurvePoint[]];
  const epochs = Math.min(...[first, second].map((points) => points.at(-1)?.epoch ?? 0));
  const right = [first, second].map((points) =>
    ofHundred(points.findLast(({ epoch }) => epoch <= epochs)?.testAccuracy ?? 0),
  );
  if (epochs === 0) return say.beginBoth(...names);
  return say.both(epochs, names[0], right[0]!, names[1], right[1]!);
}

/** Whether the network does more than guess. */
export function isAwake({ trainAccuracy, testAccuracy }: CurvePoint, classes: number): boolean {
  const chance = 1 / classes;
  return (testAccuracy ?? trainAccuracy) > chance + AWAKE * (1 - chance);
}
