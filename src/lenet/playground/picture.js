/**
 * A picture of any size becomes the image that a network takes. As `lenet/pictures/_prepare.py`:
 * the page has to show a network what `lenet predict` shows it, and tests hold the two together.
 */

import { asBytes, cropGrid, fittedSize, placeInFrame, resize } from "./frame.js";
import { groundColour } from "./ground.js";
import { findInk } from "./ink.js";
import { boxOf, labelParts } from "./parts.js";
import { readPixels } from "./pixels.js";
import { fitSymbol } from "./symbol.js";

const LUMINANCE = [0.299, 0.587, 0.114].map(Math.fround); // ITU-R BT.601
const LIGHT_GROUND = 128;
const LEAST_DIFFERENCE = Math.fround(0.03 * 255); // what differs less from the ground is ground

/**
 * Make the image that a network takes from a picture.
 *
 * @type {(picture: Picture, preparation: Preparation) => Seen}
 * @throws {Error} The network takes neither grey nor coloured images.
 */
export function lookAt(picture, preparation) {
  const { channels, method } = preparation;
  if (channels !== 1 && channels !== 3) {
    throw new Error(`A picture has 1 or 3 channels, not the ${channels} of this network.`);
  }
  const grid = readPixels(picture);
  return method === "symbol" ? seeSymbol(grid, preparation) : seeThing(grid, preparation);
}

/** Ink in its frame, or its empty ground, with the polarity that the network knows.
 * @type {(grid: Grid, preparation: Preparation) => Seen} */
function seeSymbol(grid, preparation) {
  const { height, width } = preparation;
  const ink = findInk(grid);
  if (!ink) {
    const empty = new Float32Array(height * width);
    return { image: inkAsImage(empty, preparation), box: [0, 0, 1, 1], isBlank: true, parts: 1 };
  }
  const parts = labelParts(ink.mask, ink.strength.width);
  const box = boxOf(parts, ink.strength.width);
  const drawn = fitSymbol(ink.strength, box, preparation);
  const image = inkAsImage(drawn.values, preparation);
  return { image, box: asShares(box, ink.strength), isBlank: false, parts: parts.length };
}

/** A picture on its own ground: all of it, or for `object` what stands out from the ground.
 * @type {(grid: Grid, preparation: Preparation) => Seen} */
function seeThing(grid, preparation) {
  const { method, height, width, margin } = preparation;
  const image = withPolarity(withChannels(grid, preparation.channels), preparation.polarity);
  const ground = groundColour(image);
  const standingOut = placesUnlike(image, ground);
  const isBlank = standingOut.length === 0;
  const isCutOut = method === "object" && !isBlank;
  /** @type {Box} */
  const box = isCutOut ? boxOf([standingOut], image.width) : [0, 0, image.height, image.width];
  const free = isCutOut ? 2 * margin : 0;
  const part = cropGrid(image, box);
  const fitted = resize(
    part,
    ...fittedSize([part.height, part.width], [height - free, width - free]),
  );
  const top = Math.floor((height - fitted.height + 1) / 2);
  const left = Math.floor((width - fitted.width + 1) / 2);
  const framed = placeInFrame(fitted, height, width, top, left, ground);
  return { image: asBytes(framed.values), box: asShares(box, image), isBlank, parts: 1 };
}

/** The pixels that differ from the ground in some channel.
 * @type {(grid: Grid, ground: Float32Array) => Int32Array} */
function placesUnlike(grid, ground) {
  const area = grid.height * grid.width;
  const places = [];
  for (let place = 0; place < area; place++) {
    let largest = 0;
    for (let channel = 0; channel < grid.channels; channel++) {
      const difference = grid.values[channel * area + place] - ground[channel];
      largest = Math.max(largest, Math.abs(Math.fround(difference)));
    }
    if (largest > LEAST_DIFFERENCE) places.push(place);
  }
  return Int32Array.from(places);
}

/** Ink from 0 to 1 as pixels of an image.
 * @type {(drawn: Float32Array, preparation: Preparation) => Uint8Array} */
function inkAsImage(drawn, { polarity, channels }) {
  const values = polarity === "dark-on-light" ? drawn.map((value) => 1 - value) : drawn;
  const pixels = asBytes(values.map((value) => 255 * value));
  const image = new Uint8Array(channels * pixels.length);
  for (let channel = 0; channel < channels; channel++) image.set(pixels, channel * pixels.length);
  return image;
}

/** Where a box lies, in shares of the picture's height and width.
 * @type {(box: Box, grid: Grid) => Box} */
function asShares([top, left, bottom, right], { height, width }) {
  return [top / height, left / width, bottom / height, right / width];
}

/** Grey as three equal colours, or colours as their luminance.
 * @type {(grid: Grid, channels: number) => Grid} */
function withChannels(grid, channels) {
  if (grid.channels === channels) return grid;
  const area = grid.height * grid.width;
  const values = new Float32Array(channels * area);
  for (let place = 0; place < area; place++) {
    if (channels === 3) {
      values[place] = values[area + place] = values[2 * area + place] = grid.values[place];
    } else {
      const colours = [0, 1, 2].map((channel) => grid.values[channel * area + place]);
      values[place] = colours.reduce((sum, value, i) => sum + LUMINANCE[i] * value, 0);
    }
  }
  return { ...grid, values, channels };
}

/** Light and dark exchanged where the ground is not what the network knows.
 * @type {(grid: Grid, polarity: Preparation["polarity"]) => Grid} */
function withPolarity(grid, polarity) {
  if (polarity === "as-is") return grid;
  const ground = groundColour(grid);
  const brightness = ground.reduce((sum, value) => sum + value, 0) / ground.length;
  if (brightness >= LIGHT_GROUND !== (polarity === "light-on-dark")) return grid;
  return { ...grid, values: grid.values.map((value) => 255 - value) };
}
