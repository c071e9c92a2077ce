// What the modules of the page give each other, for `tsc`; the page itself does not hold it.

/** What JSON holds. It may be anything: it is checked where it is read. */
type Json = any;

type Pair = [number, number];

/** [channels, height, width] or [units]. */
type Shape = number[];

/** Top, left, bottom and right; the last two are the first row and column outside. */
type Box = [number, number, number, number];

type Area = { top: number; left: number; bottom: number; right: number };

type AreaOfMap = Area & { channel: number };

type Colours = number[][];

type ColourScale = {
  low: number;
  high: number;
  /** Which of the colours a number has. */
  shadeOf: (value: number) => number;
  /** As `ImageData` holds them. */
  colours: Uint32Array;
};

type Pen = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

// Pictures

/** A picture; its numbers lie pixel by pixel, row by row. */
type Picture = {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  /** 1: grey; 3: red, green, blue; 4: these and opacity, as a canvas has them. */
  channels: number;
};

/** A picture with how it is shown, at the same width and height. */
type ShownPicture = Picture & { shown: OffscreenCanvas };

/** A test image: as a network takes it, and as it lies on the paper. */
type Example = { image: Uint8Array; label: number; picture: ShownPicture };

/** Test images as the page holds them; the sheet is a data address. */
type WrittenExamples = { sheet: string; labels: number[] };

/** How a picture becomes an image; a model's card says what suits its network. */
type Preparation = {
  /** Find the ink, or the thing, or take it all. */
  method: "symbol" | "object" | "plain";
  /** What the network was taught on. */
  polarity: "light-on-dark" | "dark-on-light" | "as-is";
  /** Of the image, in pixels. */
  height: number;
  width: number;
  /** 1 for grey, 3 for red, green and blue. */
  channels: number;
  /** Pixels left free at each side of the shorter direction. */
  margin: number;
  /** Which values of pictures of more than 8 bits are black and white, if it was taught on such. */
  pixel_range?: number[];
};

/** What a network sees of a picture. */
type Seen = {
  /** What it takes: row by row, channel by channel. */
  image: Uint8Array;
  /** The part of the picture that it shows, in shares of the picture's height and width. */
  box: Box;
  /** Whether there is nothing to be seen. */
  isBlank: boolean;
  /** Of how many pieces a symbol is; many are several symbols. */
  parts: number;
};

/** Across, down, and how wide, in parts of the field. */
type Point = [number, number, number];

type Stroke = { points: Point[]; erases: boolean };

// Networks

type Calibration = {
  temperature: number;
  threshold: number;
  /** A row for each class, or none where distances are not known. */
  whitening: number[][];
  means: number[][];
  reach: number;
};

/** What a model file says about itself; named as in Python's `ModelCard`, which explains it. */
type Card = {
  model: string;
  layers: Json[];
  class_names: string[];
  /** Those that are answered: all but that of counter-examples, which is the last. */
  classes: string[];
  input_shape: Shape;
  preparation: Preparation;
  normalisation: { mean: number; std: number };
  calibration: Calibration;
  answers_blank: boolean;
};

/** Numbers of a file; the bytes are little-endian, in memory of their own. */
type Tensor = { dtype: string; shape: Shape; bytes: ArrayBuffer };

/** Takes a tensor out of those of a file; one that is not used is only crossed out. */
type TakeTensor = (name: string, shape: Shape, isUsed?: boolean) => Float32Array;

type LayerOf<Kind extends string> = {
  kind: Kind;
  /** Its place in the network, as in the file: `0`, `c1`. */
  name: string;
  /** Of the output of the layer before. */
  inputShape: Shape;
  shape: Shape;
};

/** How a window goes over its input. */
type Way = {
  /** Its rows and columns. */
  window: Pair;
  /** From each of its places to the next. */
  stride: Pair;
  /** From each of its numbers to the next. */
  dilation: Pair;
  /** Rows and columns put round the input: left, right, above, below. */
  margins: Box;
};

/** Weights lie as PyTorch has them, the last size running fastest. */
type Layers = {
  /** Weights [filters, channels seen, rows, columns]; or, where only some pairs of a filter and a
   * channel are connected, [pairs, rows, columns]. */
  convolution: LayerOf<"convolution"> & Way & Weighted & { groups: number; connections: Pair[] };
  pooling: LayerOf<"pooling"> & Way & { method: "max" | "average"; countPadding: boolean };
  adaptive_pooling: LayerOf<"adaptive_pooling"> & { method: "max" | "average" };
  /** Weights [maps]. */
  subsampling: LayerOf<"subsampling"> & Way & Weighted;
  /** Weights: what each map or unit is multiplied by. */
  batch_norm: LayerOf<"batch_norm"> & Weighted;
  /** A name in `ACTIVATIONS`, and the parameter of that function. */
  activation: LayerOf<"activation"> & { activation: Activation; parameter: number };
  /** Weights [outputs, inputs]. */
  dense: LayerOf<"dense"> & Weighted;
  /** Weights: the targets [classes, units]. */
  distances: LayerOf<"distances"> & { weights: Float32Array };
  /** `ground` is what the margins hold. */
  padding: LayerOf<"padding"> & { margins: Box; ground: number };
  /** Its main list and its shortcut. */
  residual: LayerOf<"residual"> & { sides: Layer[][] };
};

/** The bias: one for each filter, output, map or unit. */
type Weighted = { weights: Float32Array; bias: Float32Array };

type Layer = Layers[keyof Layers];

type AnyPooling = Layers["pooling" | "adaptive_pooling"];

type Activation = keyof typeof import("./activations.js").ACTIVATIONS;

/** `usual` is the parameter that it has where the file gives none. */
type ActivationFunction = { title: string; usual?: number };

/** A function for each kind of layer. */
type ForEachKind<Others extends unknown[], Result> = {
  [Kind in keyof Layers]: (layer: Layers[Kind], ...others: Others) => Result;
};

/** A layer of the file, read; nothing but the shape of what only moves numbers. */
type ReadLayer =
  | { [Kind in keyof Layers]: Omit<Layers[Kind], "name" | "inputShape"> & Cost }[keyof Layers]
  | ({ kind?: undefined; shape: Shape } & Cost);

/** About how many multiplications an image costs. */
type Cost = { operations?: number };

type Model = { card: Card; layers: Layer[] };

/** What the network holds after a layer; or before the first, where it is called `input`. */
type Step = {
  name: string;
  kind: string;
  shape: Shape;
  /** Row by row, channel by channel. */
  values: Float32Array;
  layer?: Layer;
};

type Network = import("./network.js").Network;

/** All numbers are those of the core's values, among which the steps' are. */
type Result = {
  logits: Float32Array;
  probabilities: Float64Array;
  steps: Step[];
  numbers: Float32Array;
};

/** What is answered: the likeliest class, if it is likely enough and the image near enough. `isFar`:
 * that, and nothing else, is too much for an answer. */
type Decision = {
  index: number;
  probability: number;
  none: number;
  distance: number;
  isFar: boolean;
  isSure: boolean;
};

/** What the native core goes through. */
type Program = {
  /** The fields of each operation. */
  operations: Int32Array[];
  /** Pairs of an output map and an input map, those of all operations. */
  connections: Pair[];
  parameters: Float32Array[];
  /** The value that the image is, and that each layer makes. */
  values: number[];
  /** Numbers of all values. */
  size: number;
};

/** What an operation has besides shapes; as in native/program.h. */
type OperationSettings = Partial<Way> & {
  other?: number;
  groups?: number;
  choice?: number;
  number?: number;
  isAdaptive?: boolean;
  countPadding?: boolean;
  connections?: Pair[];
  /** Places among the parameters. */
  weightPlace?: number;
  biasPlace?: number;
};

/** A number's place in its feature maps. */
type UnitOfMap = { channel: number; row: number; column: number; index?: undefined };

/** A number's place in a step: in its feature maps, or in its row of units. */
type Unit = UnitOfMap | { index: number; channel?: undefined; row?: undefined; column?: undefined };

/** A number of a layer. */
type Choice = { stepIndex: number; unit: Unit };

/** One of the numbers that another is made of. */
type Contribution = Unit & { step: number; value: number; weight: number };

/** One of a feature map. */
type InMap = Contribution & UnitOfMap;

/** How much it adds: a distance, or a product. */
type Contribute = (input: Contribution) => number;

type Explanation = { inputs: Contribution[]; bias: number; value: number };

/** What is behind a number. */
type Reasons = {
  explanation: Explanation;
  /** The pixels of the image that it depends on. */
  field: Area;
  /** Areas of the step before that it is made of. */
  frames: AreaOfMap[];
};

// The page

/** What a model makes of what is on the paper. */
type Opinion = {
  /** The model's. */
  name: string;
  model: Network;
  seen: Seen;
  result: Result;
  /** Whether the image is one of its test images, as it is. */
  isExample: boolean;
};

type Answer =
  | { kind: "blank"; text: string; index?: undefined }
  | ({ kind: "none"; text: string; nearest: string; threshold: number; reach: number } & Decision)
  | { kind: "class"; text: string; index: number; probability: number };

/** A model as the page holds it: packed, or where its server has it. */
type WrittenModel = { name: string; packed?: string; url?: string };

/** The core is packed. */
type PageData = {
  core: string;
  models: WrittenModel[];
  examples: Record<string, WrittenExamples>;
};

/** A model on the shelf: as the page holds it or as it was opened, and what becomes of it. */
type Entry = WrittenModel & {
  bytes?: ArrayBuffer;
  written?: WrittenExamples;
  reading?: Promise<Volume>;
};

/** One that has been read, with its test images. */
type Volume = { name: string; model: Network; examples: Example[] };

/** Where the feature maps or units of a layer lie on its canvas, in pixels of the page. */
type Tiles = {
  /** Of maps or units. */
  count: number;
  /** Of each; 1 for units. */
  rows: number;
  columns: number;
  /** The side of a number. */
  cell: number;
  /** From one map to the next. */
  tileWidth: number;
  tileHeight: number;
  /** Below the units, where there are any. */
  labels: string[];
};

/** `perLine` maps lie beside each other; width and height are those of all. */
type Layout = Tiles & { perLine: number; width: number; height: number };

type Page = import("./app.js").Playground;

/** Elements of `playground.html` that are asked for more than any element has. */
type Elements = {
  paper: HTMLCanvasElement;
  help: HTMLDialogElement;
  undo: HTMLButtonElement;
  clear: HTMLButtonElement;
  thickness: HTMLInputElement;
  "picture-file": HTMLInputElement;
  "model-file": HTMLInputElement;
  "first-model": HTMLSelectElement;
  "second-model": HTMLSelectElement;
  "inside-model": HTMLSelectElement;
};

/** `find`: what it gives is known by its selector. */
type Find = <Selector extends string>(
  place: ParentNode,
  selector: Selector,
) => Selector extends `${string}canvas${string}`
  ? HTMLCanvasElement
  : Selector extends "tbody"
    ? HTMLTableSectionElement
    : HTMLElement;

/** A function whose arguments may be of some of these types. */
type Sentence<Part> = { say(...parts: Part[]): string }["say"];

/** A word of the page is a text, a function of what is put into it, or some of these by name. */
type Words = Record<
  string,
  | string
  | Sentence<string | number | string[] | Shape | Unit>
  | Record<string, string | string[][] | Sentence<string>>
> & {
  listOf: (what: string, parts: string[]) => string;
  mapsShape: (shape: Shape) => string;
  place: (unit: Unit) => string;
  placeOfPixel: (unit: UnitOfMap) => string;
};

// The native core

type NativeCore = import("./native_core.js").NativeCore;

/** What the WebAssembly offers; all but the first two begin with `lenet_`. */
type CoreFunctions = {
  memory: WebAssembly.Memory;
  _initialize: () => void;
} & { [name: string]: any };

/** What happens to the images of a step; the shifts are those of rows, then those of columns. */
type Changes = { mirrored?: Uint8Array; shifts?: BigInt64Array };

/** Images to train on, one after the other, with what their bytes stand for. */
type Examples = {
  images: Uint8Array;
  labels: Uint8Array;
  byteValues: Float32Array;
  /** Channels, height and width. */
  shape: Shape;
};

/** How a training updates weights; each as PyTorch's optimisers have it. */
type Training = {
  batchSize: number;
  optimiser: "sgd" | "adam" | "adamw";
  momentum: number;
  nesterov: boolean;
  weightDecay: number;
  labelSmoothing: number;
  /** The largest norm of all gradients together; 0 for no limit. */
  gradientClipping: number;
};

/** What a worker of a training shares with the others. */
type Share = {
  worker: number;
  /** Of each worker. */
  gradients: SharedArrayBuffer[];
  meeting: SharedArrayBuffer;
};

/** Layers that the core computes at once. */
type Block = {
  /** Of the convolution or dense layer. */
  name: string;
  inputs: number;
  outputs: number;
  /** Numbers that a filter sees of each channel. */
  window: number;
  weightCount: number;
  epsilon: number;
  norm?: { name: string; epsilon: number; momentum: number };
  /** `LayerDescription` of native/network.h. */
  description: number[];
};
