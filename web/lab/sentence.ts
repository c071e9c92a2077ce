/** The one sentence on top of the view: what there is to see now. */

import { nameOfClass } from "../explanations/names.ts";
import { percent } from "../explanations/numbers.ts";
import { words } from "../words/look.ts";
import type { LookState } from "./look_state.ts";

export function sentenceOf(state: LookState): string {
  if (state.picked.value && !isAnswer(state)) return aboutNumber(state);
  if (state.seen.value.isBlank) return words.value.sayBlank;
  const { card } = state.network;
  const { index, probability, none, isSure, isFar } = state.decision.value;
  const name = (at: number, isBold = false) =>
    words.value.sayOfClass(nameOfClass(card, at), isBold);
  const said = percent(probability);
  if (isSure) {
    const { sayAnswer, saySure } = words.value;
    return (card.calibration.threshold > 0 ? saySure : sayAnswer)(nameOfClass(card, index), said);
  }
  if (isFar) return words.value.sayFar(name(index, true), said);
  if (none > probability) return words.value.sayNone(percent(none), name(index));
  const order = [...state.probabilities.value.keys()].sort(
    (one, other) => state.probabilities.value[other]! - state.probabilities.value[one]!,
  );
  const second = order.find((at) => at !== index) ?? index;
  return words.value.sayUnsure(name(index, true), said, name(second));
}

/** Whether the score of the answer is chosen, as it is at first. */
function isAnswer({ chosen, columns, decision }: LookState): boolean {
  const { stepIndex, unit } = chosen.value;
  return stepIndex === columns.at(-1)!.front && unit.index === decision.value.index;
}

function aboutNumber(state: LookState): string {
  const equation = state.equation.value;
  if (!equation) return words.value.sayPixel;
  const { unit, kind, count, windows } = equation;
  if (unit.index !== undefined) {
    const { place } = state.columnOfChosen.value;
    if (place < state.columns.length - 1) return words.value.sayUnit(unit.index + 1, count);
    return words.value.sayScore(nameOfClass(state.network.card, unit.index), count);
  }
  const map = unit.channel + 1;
  if (kind === "convolution" && state.columnOfChosen.value.place === 1) {
    return words.value.sayPixels(map, count);
  }
  if (kind === "convolution") {
    const each = windows[0]?.weights.length ?? 0;
    if (windows.length === 1) return words.value.sayMap(map, each);
    return words.value.sayMaps(map, windows.length, each, count);
  }
  if (kind.endsWith("pooling")) {
    const { method } = state.structure[equation.stepIndex]!.layer as AnyPooling;
    return method === "max" ? words.value.sayLargest(map, count) : words.value.sayMean(map, count);
  }
  return words.value.sayNumber;
}
