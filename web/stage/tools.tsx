/** Below the paper: undo, redo, eraser, clear, and some test images. */

import type { LookState } from "../lab/look_state.ts";
import { nameOfClass } from "../words/classes.ts";
import { words } from "../words/look.ts";
import { Icon } from "../lab/icons.tsx";
import { Image } from "./image.tsx";

const SHOWN = 5; // test images at a time

export function Tools({ state }: { state: LookState }) {
  const { drawing, erases, example, examples, network } = state;
  drawing.version.value;
  const first = state.firstExample.value;
  return (
    <div class="tools" onClick={(event) => event.stopPropagation()}>
      <div class="row">
        <button
          type="button"
          class="b"
          aria-label={words.value.undo}
          title={words.value.undo}
          disabled={!drawing.canUndo.value && !example.value}
          onClick={() => state.undo()}
        >
          <Icon name="undo" />
        </button>
        <button
          type="button"
          class="b"
          aria-label={words.value.redo}
          title={words.value.redo}
          disabled={!drawing.canRedo.value}
          onClick={() => state.redo()}
        >
          <Icon name="redo" />
        </button>
        <button
          type="button"
          class="b"
          aria-label={words.value.eraser}
          title={words.value.eraser}
          aria-pressed={erases.value}
          onClick={() => {
            erases.value = !erases.value;
          }}
        >
          <Icon name="eraser" />
        </button>
        <button type="button" class="b" onClick={() => state.clear()}>
          {words.value.clear}
        </button>
      </div>
      {examples.length > 0 && (
        <>
          <p>{words.value.orExample}</p>
          <div class="row">
            {examples.slice(first, first + SHOWN).map((one) => (
              <button
                type="button"
                key={examples.indexOf(one)}
                class="example"
                aria-label={words.value.example(
                  nameOfClass(network.card.class_names[one.label]!),
                )}
                aria-pressed={one === example.value}
                onClick={() => state.lay(one)}
              >
                <Image image={one.image} shape={network.card.input_shape} />
              </button>
            ))}
            <button
              type="button"
              class="b plain more"
              aria-label={words.value.moreExamples}
              title={words.value.moreExamples}
              onClick={() => state.offerMore(SHOWN)}
            >
              <Icon name="more" />
            </button>
          </div>
        </>
      )}
    </div>
  );
}
