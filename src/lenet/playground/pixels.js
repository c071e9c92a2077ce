/**
 * The pixels of a picture as a person sees them. As `lenet/pictures/_read.py`.
 */

const LIGHT = 128;

/** A picture whose pixels are grey, or red, green and blue, none of them transparent.
 * @type {(picture: Picture) => Picture} */
export function readPixels(picture) {
  return picture.channels === 4 ? onGround(picture) : picture;
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

/** The whole number nearest to another; of two that are as near, the even one, as in Python.
 * @type {(value: number) => number} */
function roundToEven(value) {
  const below = Math.floor(value);
  const share = value - below;
  if (share === 0.5) return below + Math.abs(below % 2);
  return share < 0.5 ? below : below + 1;
}
