/**
 * The pixels of a picture as a person sees them. As `lenet/pictures/_read.py`.
 */

import { roundToEven } from "./frame.js";

const KEPT_PIXELS = 2 ** 22; // a larger picture is made smaller, by a whole factor
const LIGHT = 128;

/** A picture of not too many pixels, none of them transparent: as large numbers from 0 to 255,
 * channel by channel, 1 or 3 of them. @type {(picture: Picture) => Grid} */
export function readPixels(picture) {
  const smaller = makeSmaller(picture);
  const { data, width, height, channels } = smaller.channels === 4 ? onGround(smaller) : smaller;
  const area = width * height;
  const values = new Float32Array(channels * area);
  for (let channel = 0; channel < channels; channel++) {
    for (let place = 0; place < area; place++) {
      values[channel * area + place] = data[place * channels + channel];
    }
  }
  return { values, channels, height, width };
}

/** A picture with no more pixels than are kept. @type {(picture: Picture) => Picture} */
function makeSmaller(picture) {
  const factor = Math.ceil(Math.sqrt((picture.width * picture.height) / KEPT_PIXELS));
  if (factor <= 1) return picture;
  const { channels } = picture;
  const width = Math.ceil(picture.width / factor);
  const height = Math.ceil(picture.height / factor);
  const data = new Uint8Array(width * height * channels);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const mean = meanOfBlock(picture, row * factor, column * factor, factor);
      data.set(mean, (row * width + column) * channels);
    }
  }
  return { data, width, height, channels };
}

/**
 * The mean colour of a square block, or of what the picture has of it.
 *
 * It is rounded as Pillow does it; transparent pixels count by how opaque they are.
 *
 * @type {(picture: Picture, top: number, left: number, side: number) => number[]}
 */
function meanOfBlock({ data, width, height, channels }, top, left, side) {
  const bottom = Math.min(height, top + side);
  const right = Math.min(width, left + side);
  const sums = [0, 0, 0, 0];
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const start = (row * width + column) * channels;
      const opacity = channels === 4 ? data[start + 3] : 255;
      for (let channel = 0; channel < channels; channel++) {
        const value = data[start + channel];
        sums[channel] += channel === 3 || opacity === 255 ? value : shareOf255(value, opacity);
      }
    }
  }
  const count = (bottom - top) * (right - left);
  const multiplier = Math.trunc(Math.fround(2 ** 24 / count));
  const means = sums.map((sum) => Math.floor(((sum + (count >> 1)) * multiplier) / 2 ** 24));
  const opacity = means[3];
  const isSolid = channels < 4 || opacity === 0 || opacity === 255;
  return means
    .slice(0, channels)
    .map((mean, i) =>
      isSolid || i === 3 ? mean : Math.min(255, Math.floor((255 * mean) / opacity)),
    );
}

/** The product of two numbers from 0 to 255 as a number from 0 to 255.
 * @type {(value: number, opacity: number) => number} */
function shareOf255(value, opacity) {
  const product = value * opacity + 128;
  return ((product >> 8) + product) >> 8;
}

/** A picture with transparency on white, or on black where what is to be seen is light.
 * @type {(picture: Picture) => Picture} */
function onGround({ data, width, height }) {
  let [least, opacities, brightness] = [255, 0, 0];
  for (let start = 0; start < data.length; start += 4) {
    const opacity = data[start + 3];
    const grey = 19595 * data[start] + 38470 * data[start + 1] + 7471 * data[start + 2];
    least = Math.min(least, opacity);
    opacities += opacity;
    brightness += ((grey + 2 ** 15) >> 16) * opacity;
  }
  const isLight = opacities > 0 && brightness / opacities >= LIGHT;
  const isCutOut = least / 255 < 0.5;
  const ground = isLight && isCutOut ? 0 : 255;
  let isGrey = true;
  const colours = new Uint8Array(3 * width * height);
  for (let start = 0, place = 0; start < data.length; start += 4, place += 3) {
    const opacity = data[start + 3] / 255;
    const rest = ground * (1 - opacity);
    for (let channel = 0; channel < 3; channel++) {
      const value = data[start + channel];
      colours[place + channel] = opacity === 1 ? value : roundToEven(value * opacity + rest);
    }
    isGrey &&= colours[place] === colours[place + 1] && colours[place] === colours[place + 2];
  }
  if (!isGrey) return { data: colours, width, height, channels: 3 };
  const greys = new Uint8Array(width * height);
  for (let place = 0; place < greys.length; place++) greys[place] = colours[3 * place];
  return { data: greys, width, height, channels: 1 };
}
