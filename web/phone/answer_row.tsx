/** The answer in one row, where the stage does not fit: what is seen, what it is, and how sure. */

import { percent } from "../explanations/numbers.ts";
import { Image } from "../stage/image.tsx";
import { classNames } from "../stage/answer.tsx";
import { words } from "../words/look.ts";
import type { LookState } from "../lab/look_state.ts";
import "./answer_row.css";

export function AnswerRow({ state }: { state: LookState }) {
  const { card } = state.network;
  const { seen, decision, probabilities } = state;
  const { index, probability, none, isSure } = decision.value;
  const isNone = none > probability;
  const names = classNames(state);
  const share = isNone ? none : probability;
  const said = isNone ? names[card.classes.length]! : names[index]!;
  return (
    <div class="answer-row" aria-live="polite">
      <div class="thumb">
        <Image image={seen.value.image} shape={card.input_shape} />
      </div>
      <div class="said">
        {seen.value.isBlank ? (
          <p class="muted">{words.value.sayBlank}</p>
        ) : (
          <p>
            <b>{said}</b>
            {words.value.comma}
            {percent(share)} {!isSure && !isNone && <mark>{words.value.unsure}</mark>}
          </p>
        )}
        <div class="share">
          <i
            style={{ width: `${seen.value.isBlank ? 0 : 100 * Math.max(...probabilities.value)}%` }}
          />
          <u style={{ left: `${100 * card.calibration.threshold}%` }} />
        </div>
      </div>
    </div>
  );
}
