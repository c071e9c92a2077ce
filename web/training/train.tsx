/** The view in which a network learns. */

import "./training.css";
import { Icon } from "../lab/icons.tsx";
import { count, fixed } from "../lab/numbers.ts";
import { words } from "../words/training.ts";
import { Curve } from "./curve.tsx";
import { Fields } from "./fields.tsx";
import { ImageNow } from "./image.tsx";
import { Kernels } from "./kernels.tsx";
import { Layers } from "./layers.tsx";
import type { Report } from "./protocol.ts";
import { isAwake, sentenceOf } from "./sentence.ts";
import type { Training } from "./state.ts";

export function Train({ training }: { training: Training }) {
  const { report: told, set, refusal } = training;
  const report = told.value;
  const classes = set.value?.classNames.length ?? 10;
  return (
    <main class={`train ${report?.state ?? ""}`}>
      <h1 class="say">{report ? sentenceOf(report, classes) : " "}</h1>
      <Bar training={training} />
      <Fields training={training} />
      {refusal.value && <p class="refusal" role="alert">{refusal.value}</p>}
      {report && set.value && (
        <div class="shown">
          <section>
            <h2>{words.value.curve}</h2>
            <Curve report={report} epochs={training.settings.value.epochs} />
          </section>
          <Layers layers={report.layers} />
          <Kernels kernels={report.kernels} />
          <ImageNow training={training} report={report} />
        </div>
      )}
    </main>
  );
}

function Bar({ training }: { training: Training }) {
  const report = training.report.value;
  const isOn = report?.state === "training";
  const isOver = report?.state === "finished";
  const say = words.value;
  const button = (kind: "step" | "epoch" | "restart") => (
    <button
      type="button"
      class="b"
      disabled={!report || (isOver && kind !== "restart")}
      onClick={() => training.order({ kind })}
    >
      <Icon name={kind} /> {say[kind]}
    </button>
  );
  return (
    <div class="bar" role="toolbar" aria-label={say.bar}>
      <button
        type="button"
        class="b learn"
        disabled={!report || isOver}
        onClick={() => training.order({ kind: isOn ? "pause" : "play" })}
      >
        <Icon name={isOn ? "pause" : "play"} /> {isOn ? say.pause : say.play}
      </button>
      {button("step")}
      {button("epoch")}
      {button("restart")}
      {report && <Standing training={training} report={report} />}
    </div>
  );
}

/** Whether it learns, and how far it has come. */
function Standing({ training, report }: { training: Training; report: Report }) {
  const { trainLoss, chance, diagnosis, curve, epoch, step, examplesPerSecond } = report;
  const say = words.value;
  const last = curve.at(-1);
  const learns = last && isAwake(last, training.set.value!.classNames.length);
  const judged = diagnosis ? say.notLearning : learns ? say.learning : say.guessing;
  return (
    <>
      {trainLoss !== null && (
        <p class={`standing ${diagnosis ? "warns" : learns ? "learns" : ""}`} role="status">
          <b>{judged}</b> {say.standing(fixed(trainLoss, 3), fixed(chance, 3))}
        </p>
      )}
      <p class="place muted">
        {say.at(epoch, training.settings.value.epochs, count(step))}
        {examplesPerSecond > 0 && <span>{say.speed(count(Math.round(examplesPerSecond)))}</span>}
      </p>
    </>
  );
}
