/** One step, walked through: forward, loss, backward, update, and the loss afterwards. */

import { useSignal } from "@preact/signals";
import { Icon } from "../lab/icons.tsx";
import { fixed } from "../explanations/numbers.ts";
import { count, short } from "../lab/numbers.ts";
import { colourOf, palette, signedScale } from "../stage/palette.ts";
import { Picture, Tile } from "../lab/tile.tsx";
import { nameOfClass } from "../words/classes.ts";
import { words } from "../words/training.ts";
import { Meter, along, axisOfGradients } from "./layers.tsx";
import { rootMeanSquare } from "./root_mean_square.ts";
import type { Report, WalkedStep } from "./protocol.ts";
import type { Trainings } from "./state.ts";

const MOST_IMAGES = 16;
const MOST_SIDE = 7; // of a kernel whose numbers have room

type Properties = { trainings: Trainings; step: WalkedStep; report: Report };

export function WalkThrough({ trainings, step, report }: Properties) {
  const say = words.value;
  return (
    <div class="walked">
      <Forward trainings={trainings} step={step} />
      <Backward step={step} report={report} />
      <Update trainings={trainings} step={step} report={report} />
      <Again step={step} />
      <button type="button" class="b learn" onClick={() => makeStep(trainings)}>
        <Icon name="step" /> {say.nextStep}
      </button>
    </div>
  );
}

function makeStep({ first }: Trainings) {
  first.order({ kind: "step" });
  first.order({ kind: "walk" });
}

function Forward({ trainings, step: { images, labels, lossBefore } }: Omit<Properties, "report">) {
  const set = trainings.set.value!;
  const say = words.value;
  const size = set.shape.reduce((product, side) => product * side, 1);
  const shown = Math.min(labels.length, MOST_IMAGES);
  return (
    <section>
      <h2><i class="place">1</i> {say.walkForward}</h2>
      <p class="small muted">{say.ofImages(shown, labels.length)}</p>
      <div class="batch">
        {Array.from({ length: shown }, (_, index) => (
          <figure key={index}>
            <Picture
              pixels={images.subarray(index * size, (index + 1) * size)}
              shape={set.shape}
              label={nameOfClass(set.classNames[labels[index]!]!)}
            />
            <figcaption>{nameOfClass(set.classNames[labels[index]!]!)}</figcaption>
          </figure>
        ))}
      </div>
      <p>{say.lossOf} <b class="large">{fixed(lossBefore, 3)}</b></p>
    </section>
  );
}

/** The sizes of the gradients, from the loss back to the pixels. */
function Backward({ step, report }: Omit<Properties, "trainings">) {
  const say = words.value;
  const layers = report.layers.map((layer) => {
    const found = step.parameters.find(({ name }) => name === `${layer.name}.weight`);
    return { ...layer, gradient: rootMeanSquare(found?.gradients ?? new Float32Array(1)) };
  });
  const axis = axisOfGradients(layers);
  return (
    <section>
      <h2 class="learn"><i class="place">2</i> {say.walkBackward}</h2>
      <table class="by-layer">
        <caption class="small">{say.gradientOf}</caption>
        <colgroup><col class="of-names" /><col /><col class="of-numbers" /></colgroup>
        <tbody>
          {layers.reverse().map(({ name, title, gradient }) => (
            <tr key={name}>
              <th scope="row">{name} {title}</th>
              <td><Meter className="learn" share={along(axis, gradient)} /></td>
              <td class="number">{short(gradient)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** One kernel in numbers: before, its gradient, and what becomes of it. */
function Update({ trainings, step, report }: Properties) {
  const say = words.value;
  const { kernels } = report;
  const [filters = 1, channels = 1, rows = 1, columns = 1] = kernels.shape;
  const kernel = useSignal(0);
  const place = useSignal(0);
  const { weights, gradients, change } = step.parameters.find(
    ({ name }) => name === `${kernels.name}.weight`,
  )!;
  const size = channels * rows * columns;
  const start = kernel.value * size;
  const take = (numbers: Float32Array) => numbers.subarray(start, start + rows * columns);
  const [before, slope, moved] = [weights, gradients, change].map(take) as [Float32Array, Float32Array, Float32Array];
  const after = before.map((weight, index) => weight + moved[index]!);
  const { optimiser, learning_rate: rate, momentum, weight_decay: decay } = trainings.settings.value;
  const isPlain = optimiser === "sgd" && !momentum && !decay;
  const [weight, gradient] = [before[place.value]!, slope[place.value]!];
  const name = `${kernels.name} ${kernels.title}`;
  const isSmall = columns <= MOST_SIDE;
  const grid = (numbers: Float32Array, title: string) => (
    <Numbers title={title} numbers={numbers} columns={columns} place={place} isSmall={isSmall} />
  );
  return (
    <section class="update">
      <h2 class="learn"><i class="place">3</i> {say.walkUpdate}</h2>
      <div class="equation">
        {grid(before, (isSmall ? say.kernelBefore : say.unitBefore)(name, kernel.value + 1))}
        <span>{isPlain ? `− ${rate} ×` : "+"}</span>
        {isPlain ? grid(slope, say.gradient) : grid(moved, say.change)}
        <span>=</span>
        {grid(after, say.after)}
      </div>
      <p class="told">
        <span>
          {isPlain
            ? `${fixed(weight, 4)} − ${rate} × ${signed(gradient)} = `
            : `${fixed(weight, 4)} + ${signed(moved[place.value]!)} = `}
          <b>{fixed(after[place.value]!, 4)}</b>
        </span>
        <span class="muted">
          {say.rowColumn(Math.floor(place.value / columns) + 1, (place.value % columns) + 1)}
        </span>
      </p>
      <div class="pair">
        {[-1, 1].map((by) => (
          <button
            key={by}
            type="button"
            class="b"
            aria-label={by < 0 ? say.previousKernel : say.nextKernel}
            onClick={() => (kernel.value = (kernel.value + by + filters) % filters)}
          >
            <Icon name={by < 0 ? "previous" : "next"} />
          </button>
        ))}
      </div>
    </section>
  );
}

type NumbersProperties = {
  title: string;
  numbers: Float32Array;
  columns: number;
  place: { value: number };
  isSmall: boolean;
};

/** Numbers on tiles of their colours; as a picture where they would have no room. */
function Numbers({ title, numbers, columns, place, isSmall }: NumbersProperties) {
  const scale = Math.max(...numbers.map(Math.abs)) || 1;
  const rows = Array.from({ length: numbers.length / columns }, (_, row) => row);
  if (!isSmall) {
    return (
      <figure class="picture">
        <figcaption>{title}</figcaption>
        <Tile values={numbers} width={columns} scale={scale} label={title} />
      </figure>
    );
  }
  return (
    <table class="numbers">
      <caption>{title}</caption>
      <tbody>
        {rows.map((row) => (
          <tr key={row}>
            {Array.from({ length: columns }, (_, column) => {
              const index = row * columns + column;
              const { fill, ink } = colourOf(numbers[index]!, signedScale(palette.value, scale));
              return (
                <td
                  key={column}
                  class={index === place.value ? "chosen" : ""}
                  style={{ background: fill, color: ink }}
                  onPointerEnter={() => (place.value = index)}
                  onClick={() => (place.value = index)}
                >
                  {fixed(numbers[index]!, 3)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Again({ step: { lossBefore, lossAfter, parameters } }: { step: WalkedStep }) {
  const say = words.value;
  const numbers = parameters.reduce((sum, { weights }) => sum + weights.length, 0);
  const most = Math.max(lossBefore, lossAfter);
  return (
    <section>
      <h2><i class="place">4</i> {say.walkAgain}</h2>
      <table class="classes losses">
        <tbody>
          <tr>
            <th scope="row">{say.before}</th>
            <td><Meter share={lossBefore / most} /></td>
            <td class="number"><b>{fixed(lossBefore, 3)}</b></td>
          </tr>
          <tr class="learn">
            <th scope="row">{say.after}</th>
            <td><Meter className="learn" share={lossAfter / most} /></td>
            <td class="number"><b>{fixed(lossAfter, 3)}</b></td>
          </tr>
        </tbody>
      </table>
      <p class="muted">{lossAfter < lossBefore ? say.moved(count(numbers)) : say.strayed}</p>
    </section>
  );
}

/** In an equation a negative number stands in parentheses. */
function signed(value: number): string {
  const text = fixed(value, 5);
  return value < 0 ? `(${text})` : text;
}
