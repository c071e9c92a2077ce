/** A model file, as `lenet/models/_card.py` writes it. */

import type { LayerDescription, TrainedWeights } from "../training/protocol.ts";

/** Layers and weights, and the JSON that describes them. */
export function packModel({ layers, weights }: TrainedWeights, card: string): Blob {
  const header: Record<string, object> = { __metadata__: { lenet: card } };
  let end = 0;
  for (const [name, values] of weights) {
    const start = end;
    end += values.byteLength;
    const isCount = name.endsWith("num_batches_tracked");
    header[name] = {
      dtype: isCount ? "I64" : "F32",
      shape: isCount ? [] : shapeOf(name, values.length, layers),
      data_offsets: [start, end],
    };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padding = -text.length & 7; // numbers begin at a multiple of eight
  const size = new DataView(new ArrayBuffer(8));
  size.setUint32(0, text.length + padding, true);
  return new Blob([size.buffer, text, " ".repeat(padding), ...(weights.values() as Iterable<BlobPart>)]);
}

/** Of an array by its name, such as `3.weight`. */
function shapeOf(name: string, count: number, layers: LayerDescription[]): number[] {
  const [place, kind] = name.split(".");
  const layer = layers[Number(place)]!;
  if (kind === "weight" && layer.kind === "dense") return [layer.units, count / layer.units];
  if (kind === "weight" && layer.kind === "convolution") {
    const { filters, kernel_size: side } = layer;
    return [filters, count / (filters * side * side), side, side];
  }
  return [count];
}
