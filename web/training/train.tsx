/** The view in which a network learns, or two beside each other. */

import "./training.css";
import { Icon } from "../lab/icons.tsx";
import { fixed } from "../explanations/numbers.ts";
import { count } from "../lab/numbers.ts";
import { language } from "../lab/preferences.ts";
import { diagnosisText } from "../words/diagnosis.ts";
import { words } from "../words/training.ts";
import { Curve } from "./curve.tsx";
import { Fields } from "./fields.tsx";
import { ImageNow } from "./image.tsx";
import { Kernels } from "./kernels.tsx";
import { Layers } from "./layers.tsx";
import { Pair, namesOf, toldNamesOf } from "./pair.tsx";
import type { Report } from "./protocol.ts";
import { WalkThrough } from "./walk.tsx";
import { isAwake, sentenceOf, sentenceOfBoth } from "./sentence.ts";
import type { Trainings } from "./state.ts";

export function Train({ trainings }: { trainings: Trainings }) {
  const { first, second, set, settings, varied } = trainings;
  const [report, other] = [first.report.value, second.value?.report.value];
  const refusal = first.refusal.value ?? second.value?.refusal.value;
  const classes = set.value?.classNames.length ?? 10;
  const names = toldNamesOf(settings.value, varied.value);
  return (
    <main class={`train ${report?.state ?? ""}`}>
      <h1 class="say">
        {first.walked.value && !second.value
          ? words.value.walked(fixed(first.walked.value.lossBefore, 3), fixed(first.walked.value.lossAfter, 3))
          : report && (other ? sentenceOfBoth(report, other, names) : sentenceOf(report, classes))}
      </h1>
      <Bar trainings={trainings} />
      <Fields trainings={trainings} />
      {refusal && <p class="refusal" role="alert"><WithCode text={refusal} /></p>}
      {!refusal && set.value && report && second.value && other && (
        <Pair trainings={trainings} reports={[report, other]} />
      )}
      {!refusal && set.value && report && !second.value && first.walked.value && (
        <WalkThrough trainings={trainings} step={first.walked.value} report={report} />
      )}
      {!refusal && set.value && report && !second.value && !first.walked.value && (
        <div class="shown">
          <section>
            <h2>{words.value.curve}</h2>
            <Curve report={report} epochs={settings.value.epochs} />
          </section>
          <Layers layers={report.layers} />
          <Kernels kernels={report.kernels} />
          <ImageNow trainings={trainings} report={report} />
        </div>
      )}
    </main>
  );
}

function Bar({ trainings }: { trainings: Trainings }) {
  const { first, second, settings, varied } = trainings;
  const both = [first.report.value, second.value?.report.value].filter((one) => one != null);
  const isOn = both.some(({ state }) => state === "training");
  const isOver = both.every(({ state }) => state === "finished");
  const isReady = both.length > 0;
  const say = words.value;
  const names = namesOf(settings.value, varied.value);
  const button = (kind: "step" | "epoch" | "restart") => (
    <button
      type="button"
      class="b"
      disabled={!isReady || (isOver && kind !== "restart")}
      onClick={() => trainings.order({ kind })}
    >
      <Icon name={kind} /> {say[kind]}
    </button>
  );
  return (
    <div class="bar">
      <div class="buttons" role="group" aria-label={say.bar}>
        <button
          type="button"
          class="b learn"
          disabled={!isReady || isOver}
          onClick={() => trainings.order({ kind: isOn ? "pause" : "play" })}
        >
          <Icon name={isOn ? "pause" : "play"} /> {isOn ? say.pause : say.play}
        </button>
        {button("step")}
        {button("epoch")}
        {button("restart")}
        {!second.value && (
          <button
            type="button"
            class="b plain walk"
            disabled={!isReady || isOn || isOver}
            aria-pressed={first.walked.value !== null}
            onClick={() => {
              if (first.walked.value) first.walked.value = null;
              else first.order({ kind: "walk" });
            }}
          >
            {first.walked.value ? say.walkBack : say.walk}
          </button>
        )}
      </div>
      <div class="standings">
        {both.map((report, side) => (
          <Standing
            key={side}
            report={report}
            classes={trainings.set.value?.classNames.length ?? 10}
            name={both.length > 1 ? names[side] : undefined}
          />
        ))}
      </div>
      {both[0] && <Place report={both[0]} epochs={settings.value.epochs} />}
    </div>
  );
}

/** Whether a network learns. */
function Standing({ report, classes, name }: { report: Report; classes: number; name?: string }) {
  const { trainLoss, chance, diagnosis, curve } = report;
  const say = words.value;
  const last = curve.at(-1);
  if (trainLoss === null) return null;
  const learns = last !== undefined && isAwake(last, classes);
  return (
    <p class={`standing ${diagnosis ? "warns" : learns ? "learns" : ""}`}>
      {name !== undefined && <b class="name">{name}</b>}
      {diagnosis ? (
        <WithCode text={diagnosisText(diagnosis, language.value)} />
      ) : (
        <>
          <b>{learns ? say.learning : say.guessing}</b> {say.standing(fixed(trainLoss, 3), fixed(chance, 3))}
        </>
      )}
    </p>
  );
}

/** A sentence in which names stand between backticks. */
function WithCode({ text }: { text: string }) {
  return <>{text.split("`").map((part, i) => (i % 2 ? <code key={i}>{part}</code> : part))}</>;
}

function Place({ report: { epoch, step, examplesPerSecond }, epochs }: { report: Report; epochs: number }) {
  const say = words.value;
  return (
    <p class="place muted">
      {say.at(epoch, epochs, count(step))}
      {examplesPerSecond > 0 && <span>{say.speed(count(Math.round(examplesPerSecond)))}</span>}
    </p>
  );
}
