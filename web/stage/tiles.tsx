/** The tiles of all layers, on one canvas: an answer is to be seen at once. */

import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { asDrawable, imageAsPixels, numbersAsImage } from "../../src/lenet/playground/canvas.js";
import type { LookState } from "../lab/look_state.ts";
import { kernelsOf } from "./flow.ts";
import { type Box, type ColumnLayout, type Layout, WIDTH } from "./layout.ts";
import { amountScale, colourOf, limitOf, palette, signedScale } from "./palette.ts";

const BEHIND = 0.5; // of the strength, for copies that recede

export function Tiles({ state, layout }: { state: LookState; layout: Layout }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const side = useSignal([0, 0]);

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      side.value = [width, height].map((size) => Math.round(size * devicePixelRatio));
    });
    observer.observe(canvas.current!);
    return () => observer.disconnect();
  }, []);

  useSignalEffect(() => {
    const [width, height] = side.value as [number, number];
    if (!width) return;
    const element = canvas.current!;
    if (element.width !== width) element.width = width;
    if (element.height !== height) element.height = height;
    paint(element.getContext("2d")!, width / WIDTH, state, layout);
  });

  return <canvas ref={canvas} aria-hidden="true" />;
}

type Pen2D = CanvasRenderingContext2D;

function paint(pen: Pen2D, scale: number, state: LookState, layout: Layout) {
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, pen.canvas.width, pen.canvas.height);
  pen.imageSmoothingEnabled = false;
  const { steps } = state.result.value;
  for (const [place, column] of layout.columns.entries()) {
    if (column.kind === "input") {
      paintInput(pen, state, column.tiles[0]!);
      continue;
    }
    const colours = signedScale(palette.value, state.limits.value[place]!);
    const { front, activation } = column.column;
    if (column.kind === "maps") {
      const order = [front, ...(activation === undefined ? [] : [activation])];
      if (state.activationsInFront.value) order.reverse();
      paintMaps(
        pen,
        column,
        order.map((step) => steps[step]!.values),
        colours,
      );
    } else {
      column.tiles.forEach(({ x, y, width, height }, index) => {
        pen.fillStyle = colourOf(steps[front]!.values[index]!, colours).fill;
        pen.beginPath();
        pen.roundRect(x, y, width, height, width / 8);
        pen.fill();
      });
    }
  }
  paintKernels(pen, state, layout.kernels);
}

/** Ink on paper, or the colours of the picture. */
function paintInput(
  pen: Pen2D,
  { network, result, seen }: LookState,
  { x, y, width, height }: Box,
) {
  const shape = network.card.input_shape;
  const [channels, rows, columns] = shape as [number, number, number];
  const { values } = result.value.steps[0]!;
  const { mean, std } = network.card.normalisation;
  const ink = amountScale(palette.value, -mean / std, (1 - mean) / std);
  const image =
    channels === 3
      ? imageAsPixels(seen.value.image, shape)
      : numbersAsImage(values.subarray(0, rows * columns), columns, ink);
  pen.drawImage(asDrawable(image), 0, 0, columns, rows, x, y, width, height);
}

/** All maps of a layer, each with its copy behind. */
function paintMaps(
  pen: Pen2D,
  { tiles, rows, columns, shift }: ColumnLayout,
  [front, behind]: Float32Array[],
  colours: ColourScale,
) {
  for (const [values, offset, strength] of [
    [behind, shift, BEHIND],
    [front, 0, 1],
  ] as const) {
    if (!values) continue;
    const numbers = asDrawable(numbersAsImage(values, columns, colours));
    tiles.forEach(({ x, y, width, height }, index) => {
      if (offset) {
        // a copy shows what it has over the page, not over the lines that pass below it
        pen.fillStyle = colourOf(0, colours).fill;
        pen.globalAlpha = BEHIND;
        pen.fillRect(x + offset, y + offset, width, height);
      }
      pen.globalAlpha = strength;
      pen.drawImage(numbers, 0, index * rows, columns, rows, x + offset, y + offset, width, height);
    });
    pen.globalAlpha = 1;
  }
}

function paintKernels(pen: Pen2D, { network, columns, structure }: LookState, boxes: Box[]) {
  const layer = structure[columns[1]!.main]!.layer!;
  if (!boxes.length || (layer.kind !== "convolution" && layer.kind !== "dense")) return;
  const [, height, width] = network.card.input_shape as [number, number, number];
  const [rows, wide] = layer.kind === "convolution" ? layer.window : [height, width];
  const starts =
    layer.kind === "convolution"
      ? boxes.map((_, filter) => kernelsOf(layer).find((one) => one.filter === filter)!.start)
      : boxes.map((_, unit) => (unit * layer.weights.length) / boxes.length);
  const colours = signedScale(palette.value, limitOf(layer.weights));
  boxes.forEach(({ x, y, width: side, height: high }, index) => {
    const start = starts[index]!;
    const weights = layer.weights.subarray(start, start + rows * wide);
    pen.drawImage(
      asDrawable(numbersAsImage(weights, wide, colours)),
      0,
      0,
      wide,
      rows,
      x,
      y,
      side,
      high,
    );
  });
}
