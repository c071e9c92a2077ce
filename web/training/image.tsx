/** One test image, and what the network says to it now. */

import { percent } from "../lab/numbers.ts";
import { Icon } from "../lab/icons.tsx";
import { Picture } from "../lab/tile.tsx";
import { nameOfClass } from "../words/classes.ts";
import { words } from "../words/training.ts";
import { Meter } from "./layers.tsx";
import type { Report } from "./protocol.ts";
import type { Trainings } from "./state.ts";

export function ImageNow({ trainings, report }: { trainings: Trainings; report: Report }) {
  const { probabilities } = report;
  const likeliest = probabilities.indexOf(Math.max(...probabilities));
  return (
    <section class="image-now">
      <h2>{words.value.image}</h2>
      <ExampleImage trainings={trainings} />
      <table class="classes">
        <tbody>
          {trainings.set.value!.classNames.map((name, index) => (
            <tr key={name} class={index === likeliest ? "chosen" : ""}>
              <th scope="row">{nameOfClass(name)}</th>
              <td><Meter share={probabilities[index]!} /></td>
              <td class="number">{percent(probabilities[index]!)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The image that is looked at, what it is, and the way to others. */
export function ExampleImage({ trainings: { set: sets, example, pixels } }: { trainings: Trainings }) {
  const set = sets.value!;
  const say = words.value;
  const count = set.test.labels.length;
  const number = say.testImage(example.value + 1);
  const step = (by: number) => () => {
    example.value = (example.value + by + count) % count;
  };
  return (
    <div class="seen">
      <Picture pixels={pixels.value} shape={set.shape} label={number} />
      <p class="small muted">{number}</p>
      <p class="small"><b>{say.truth(nameOfClass(set.classNames[set.test.labels[example.value]!]!))}</b></p>
      <div class="pair">
        <button type="button" class="b" onClick={step(-1)} aria-label={say.previous}>
          <Icon name="previous" />
        </button>
        <button type="button" class="b" onClick={step(1)} aria-label={say.next}>
          <Icon name="next" />
        </button>
      </div>
    </div>
  );
}
