/** The view of the experiments: a question, a guess, and what the networks say to it. */

import "./experiments.css";
import { useEffect } from "preact/hooks";
import { ofHundred } from "../lab/numbers.ts";
import { Chart, type Series } from "../training/chart.tsx";
import { namesOf, toldNamesOf } from "../training/pair.tsx";
import { Command } from "../training/command.tsx";
import { commandOf } from "../training/settings.ts";
import { words } from "../words/experiments.ts";
import { words as trainingWords } from "../words/training.ts";
import { EXPERIMENTS, type Experiment, type Outcome } from "./experiments.ts";
import type { Experiments, Result } from "./state.ts";

type Properties = {
  experiments: Experiments;
  /** Go on with the two trainings elsewhere. */
  onTrain: (experiment: Experiment) => void;
};

export function ExperimentsView({ experiments, onTrain }: Properties) {
  const { open, results } = experiments;
  const say = words.value;
  useEffect(() => void experiments.choose(open.peek()), []);
  return (
    <main class="experiments">
      <h1 class="say">{say.lead}</h1>
      <Card experiments={experiments} onTrain={onTrain} />
      <ul>
        {EXPERIMENTS.map((experiment) => {
          const { question, what } = say.texts[experiment.name];
          const result = results.value[experiment.name];
          return (
            <li key={experiment.name}>
              <button
                type="button"
                aria-pressed={open.value === experiment}
                onClick={() => void experiments.choose(experiment)}
              >
                <span>
                  <b>{question}</b>
                  <small>{what}</small>
                </span>
                <Sketch result={result} label={result ? say.done : say.unanswered} />
              </button>
            </li>
          );
        })}
      </ul>
    </main>
  );
}

function Card({ experiments, onTrain }: Properties) {
  const { open, guess, result, trainings } = experiments;
  const { settings, varied, set, written } = trainings;
  const say = words.value;
  const experiment = open.value;
  const text = say.texts[experiment.name];
  const names = namesOf(settings.value, varied.value);
  const isReady = experiments.isReady.value;
  const choices: [Outcome, string][] = [
    ["first", say.better(names[0])],
    ["same", say.same],
    ["second", say.better(names[1])],
  ];
  return (
    <section class="experiment" aria-live="polite">
      <h2>{text.question}</h2>
      <p class="muted">{guess.value ? text.what : say.guessFirst}</p>
      <div class="guesses" role="group" aria-label={say.guessFirst}>
        {choices.map(([outcome, name]) => (
          <button
            key={outcome}
            type="button"
            class={`b ${outcome}`}
            aria-pressed={guess.value === outcome}
            disabled={!isReady || guess.value !== undefined}
            onClick={() => experiments.answer(outcome)}
          >
            {name}
          </button>
        ))}
      </div>
      {isReady && set.value && <Answer experiments={experiments} names={names} />}
      {guess.value && !result.value && <p>{say.trains}</p>}
      {result.value && (
        <Notice
          experiment={experiment}
          result={result.value}
          guess={guess.value}
          names={toldNamesOf(settings.value, varied.value)}
        />
      )}
      <p class="commands">
        <span class="small muted">{say.terminal}</span>{" "}
        <Command text={commandOf(settings.value, varied.value, written.value?.source ?? "")} />
      </p>
      {result.value && (
        <div class="buttons">
          <button type="button" class="b" onClick={() => experiments.again()}>{say.again}</button>
          <button type="button" class="b" onClick={() => onTrain(experiment)}>{say.toTrain}</button>
        </div>
      )}
    </section>
  );
}

/** The test accuracies of both, as they grow; empty before a guess. */
function Answer({ experiments, names }: { experiments: Experiments; names: [string, string] }) {
  const { trainings, guess, result } = experiments;
  const { first, second, set, settings, varied } = trainings;
  const reports = [first.report.value!, second.value!.report.value!];
  const series = reports.map(({ curve }, side): Series => {
    const kept = result.value?.curves[side]?.map((value, epoch): [number, number] => [epoch + 1, value]);
    const now = curve.flatMap(({ epoch, testAccuracy }): [number, number][] =>
      testAccuracy === null ? [] : [[epoch, testAccuracy]],
    );
    return {
      className: side ? "other" : "learn",
      label: names[side]!,
      points: guess.value ? (kept ?? now) : [],
      marks: side ? "diamond" : "circle",
    };
  });
  const at = Math.max(0, ...series.map(({ points }) => points.at(-1)?.[0] ?? 0));
  const { epochs } = { ...settings.value, ...varied.value };
  const chance = 1 / set.value!.classNames.length;
  return (
    <>
      <h3>{trainingWords.value.testAccuracyOfBoth}</h3>
      <Chart series={series} top={1} step={0.25} epochs={epochs} at={at} level={chance} />
    </>
  );
}

type NoticeProperties = {
  experiment: Experiment;
  result: Result;
  guess: Outcome | undefined;
  names: [string, string];
};

function Notice({ experiment, result, guess, names }: NoticeProperties) {
  const say = words.value;
  const [one, other] = result.curves.map((curve) => ofHundred(curve.at(-1)!)) as [number, number];
  const isUsual = result.outcome === experiment.usual;
  return (
    <p class="notice">
      <b>{guess === result.outcome ? say.rightGuess : say.wrongGuess}</b>{" "}
      {say.ends(one, names[0], other, names[1])} <b>{say.notice}</b>{" "}
      {isUsual ? say.texts[experiment.name].notice : say.otherwise}
    </p>
  );
}

/** The two curves in small, or a sign that none are there yet. */
function Sketch({ result, label }: { result: Result | undefined; label: string }) {
  const line = (curve: number[]) =>
    curve.map((value, i) => `${4 + (84 * i) / Math.max(1, curve.length - 1)},${46 - 42 * value}`).join(" ");
  return (
    <svg class="sketch" width="92" height="50" role="img" aria-label={label}>
      {result ? (
        <>
          <polyline class="learn" points={line(result.curves[0])} />
          <polyline class="other" points={line(result.curves[1])} />
        </>
      ) : (
        <text x="46" y="32" class="t5 m mid">?</text>
      )}
    </svg>
  );
}
