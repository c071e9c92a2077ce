/** The paper: draw with mouse, finger, pen or keys; a tap draws a dot. */

import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { palette } from "../stage/palette.ts";
import { type Drawing, Sheet } from "./drawing.ts";
import "./drawing.css";

const THICKNESS = 0.065; // of a stroke, in shares of the paper
const ERASER = 2.2; // times as thick
const KEY_STEP = 1 / 28;

/** Where the keyboard's pen is, while it is used. */
type KeyPen = { x: number; y: number; isDown: boolean } | null;

type Props = {
  drawing: Drawing;
  erases: Signal<boolean>;
  /** A picture that lies on the paper until something is drawn. */
  children?: preact.ComponentChildren;
  /** A stroke begins. */
  onBegin: () => void;
  label: string;
  how: string;
};

export function Paper({ drawing, erases, children, onBegin, label, how }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const sheet = useRef<Sheet>(null);
  const keys = useSignal<KeyPen>(null);
  const pointer = useRef(-1);

  const side = useSignal(0);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      side.value = Math.round(entry!.contentRect.width * devicePixelRatio);
    });
    observer.observe(canvas.current!);
    return () => observer.disconnect();
  }, []);
  useSignalEffect(() => {
    drawing.version.value;
    const { ink } = palette.value;
    if (!side.value) return;
    if (sheet.current?.side !== side.value || sheet.current.ink !== ink) {
      sheet.current = new Sheet(side.value, ink);
    }
    show(canvas.current!, sheet.current, drawing, keys.value);
  });

  const width = () => (erases.value ? ERASER : 1) * THICKNESS;
  const pointOf = ({ clientX, clientY, pressure, pointerType }: PointerEvent): Point => {
    const { left, top, width: side, height } = canvas.current!.getBoundingClientRect();
    const press = pointerType === "pen" && pressure ? 0.4 + 1.2 * pressure : 1;
    return [(clientX - left) / side, (clientY - top) / height, press * width()];
  };
  const begin = (point: Point) => {
    onBegin();
    drawing.begin(point, erases.value);
  };

  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0 || !event.isPrimary) return;
    canvas.current!.setPointerCapture(event.pointerId);
    pointer.current = event.pointerId;
    keys.value = null;
    begin(pointOf(event));
    event.preventDefault();
    canvas.current!.focus({ preventScroll: true, focusVisible: false } as FocusOptions);
  };
  const onPointerMove = (event: PointerEvent) => {
    if (event.pointerId !== pointer.current) return;
    const between = event.getCoalescedEvents?.() ?? [];
    for (const one of between.length ? between : [event]) drawing.extend(pointOf(one));
  };
  const onPointerEnd = () => {
    pointer.current = -1;
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const pen = keys.value ?? { x: 0.5, y: 0.5, isDown: false };
    const move = moves[event.key];
    if (move) {
      const clamp = (at: number) => Math.min(1, Math.max(0, at));
      const [x, y] = [clamp(pen.x + move[0] * KEY_STEP), clamp(pen.y + move[1] * KEY_STEP)];
      keys.value = { ...pen, x, y };
      if (pen.isDown) drawing.extend([x, y, width()]);
    } else if (event.key === " ") {
      keys.value = { ...pen, isDown: !pen.isDown };
      if (!pen.isDown) begin([pen.x, pen.y, width()]);
    } else {
      return;
    }
    event.preventDefault();
  };

  return (
    <div class="paper">
      {children}
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label={`${label}. ${how}`}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerEnd}
        onPointerCancel={onPointerEnd}
        onKeyDown={onKeyDown}
        onBlur={() => {
          keys.value = null;
        }}
      />
    </div>
  );
}

/** Show the drawing in the ink of the theme, as sharp as the screen is. */
function show(canvas: HTMLCanvasElement, sheet: Sheet, drawing: Drawing, keys: KeyPen) {
  const { side, ink } = sheet;
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const pen = canvas.getContext("2d")!;
  pen.clearRect(0, 0, side, side);
  pen.drawImage(sheet.paint(drawing), 0, 0);
  if (!keys) return;
  pen.beginPath();
  pen.arc(keys.x * side, keys.y * side, (THICKNESS * side) / 1.6, 0, 2 * Math.PI);
  pen.lineWidth = 2 * devicePixelRatio;
  pen.strokeStyle = pen.fillStyle = ink;
  pen.stroke();
  if (keys.isDown) pen.fill();
}
