/**
 * Every word of the view of one network, in each language. `**bold**` and `==marked==` are set so.
 * Layers keep their names: they are code.
 */

import { inLanguage } from "./lab.ts";

const ENGLISH = {
  paper: "Paper",
  paperHow: "Arrow keys move the pen, Space puts it down and lifts it",
  input: "Input",
  undo: "Undo",
  redo: "Redo",
  eraser: "Eraser",
  clear: "Clear",
  orExample: "or a test image",
  moreExamples: "Other test images",
  example: (name: string) => `Test image: ${name}`,
  stage: "The network, from the paper to the answer",
  drawer: "How the chosen number comes about",
  softmaxTitle: (title: string) => `${title}, softmax`,
  behind: (layer: string) => `${layer} behind`,
  showBehind: "Bring the activation to the front, or back (R)",
  sureFrom: "sure enough from",
  none: "none",
  noneShort: "none",
  comma: ", ",
  colon: ": ",

  // the sentence on top
  sayBlank: "Draw something, or take a test image.",
  saySure: (name: string, percent: string) =>
    `The answer is **${name}**, with ${percent}: sure enough.`,
  sayAnswer: (name: string, percent: string) => `The answer is **${name}**, with ${percent}.`,
  sayUnsure: (name: string, percent: string, other: string) =>
    `Most likely ${name}, with ${percent}. That is short of the line, so the answer is ==unsure==: it could be ${other}.`,
  sayFar: (name: string, percent: string) =>
    `Most likely ${name}, with ${percent}, but unlike all it has learnt. So the answer is ==unsure==.`,
  sayNone: (percent: string, name: string) =>
    `Most likely ==none of these==, with ${percent}. The nearest is ${name}.`,
  sayOfClass: (name: string, isBold = false) => {
    const said = isBold ? `**${name}**` : name;
    if (name.length > 1) return said;
    return /[8AEFHILMNORSX]/.test(name) ? `an ${said}` : `a ${said}`;
  },
  sayScore: (name: string, count: number) =>
    `The score of ${name}: ${count} numbers times ${count} weights, added up.`,
  sayUnit: (unit: number, count: number) =>
    `Unit ${unit}: ${count} numbers times the ${count} weights of this unit, added up.`,
  sayPixels: (map: number, count: number) =>
    `One number in map ${map}: ${count} pixels times the ${count} weights of kernel ${map}, added up.`,
  sayMap: (map: number, count: number) =>
    `One number in map ${map}: ${count} numbers times the ${count} weights of kernel ${map}, added up.`,
  sayMaps: (map: number, maps: number, count: number, all: number) =>
    `One number in map ${map}: ${count} numbers in each of ${maps} maps times ${all} weights, added up.`,
  sayMean: (map: number, count: number) =>
    `One number in map ${map}: the mean of ${count} numbers.`,
  sayLargest: (map: number, count: number) =>
    `One number in map ${map}: the largest of ${count} numbers.`,
  sayPixel: "One pixel, as the network takes it.",
  sayNumber: "One number, and what it is made of.",

  // the drawer
  idle: "Press any number of the stage, and here stands what it is made of.",
  map: (map: number) => `map ${map}`,
  mapPlace: (map: number, row: number, column: number) =>
    `map ${map}, row ${row}, column ${column}`,
  pixelPlace: (row: number, column: number) => `row ${row}, column ${column}`,
  unit: (unit: number) => `unit ${unit}`,
  scoreOf: (name: string) => `score of ${name}`,
  pixels: (count: number) => (count === 1 ? "pixels" : `${count} pixels`),
  usedBy: "used by",
  back: "back to",
  widths: "Width: what a path ++adds++ or --takes away--. Only the strongest are drawn.",
  unitsAdd: (layer: string) => `What the units of ${layer} add: value × weight`,
  unitsDistance: (layer: string) => `How far the units of ${layer} are off: −(value − target)²`,
  others: (count: number) => `${count} others`,
  bias: "bias",
  score: "score",
  sum: "sum",
  value: "value",
  maps: (layer: string) => `Sums of ${layer}`,
  numbersOfMap: (count: number, map: number) => `${count} numbers of map ${map}`,
  kernel: (kernel: number) => `kernel ${kernel}`,
  kernelOfMap: (kernel: number, map: number) => `kernel ${kernel} for map ${map}`,
  weights: (count: number) => `${count} weights`,
  products: (count: number) => `${count} products`,
  pointed: "pointed at:",
  sumOf: (count: number) => `sum of the ${count}`,
  sumOfAll: "sum of all",
  mean: (count: number) => `÷ ${count} = mean`,
  largest: "the largest",
  curve: {
    relu: "ReLU: what is negative becomes 0",
    sigmoid: "Sigmoid: squeezed between 0 and 1",
    tanh: "Tanh: squeezed between −1 and 1",
  } as Record<string, string>,
  curveOf: (title: string) => `${title}: its curve`,
  flatten: (layer: string, shape: string, count: number) =>
    `${layer}: ${shape} in a row of ${count}`,
  softmax: "softmax turns scores into shares",
  otherClasses: (count: number) => `${count} others`,
  lessLargest: (score: string) => `each score less the largest, ${score}`,
  temperature: "temperature",
  ownTemperature: (own: string) => `back to the network’s ${own}`,
  grey: "grey level",
  ofWhite: "÷ 255",
  lessMean: (mean: string) => `− ${mean} (mean)`,
  overDeviation: (deviation: string) => `÷ ${deviation} (deviation)`,
  pixelIs: "What the network takes for a pixel",
  slide: "Slide the kernel",
  pause: "Pause",
  first: "First position",
  nextPlace: "Next position",
  position: "Position of the kernel",
  placeOf: (place: number, count: number) => `${place} of ${count}`,
  speed: "Speed",

  // phone
  layers: "Layers",
  draw: "Draw",
  unsure: "unsure",
  mapOf: (map: number, count: number, rows: number, columns: number) =>
    `map ${map} of ${count}, ${rows} × ${columns}`,
  unitsOf: (count: number) => `${count} units`,
  left: "Left",
  up: "Up",
  down: "Down",
  right: "Right",
};

/** Latin letters and digits stand apart from Chinese characters before and after them. */
const before = (name: string) => (/^\W*[\w]/.test(name) ? ` ${name}` : name);
const after = (name: string) => (/\w\W*$/.test(name) ? `${name} ` : name);

const CHINESE: typeof ENGLISH = {
  paper: "画板",
  paperHow: "方向键移动笔，空格键落笔或抬笔",
  input: "输入",
  undo: "撤销",
  redo: "重做",
  eraser: "橡皮",
  clear: "清空",
  orExample: "或选一张测试图",
  moreExamples: "其他测试图",
  example: (name) => `测试图：${name}`,
  stage: "整个网络，从画板到答案",
  drawer: "选中的数是怎样算出来的",
  softmaxTitle: (title) => `${title}，softmax`,
  behind: (layer) => `后为 ${layer}`,
  showBehind: "把激活后的图移到前面或后面（R）",
  sureFrom: "足够确定的界线",
  none: "都不是",
  noneShort: "无",
  comma: "，",
  colon: "：",

  sayBlank: "画点什么，或选一张测试图。",
  saySure: (name, percent) => `回答是${before(`**${name}**`)}（${percent}），足够确定。`,
  sayAnswer: (name, percent) => `回答是${before(`**${name}**`)}（${percent}）。`,
  sayUnsure: (name, percent, other) =>
    `最可能是${before(name)}（${percent}），但没有到达界线，所以回答是==不确定==：也可能是${before(other)}。`,
  sayFar: (name, percent) =>
    `最可能是${before(name)}（${percent}），但和学过的样子都不像，所以回答是==不确定==。`,
  sayNone: (percent, name) => `最可能==都不是==（${percent}），最接近的是${before(name)}。`,
  sayOfClass: (name, isBold = false) => (isBold ? `**${name}**` : name),
  sayScore: (name, count) => `${after(name)}的得分：${count} 个数乘以 ${count} 个权重，再相加。`,
  sayUnit: (unit, count) => `第 ${unit} 个单元：${count} 个数乘以它的 ${count} 个权重，再相加。`,
  sayPixels: (map, count) =>
    `第 ${map} 张特征图里的一个数：${count} 个像素乘以卷积核 ${map} 的 ${count} 个权重，再相加。`,
  sayMap: (map, count) =>
    `第 ${map} 张特征图里的一个数：${count} 个数乘以卷积核 ${map} 的 ${count} 个权重，再相加。`,
  sayMaps: (map, maps, count, all) =>
    `第 ${map} 张特征图里的一个数：前面 ${maps} 张图各取 ${count} 个数，乘以 ${all} 个权重，再相加。`,
  sayMean: (map, count) => `第 ${map} 张特征图里的一个数：${count} 个数的平均值。`,
  sayLargest: (map, count) => `第 ${map} 张特征图里的一个数：${count} 个数中最大的一个。`,
  sayPixel: "一个像素，以网络看到的数值表示。",
  sayNumber: "一个数，以及它是怎样得来的。",

  idle: "点选任意一个数，这里就会写出它是怎样算出来的。",
  map: (map) => `图 ${map}`,
  mapPlace: (map, row, column) => `图 ${map}，第 ${row} 行第 ${column} 列`,
  pixelPlace: (row, column) => `第 ${row} 行第 ${column} 列`,
  unit: (unit) => `第 ${unit} 个单元`,
  scoreOf: (name) => `${after(name)}的得分`,
  pixels: (count) => (count === 1 ? "像素" : `${count} 个像素`),
  usedBy: "用于",
  back: "返回",
  widths: "线宽：这条路径++加上++或--减去--多少。只画最强的几条。",
  unitsAdd: (layer) => `${layer} 各单元的贡献：数值 × 权重`,
  unitsDistance: (layer) => `${layer} 各单元的偏差：−（数值 − 目标）²`,
  others: (count) => `其余 ${count} 个`,
  bias: "偏置",
  score: "得分",
  sum: "和",
  value: "数值",
  maps: (layer) => `${layer} 各图之和`,
  numbersOfMap: (count, map) => `图 ${map} 的 ${count} 个数`,
  kernel: (kernel) => `卷积核 ${kernel}`,
  kernelOfMap: (kernel, map) => `卷积核 ${kernel} 对图 ${map}`,
  weights: (count) => `${count} 个权重`,
  products: (count) => `${count} 个乘积`,
  pointed: "所指：",
  sumOf: (count) => `${count} 个乘积之和`,
  sumOfAll: "全部相加",
  mean: (count) => `÷ ${count} = 平均值`,
  largest: "最大值",
  curve: {
    relu: "ReLU：负数变成 0",
    sigmoid: "Sigmoid：压到 0 和 1 之间",
    tanh: "Tanh：压到 −1 和 1 之间",
  },
  curveOf: (title) => `${title} 的曲线`,
  flatten: (layer, shape, count) => `${layer}：${shape} 排成一行，共 ${count} 个`,
  softmax: "softmax 把得分变成份额",
  otherClasses: (count) => `其余 ${count} 个`,
  lessLargest: (score) => `每个得分先减去最大的 ${score}`,
  temperature: "温度",
  ownTemperature: (own) => `恢复网络自己的 ${own}`,
  grey: "灰度值",
  ofWhite: "÷ 255",
  lessMean: (mean) => `− ${mean}（均值）`,
  overDeviation: (deviation) => `÷ ${deviation}（标准差）`,
  pixelIs: "一个像素对网络来说是什么",
  slide: "滑动卷积核",
  pause: "暂停",
  first: "第一个位置",
  nextPlace: "下一个位置",
  position: "卷积核的位置",
  placeOf: (place, count) => `第 ${place} 个，共 ${count} 个`,
  speed: "速度",

  layers: "各层",
  draw: "画",
  unsure: "不确定",
  mapOf: (map, count, rows, columns) => `第 ${map} 张，共 ${count} 张，${rows} × ${columns}`,
  unitsOf: (count) => `${count} 个单元`,
  left: "向左",
  up: "向上",
  down: "向下",
  right: "向右",
};

export const words = inLanguage(ENGLISH, CHINESE);
