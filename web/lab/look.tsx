/** The view of one network: paper, stage and answer, and below them the reason. */

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { Drawer } from "../explanations/drawer.tsx";
import { Stage } from "../stage/stage.tsx";
import { Say } from "../words/say.tsx";
import { AnswerRow } from "../phone/answer_row.tsx";
import { LookState } from "./look_state.ts";
import { Phone } from "../phone/phone.tsx";
import { sentenceOf } from "./sentence.ts";
import "./look.css";

const PHONE_WIDTH = 600;
const PROJECTOR_WIDTH = 1600;
const LEAST_UNIT = 0.79; // of a grid's unit; on narrower pages the stage is moved sideways
const GRID_WIDTH = 1232;
const GRID_HEIGHT = 396;
const PANEL_HEIGHT = 160;
const OTHER_HEIGHT = 62; // in pixels: the trail, and what is between the parts

type Props = { network: Network; examples: Example[] };

export function Look({ network, examples }: Props) {
  const state = useMemo(() => new LookState(network, examples), [network, examples]);
  const root = useRef<HTMLDivElement>(null);
  const { size, isNarrow } = useSizes(root);

  useEffect(() => state.follow(), [state]);
  useEffect(() => {
    const listen = (event: KeyboardEvent) => pressKey(state, event);
    document.addEventListener("keydown", listen); // whatever was chosen last may be gone by now
    return () => document.removeEventListener("keydown", listen);
  }, [state]);

  if (size === "phone") {
    return (
      <div class="look" ref={root} data-size={size}>
        <Phone state={state} />
      </div>
    );
  }
  return (
    <div class="look" ref={root} data-size={size}>
      <Sentence state={state} />
      {isNarrow && <AnswerRow state={state} />}
      <div class="stage-place">
        <Stage state={state} />
      </div>
      <Drawer state={state} />
    </div>
  );
}

function Sentence({ state }: { state: LookState }) {
  return (
    <h1 class="say" aria-live="polite">
      <Say text={sentenceOf(state)} />
    </h1>
  );
}

/** Fit the grid into the view: as wide as it is, unless it is too low. */
function useSizes(root: RefObject<HTMLDivElement | null>) {
  const size = useSignal(sizeOf(innerWidth));
  const isNarrow = useSignal(false); // so that the stage is moved sideways
  useLayoutEffect(() => {
    const element = root.current!;
    const sentence = element.querySelector(".say");
    const fit = () => {
      const { clientWidth: width, clientHeight: height } = element;
      const edge = Number.parseFloat(getComputedStyle(element).getPropertyValue("--edge"));
      const others = (sentence?.clientHeight ?? 0) + OTHER_HEIGHT;
      const unit = Math.min(
        (width - 2 * edge) / GRID_WIDTH,
        (height - others) / (GRID_HEIGHT + PANEL_HEIGHT),
      );
      element.style.setProperty("--unit", `${Math.max(LEAST_UNIT, unit)}px`);
      size.value = sizeOf(width);
      isNarrow.value = width < LEAST_UNIT * GRID_WIDTH;
    };
    const observer = new ResizeObserver(fit);
    observer.observe(element);
    if (sentence) observer.observe(sentence); // it grows for a projector
    return () => observer.disconnect();
  }, [size.value]);
  return { size: size.value, isNarrow: isNarrow.value };
}

/** Which of the tokens' sizes a width is for; the middle one is theirs by itself. */
function sizeOf(width: number): "phone" | "laptop" | "projector" {
  if (width < PHONE_WIDTH) return "phone";
  return width < PROJECTOR_WIDTH ? "laptop" : "projector";
}

/** Backspace goes back along the trail, Escape to the answer, R turns maps and their copies. */
function pressKey(state: LookState, event: KeyboardEvent) {
  const { key, ctrlKey, metaKey, altKey } = event;
  const isWriting = (event.target as Element).matches("input:not([type=range]), textarea, select");
  if (ctrlKey || metaKey || altKey || isWriting) return;
  if (key === "Backspace") {
    state.back();
  } else if (key === "Escape") {
    state.letGo();
  } else if (key.toLowerCase() === "r") {
    state.activationsInFront.value = !state.activationsInFront.value;
  } else {
    return;
  }
  event.preventDefault();
}
