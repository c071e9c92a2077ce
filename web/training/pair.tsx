/** Two trainings on the same images, that differ in some settings. */

import { fixed } from "../explanations/numbers.ts";
import { percent, short } from "../lab/numbers.ts";
import { Tile } from "../lab/tile.tsx";
import { nameOfClass } from "../words/classes.ts";
import { labelOf, words } from "../words/training.ts";
import { Chart, type Series } from "./chart.tsx";
import { ExampleImage } from "./image.tsx";
import { kernelOf } from "./kernels.tsx";
import { Meter, along, axisOfGradients } from "./layers.tsx";
import type { Report, Settings } from "./protocol.ts";
import { textOf } from "./settings.ts";
import type { Trainings } from "./state.ts";

const MOST_KERNELS = 6;
const SIDES = ["learn", "other"] as const;

/** The reports of the first and the second. */
type Both = [Report, Report];

/** What tells the two apart: their values of what differs. */
export function namesOf(settings: Settings, varied: Partial<Settings>): [string, string] {
  const names = Object.keys(varied) as (keyof Settings)[];
  const name = (of: Partial<Settings>) => names.map((one) => textOf(of[one])).join(" · ");
  return [name(settings), name({ ...settings, ...varied })];
}

/** The same in a sentence: the first with the names of the settings. */
export function toldNamesOf(settings: Settings, varied: Partial<Settings>): [string, string] {
  const labels = Object.keys(varied).map((name) => labelOf(name as keyof Settings));
  const [first, second] = namesOf(settings, varied);
  return [`${labels.join(" · ")} ${first}`, second];
}

export function Pair({ trainings, reports }: { trainings: Trainings; reports: Both }) {
  const names = namesOf(trainings.settings.value, trainings.varied.value);
  return (
    <div class="shown">
      <section>
        <h2>{words.value.testAccuracyOfBoth}</h2>
        <Accuracies trainings={trainings} reports={reports} names={names} />
      </section>
      <Gradients reports={reports} />
      <KernelsOfBoth reports={reports} names={names} />
      <SameImage trainings={trainings} reports={reports} />
    </div>
  );
}

type Named = { reports: Both; names: [string, string] };

function Accuracies({ trainings, reports, names }: { trainings: Trainings } & Named) {
  const series = reports.map(({ curve }, side): Series => {
    const points = curve.flatMap(({ epoch, testAccuracy }): [number, number][] =>
      testAccuracy === null ? [] : [[epoch, testAccuracy]],
    );
    return { className: SIDES[side]!, label: names[side]!, points, marks: side ? "diamond" : "circle" };
  });
  const { epochs } = { ...trainings.settings.value, ...trainings.varied.value };
  const at = Math.max(...reports.map(({ curve }) => curve.at(-1)?.epoch ?? 0));
  const chance = 1 / trainings.set.value!.classNames.length;
  return <Chart series={series} top={1} step={0.25} epochs={epochs} at={at} level={chance} />;
}

function Gradients({ reports }: { reports: Both }) {
  const [first, second] = reports.map(({ layers }) => layers) as [Report["layers"], Report["layers"]];
  const axis = axisOfGradients([...first, ...second]);
  const rows = first.length >= second.length ? first : second;
  return (
    <table class="by-layer both">
      <caption>{words.value.gradientsOfBoth}</caption>
      <colgroup>
        <col class="of-names" />
        <col />
        <col class="of-numbers" />
      </colgroup>
      <tbody>
        {rows.map(({ name, title }, row) => (
          <tr key={name}>
            <th scope="row">{name} {title}</th>
            <td>
              {[first[row], second[row]].map((layer, side) => (
                <Meter key={side} share={layer ? along(axis, layer.gradient) : 0} className={SIDES[side]} />
              ))}
            </td>
            <td class="number">
              {[first[row], second[row]].map((layer, side) => (
                <div key={side} class={SIDES[side]}>{layer ? short(layer.gradient) : "–"}</div>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function KernelsOfBoth({ reports, names }: Named) {
  const say = words.value;
  const scale = Math.max(...reports.flatMap(({ kernels }) =>
    kernels.moments.flatMap(({ weights }) => Array.from(weights.subarray(0, 500), Math.abs))));
  const { name, title } = reports[0].kernels;
  return (
    <section class="kernels both">
      <h2>{say.kernelsOfBoth(`${name} ${title}`)}</h2>
      {reports.map(({ kernels: { shape, moments } }, side) => {
        const [start, now] = [moments[0]!.weights, moments.at(-1)!.weights];
        const moved = start.reduce((sum, weight, i) => sum + Math.abs(now[i]! - weight), 0) / start.length;
        const shown = Math.min(shape[0]!, MOST_KERNELS);
        return (
          <div key={side} class={SIDES[side]}>
            <h3>{names[side]}</h3>
            {[start, now].map((weights, when) => (
              <div key={when} class="row">
                <span>{when ? say.now : say.start}</span>
                {Array.from({ length: shown }, (_, index) => (
                  <Tile
                    key={index}
                    values={kernelOf(weights, index, shape)}
                    width={shape[3]!}
                    scale={scale}
                    label={say.kernelAlternative(index + 1, when ? say.now : say.start)}
                  />
                ))}
              </div>
            ))}
            <p>{say.movedBy} <b>{fixed(moved, 4)}</b> {say.onAverage}</p>
          </div>
        );
      })}
    </section>
  );
}

function SameImage({ trainings, reports }: { trainings: Trainings; reports: Both }) {
  const set = trainings.set.value!;
  const truth = set.test.labels[trainings.example.value];
  return (
    <section class="image-now">
      <h2>{words.value.imageInBoth}</h2>
      <ExampleImage trainings={trainings} />
      <table class="classes both">
        <tbody>
          {set.classNames.map((name, index) => (
            <tr key={name} class={index === truth ? "chosen" : ""}>
              <th scope="row">{nameOfClass(name)}</th>
              <td>
                {reports.map(({ probabilities }, side) => (
                  <Meter key={side} share={probabilities[index]!} className={SIDES[side]} />
                ))}
              </td>
              <td class="number">
                {reports.map(({ probabilities }, side) => (
                  <div key={side} class={SIDES[side]}>{percent(probabilities[index]!)}</div>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
