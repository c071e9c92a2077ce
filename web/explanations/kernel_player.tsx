/** Slides the window of a convolution over its input, place by place. */

import { useSignal, useSignalEffect } from "@preact/signals";
import type { LookState } from "../lab/look_state.ts";
import { Icon } from "../lab/icons.tsx";
import { words } from "../words/look.ts";

const PLACE_TIME = 160; // milliseconds at the speed 1, as `--t-kernel`
const SPEEDS = [1, 4, 16];

export function KernelPlayer({ state, unit }: { state: LookState; unit: UnitOfMap }) {
  const isPlaying = useSignal(false);
  const speed = useSignal(SPEEDS[0]!);
  const [, rows, columns] = state.structure[state.chosen.value.stepIndex]!.shape as [
    number,
    number,
    number,
  ];
  const place = unit.row * columns + unit.column;
  const count = rows * columns;

  const goTo = (at: number) => {
    const { stepIndex, unit: now } = state.chosen.peek();
    if (now.index !== undefined) return;
    const within = ((at % count) + count) % count;
    const next = {
      channel: now.channel,
      row: Math.floor(within / columns),
      column: within % columns,
    };
    state.choose({ stepIndex, unit: next }, true);
  };
  const goOn = (by: number) => {
    const { unit: now } = state.chosen.peek();
    if (now.index === undefined) goTo(now.row * columns + now.column + by);
  };
  useSignalEffect(() => {
    if (!isPlaying.value) return undefined;
    const timer = setInterval(() => goOn(1), PLACE_TIME / speed.value);
    return () => clearInterval(timer);
  });

  const { slide, pause, first, nextPlace, position, placeOf } = words.value;
  return (
    <div class="player">
      <button type="button" class="b" aria-label={first} title={first} onClick={() => goTo(0)}>
        <Icon name="restart" />
      </button>
      <button
        type="button"
        class="b play"
        onClick={() => {
          isPlaying.value = !isPlaying.value;
        }}
      >
        <Icon name={isPlaying.value ? "pause" : "play"} /> {isPlaying.value ? pause : slide}
      </button>
      <button
        type="button"
        class="b"
        aria-label={nextPlace}
        title={nextPlace}
        onClick={() => goOn(1)}
      >
        <Icon name="step" />
      </button>
      <input
        type="range"
        class="slider"
        aria-label={position}
        min="0"
        max={count - 1}
        value={place}
        onInput={(event) => goTo(Number(event.currentTarget.value))}
      />
      <span class="place">{placeOf(place + 1, count)}</span>
      <button
        type="button"
        class="b"
        aria-label={`${words.value.speed} ${speed.value}×`}
        onClick={() => {
          speed.value = SPEEDS[(SPEEDS.indexOf(speed.value) + 1) % SPEEDS.length]!;
        }}
      >
        {speed.value}×
      </button>
    </div>
  );
}
