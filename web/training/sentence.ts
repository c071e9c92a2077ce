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
  const asleep = ends.findIndex((point) => isAwake(point, classes));
  if (asleep < 0) return say.stands(ends.length);
  if (last.trainAccuracy - test > BY_HEART) {
    return say.overfits(ofHundred(last.trainAccuracy), ofHundred(test));
  }
  const right = ofHundred(test);
  return asleep > 0 ? say.woke(asleep, right) : say.learns(ends.length, right);
}

/** Whether the network does more than guess. */
export function isAwake({ trainAccuracy, testAccuracy }: CurvePoint, classes: number): boolean {
  const chance = 1 / classes;
  return (testAccuracy ?? trainAccuracy) > chance + AWAKE * (1 - chance);
}
