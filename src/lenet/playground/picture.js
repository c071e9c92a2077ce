/**
 * A picture of any size becomes the image that a network takes, in the native core: what
 * `native/prepare.h` says.
 */

import { NoMemoryError } from "./native_core.js";
import { readPixels } from "./pixels.js";

const METHODS = ["symbol", "object", "plain"]; // these in the order of prepare.h
const POLARITIES = ["light-on-dark", "dark-on-light", "as-is"];
const SEEN_NUMBERS = 8;

/**
 * Make the image that a network takes from a picture.
 *
 * @type {(core: NativeCore, picture: Picture, preparation: Preparation) => Seen}
 * @throws {Error} The network takes neither grey nor coloured images, or memory runs out.
 */
export function lookAt(core, picture, { method, polarity, height, width, channels, margin }) {
  if (channels !== 1 && channels !== 3) {
    throw new Error(`A picture has 1 or 3 channels, not the ${channels} of this network.`);
  }
  const read = readPixels(picture);
  const sizes = [read.height, read.width, read.channels];
  const kinds = [METHODS.indexOf(method), POLARITIES.indexOf(polarity)];
  return core.borrow(() => {
    const preparation = core.place(Int32Array.of(...kinds, height, width, channels, margin));
    const room = core.call("prepare_scratch", ...sizes, preparation, 0);
    if (!room) throw new NoMemoryError();
    const [pixels, scratch] = [core.place(read.data), core.take(room)];
    const [image, seen] = [core.take(channels * height * width), core.take(4 * SEEN_NUMBERS)];
    core.call("prepare", pixels, ...sizes, preparation, scratch, image, seen);
    const [top, left, bottom, right, rows, columns, isBlank, parts] = core.integers(
      seen,
      SEEN_NUMBERS,
    );
    return {
      image: core.bytes(image, channels * height * width).slice(),
      box: [top / rows, left / columns, bottom / rows, right / columns],
      isBlank: isBlank === 1,
      parts,
    };
  });
}
