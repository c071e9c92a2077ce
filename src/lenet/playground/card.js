/**
 * What a model file says about itself, checked.
 */

const FORMAT = 1; // as in `lenet/models/_card.py`
const MOST_SIZE = 65536; // of anything that a layer may have
const NONE = "_none"; // the last class of a network that was taught counter-examples

const [LEAST, MOST] = [1e-6, 1e6]; // as in `lenet/models/_decision.py`
const UNCALIBRATED = { temperature: 1, threshold: 0, whitening: [], means: [], reach: 0 };

/**
 * Read the JSON that describes a model, with what files of an older lenet leave out.
 *
 * @type {(text: string) => Card}
 * @throws {Error} It is from a newer lenet, or a field is missing or can't be used.
 */
export function readCard(text) {
  const written = parseObject(text);
  if (written.format !== FORMAT) {
    throw new Error(`The file was written by a newer lenet (${written.version}).`);
  }
  if (written.layers === undefined) {
    throw new Error(
      "The file is by an older lenet and does not list its layers; `lenet export FILE html` makes " +
        "a page of it.",
    );
  }
  const [channels, height, width] = written.input_shape ?? [];
  const whole = { method: "plain", polarity: "as-is", channels, height, width, margin: 0 };
  const card = {
    ...written,
    preparation: written.preparation ?? whole,
    calibration: { ...UNCALIBRATED, ...written.calibration },
    answers_blank: written.answers_blank === true,
  };
  for (const [field, isUsable] of Object.entries(USABLE)) {
    if (!card[field] || !isUsable(card[field], card)) {
      throw new Error(`What the file says of its \`${field}\` can't be used.`);
    }
  }
  return { ...card, classes: card.class_names.filter((/** @type {string} */ name) => name !== NONE) };
}

/** @type {Record<string, (value: Json, card: Json) => boolean>} */
const USABLE = {
  input_shape: (shape) => isListOf(isSize)(shape) && shape.length === 3,
  class_names: (names) =>
    isListOf(isText)(names) &&
    names.length >= 2 &&
    new Set(names).size === names.length &&
    (!names.includes(NONE) || (names.length > 2 && names.indexOf(NONE) === names.length - 1)),
  normalisation: ({ mean, std }) => Number.isFinite(mean) && Number.isFinite(std) && std > 0,
  calibration: ({ temperature, threshold, whitening, means, reach }, { class_names: names }) =>
    isFrom(LEAST, MOST)(temperature) &&
    (threshold === 0 || isFrom(LEAST, 1)(threshold)) &&
    isFrom(0, MOST)(reach) &&
    [means, whitening].every(
      (rows) =>
        isListOf(isListOf(isFrom(-MOST, MOST)))(rows) &&
        rows.length === (means.length && names.length) &&
        rows.every((/** @type {number[]} */ row) => row.length === rows.length),
    ),
  preparation: (
    { method, polarity, channels, height, width, margin, pixel_range: ends = [] },
    { input_shape: shape },
  ) =>
    ["symbol", "object", "plain"].includes(method) &&
    ["light-on-dark", "dark-on-light", "as-is"].includes(polarity) &&
    String([channels, height, width]) === String(shape) &&
    margin >= 0 &&
    margin <= Math.floor((Math.min(height, width) - 1) / 2) &&
    isListOf(Number.isFinite)(ends) &&
    (ends.length === 0 || (ends.length === 2 && ends[0] < ends[1])),
};

/** Whether something is a number in a range.
 * @type {(low: number, high: number) => (value: Json) => boolean} */
function isFrom(low, high) {
  return (value) => typeof value === "number" && value >= low && value <= high;
}

/** Whether something is a number that sizes of layers can be. @type {(value: Json) => boolean} */
export function isSize(value) {
  return Number.isInteger(value) && value >= 1 && value <= MOST_SIZE;
}

/** Whether something is a list of such things.
 * @type {(isOne: (value: Json) => boolean) => (list: Json) => boolean} */
export function isListOf(isOne) {
  return (list) => Array.isArray(list) && list.every(isOne);
}

/** @type {(value: Json) => boolean} */
function isText(value) {
  return typeof value === "string";
}

/** @type {(text: string) => Json} */
function parseObject(text) {
  try {
    return { ...JSON.parse(text) };
  } catch {
    throw new Error("What the file says about its model is damaged.");
  }
}
