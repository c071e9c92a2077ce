/** One test image, and what the network says to it now. */

import { percent } from "../lab/numbers.ts";
import { Icon } from "../lab/icons.tsx";
import { Tile } from "../lab/tile.tsx";
import { words } from "../words/training.ts";
import type { Report, TrainingSet } from "./protocol.ts";
import type { Training } from "./state.ts";

export function ImageNow({ training, report }: { training: Training; report: Report }) {
  const set = training.set.value!;
  const { example } = training;
  const count = set.test.labels.length;
  const truth = set.test.labels[example.value]!;
  const likeliest = report.probabilities.indexOf(Math.max(...report.probabilities));
  const step = (by: number) => () => {
    example.value = (example.value + by + count) % count;
  };
  return (
    <section class="image-now">
      <h2>{words.value.image}</h2>
      <div class="seen">
        <Tile
          values={Array.from(greyOf(training.pixels.value, set), (value) => value / 255)}
          width={set.shape[2]}
          scale="amount"
          label={words.value.testImage(example.value + 1)}
        />
        <p class="small muted">{words.value.testImage(example.value + 1)}</p>
        <p class="small"><b>{words.value.truth(set.classNames[truth]!)}</b></p>
        <div class="pair">
          <button type="button" class="b" onClick={step(-1)} aria-label={words.value.previous}>
            <Icon name="previous" />
          </button>
          <button type="button" class="b" onClick={step(1)} aria-label={words.value.next}>
            <Icon name="next" />
          </button>
        </div>
      </div>
      <table class="classes">
        <tbody>
          {set.classNames.map((name, index) => (
            <tr key={name} class={index === likeliest ? "chosen" : ""}>
              <th scope="row">{name}</th>
              <td class="meter"><i class="bar" style={{ width: `${100 * report.probabilities[index]!}%` }} /></td>
              <td class="number">{percent(report.probabilities[index]!)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The mean of the channels. */
function greyOf(pixels: Uint8Array, { shape: [channels, height, width] }: TrainingSet): Float32Array {
  const size = height * width;
  return Float32Array.from({ length: size }, (_, place) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += pixels[channel * size + place]!;
    return sum / channels;
  });
}
