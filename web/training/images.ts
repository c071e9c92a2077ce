/** Images as a step sees them: the core mirrors and shifts them on their way, and keeps none. */

/** Copies of the images of a step, mirrored and then shifted; what comes in from outside is 0. */
export function changedImages(
  pixels: Uint8Array,
  [channels, height, width]: [number, number, number],
  indices: BigInt64Array,
  { mirrored, shifts }: Changes,
): Uint8Array {
  const count = indices.length;
  const changed = new Uint8Array(count * channels * height * width);
  let place = 0;
  indices.forEach((index, image) => {
    const [down, right] = [shifts?.[image], shifts?.[count + image]].map((shift) => Number(shift ?? 0));
    for (let channel = 0; channel < channels; channel++) {
      const start = (Number(index) * channels + channel) * height;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++, place++) {
          const [row, column] = [y + down!, x + right!];
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          const from = mirrored?.[image] ? width - 1 - column : column;
          changed[place] = pixels[(start + row) * width + from]!;
        }
      }
    }
  });
  return changed;
}
