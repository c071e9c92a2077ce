/**
 * Every word that the page shows, in each of its languages.
 *
 * A word is a text, or a function of what is put into it.
 */

/** @satisfies {Words} */
const ENGLISH = {
  code: "en",
  other: "中文",
  title: "LeNet playground",
  skip: "Skip to the answer",
  switchLanguage: "Switch the language to Chinese",
  theme: { system: "Theme: system", light: "Theme: light", dark: "Theme: dark" },
  help: "Help",
  close: "Close",

  draw: "Draw",
  invitation: "Draw here",
  invitationHow: "with mouse, finger or pen",
  paper: "Drawing paper",
  paperRole: "drawing",
  paperHow: "Arrow keys move the pen, Space puts it down or lifts it. Press ? for all keys.",
  undo: "Undo",
  clear: "Clear",
  pen: "Pen",
  eraser: "Eraser",
  thickness: "Thickness",
  openPicture: "Open picture",
  pictureHow: "or drop one anywhere, or paste it",
  examples: "Test images",
  previous: "Previous test image",
  next: "Next test image",
  exampleOf: (number, count) => `${number} / ${count}`,
  rightAnswer: (name) => `Right answer: ${name}`,
  showsPicture: (name) => `Picture: ${name}`,
  penDown: "Pen down",
  penUp: "Pen up",
  penAt: (across, down) => `Pen at ${across} % across, ${down} % down`,

  answer: "Answer",
  model: "Network",
  secondModel: "Compare with",
  noSecondModel: "No other network",
  openModel: "Open model file",
  saw: "What the network saw",
  sawSize: (width, height) => `${width} × ${height} pixels`,
  listOf: (what, parts) => `${what}: ${parts.join(", ")}`,
  sawWhole: "the test image as it is",
  sawCut: "cut out of the dashed frame",
  sawAll: "of the whole picture",
  nothing: "Nothing to be seen",
  nothingShort: "–",
  none: "None of these",
  sure: (percent) => `${percent} sure`,
  notEnough: (name, percent, needed) => `nearest: ${name}, ${percent}; ${needed} needed`,
  ratherNone: (name, percent, none) => `nearest: ${name}, ${percent}; none of these: ${none}`,
  tooFar: (name, distance, most) => `nearest: ${name}, but unlike it: distance ${distance}, at most ${most}`,
  severalParts: "There seem to be several symbols. The network expects one.",
  right: "Right",
  wrong: "Wrong",
  probabilities: "Probabilities",
  className: "Class",
  probability: "Probability",
  others: (count) => `${count} more classes`,
  line: (percent) => `The line: an answer needs ${percent}.`,
  disagree: (first, second) => `The two disagree: “${first}” and “${second}”.`,
  agree: "Both give the same answer.",
  announce: (model, answer) => `${model}: ${answer}`,

  inside: "Inside the network",
  insideHow:
    "Point at a value, or reach it with Tab and the arrow keys, to see what it is made of. A tap, a click or Enter keeps it.",
  insideOf: "Layers of",
  legend: (low, high) => `from ${low} to ${high}`,
  mapsShape: (shape) => shape.join(" × "),
  layerAlternative: (name, shape, low, high) => `${name}, ${shape}, values from ${low} to ${high}`,
  mapsRole: "layer",
  mapsHow: "Arrow keys choose a value, Page Up and Page Down a map, Enter pins it.",
  input: "Input",
  inputWhat: "the image, normalised",
  convolutionWhat: (filters, size, padding) =>
    `${filters} filters of ${size}` + (padding ? `, padding ${padding}` : ""),
  normalised: "each map or unit scaled and shifted",
  poolingWhat: { average: (size) => `means of ${size}`, max: (size) => `largest of ${size}` },
  adaptiveWindow: "equal parts",
  paddingWhat: "rows and columns put round it",
  residualWhat: "the sum of two paths from the layer before",
  subsamplingWhat: "weighted sums of 2×2",
  denseWhat: (inputs) => `each sees all ${inputs} values`,
  distancesWhat: "how near each class's pattern is",
  activationWhat: {
    relu: "negative becomes 0",
    sigmoid: "squeezed between 0 and 1",
    tanh: "squeezed between −1 and 1",
    gelu: "negative comes near 0",
    leaky_relu: "negative becomes much smaller",
    elu: "negative is squeezed",
    silu: "negative comes near 0",
    hard_swish: "negative comes near 0",
    softplus: "negative comes near 0, smoothly",
    scaled_tanh: "squeezed between −1.7 and 1.7",
  },
  logitsWhat: "the classes' scores, before they become probabilities",

  reasons: "What is behind it",
  reasonsEmpty: "Choose a value in a layer. Its inputs and weights are shown here.",
  place: ({ channel, row, column, index }) =>
    index === undefined
      ? `map ${channel + 1}, row ${row + 1}, column ${column + 1}`
      : `unit ${index + 1}`,
  placeOfPixel: ({ row, column }) => `row ${row + 1}, column ${column + 1}`,
  unitOf: (layer, place) => `${layer}, ${place}`,
  fieldSize: (rows, columns) => `It depends on ${rows} × ${columns} pixels of the image.`,
  pixelSum: "The pixel, from 0 to 255, becomes (pixel / 255 − mean) / deviation:",
  patch: "Values",
  weights: "Weights",
  sum: "Sum",
  mapNumber: (number) => `Map ${number}`,
  image: "Image",
  restOfMaps: (count) => `${count} more maps`,
  restOfUnits: (count) => `${count} more units`,
  bias: "Bias",
  total: "Value",
  from: "From",
  value: "Value",
  weight: "Weight",
  product: "Product",
  distance: "−(value − weight)²",
  allNumbers: (count) => `All ${count} numbers`,
  unpin: "Let go",

  notAPicture: (name) => `${name} is no picture that this browser can read. Try a PNG or a JPEG.`,
  deepPicture: (name) =>
    `${name} has 16 bits, and the browser keeps the upper 8 of them. “lenet predict” reads it on the scale of the training.`,
  pictureTooLarge: (name) => `${name} has too many pixels. Make it smaller first.`,
  notAModel: (name, why) => `${name} can't be used as a model. ${why}`,
  modelNotFetched: (name) => `The model ${name} can't be fetched. Is the server still running?`,
  noCore:
    "This browser can't compute what the page shows: that takes WebAssembly with SIMD and DecompressionStream, which Chrome and Edge have from version 91 on, Firefox from 113, Safari from 16.4.",
  noMemory:
    "This browser gives the page no more memory. Close other pages, and load this one again.",
  notPrepared: "This network takes neither grey nor coloured pictures; step through its test images.",
  modelAdded: (name) => `${name} is opened and compared.`,
  dismiss: "Dismiss the message",
  dropHere: "Drop the picture or model file",
  pasted: "Pasted picture",

  helpTitle: "How to use this page",
  helpDraw:
    "Draw, open a picture, or step through test images. At every stroke you see what the network makes of it. Size and place don't matter: what you draw is cut out and fitted as the training images were.",
  helpNone:
    "An answer that is not likely enough becomes “none of these”. From which probability on was measured on images held out from training. So does one where the network takes the picture for none of its classes, as it may have learnt to, or for unlike anything it learnt.",
  helpInside:
    "Colours: orange is positive, blue is negative, the ground is 0. The frame on the image shows the pixels that a value depends on.",
  helpPrivate: "Everything is computed in this page. What you draw and open does not leave it.",
  keys: "Keys",
  keysPaper: "On the drawing paper",
  keysLayer: "On a layer",
  keysEverywhere: "Everywhere",
  keyList: {
    paper: [
      ["← ↑ → ↓", "move the pen (with Shift: in small steps)"],
      ["Space", "put the pen down or lift it"],
      ["E", "pen or eraser"],
      ["+ −", "thicker, thinner"],
      ["Delete", "clear"],
      ["N P", "next, previous test image"],
      ["?", "this help"],
    ],
    layer: [
      ["← ↑ → ↓", "choose a value"],
      ["Page Up, Page Down", "previous, next map"],
      ["Enter", "pin it"],
      ["Esc", "let go"],
    ],
    everywhere: [
      ["Ctrl Z", "undo"],
      ["Ctrl V", "paste a picture"],
      ["Tab", "go on to the next control"],
    ],
  },
  classes: /** @type {Record<string, string>} */ ({ _none: "none" }),
  percent: (number) => `${number}\u00a0%`, // on one line
};

/** @type {typeof ENGLISH} */
const CHINESE = {
  code: "zh-CN",
  other: "English",
  title: "LeNet 实验台",
  skip: "跳到答案",
  switchLanguage: "切换为英文",
  theme: { system: "主题：跟随系统", light: "主题：浅色", dark: "主题：深色" },
  help: "帮助",
  close: "关闭",

  draw: "画图",
  invitation: "在这里画",
  invitationHow: "用鼠标、手指或手写笔",
  paper: "画纸",
  paperRole: "画板",
  paperHow: "方向键移动画笔，空格键落笔或抬笔。按 ? 查看全部按键。",
  undo: "撤销",
  clear: "清空",
  pen: "画笔",
  eraser: "橡皮",
  thickness: "粗细",
  openPicture: "打开图片",
  pictureHow: "也可以拖放或粘贴图片",
  examples: "测试图像",
  previous: "上一张测试图像",
  next: "下一张测试图像",
  exampleOf: (number, count) => `${number} / ${count}`,
  rightAnswer: (name) => `正确答案：${name}`,
  showsPicture: (name) => `图片：${name}`,
  penDown: "落笔",
  penUp: "抬笔",
  penAt: (across, down) => `画笔位于横向 ${across}%、纵向 ${down}%`,

  answer: "答案",
  model: "网络",
  secondModel: "对比网络",
  noSecondModel: "不对比",
  openModel: "打开模型文件",
  saw: "网络看到的图像",
  sawSize: (width, height) => `${width} × ${height} 像素`,
  listOf: (what, parts) => `${what}：${parts.join("，")}`,
  sawWhole: "测试图像原样输入",
  sawCut: "取自虚线框内",
  sawAll: "取自整张图片",
  nothing: "什么也没看到",
  nothingShort: "–",
  none: "都不是",
  sure: (percent) => `把握 ${percent}`,
  notEnough: (name, percent, needed) => `最接近：${name}，${percent}；需达到 ${needed}`,
  ratherNone: (name, percent, none) => `最接近：${name}，${percent}；都不是：${none}`,
  tooFar: (name, distance, most) => `最接近：${name}，但相差太远：距离 ${distance}，至多 ${most}`,
  severalParts: "图中似乎有多个符号，而网络一次只认一个。",
  right: "正确",
  wrong: "错误",
  probabilities: "各类概率",
  className: "类别",
  probability: "概率",
  others: (count) => `其余 ${count} 类`,
  line: (percent) => `虚线：达到 ${percent} 才作答。`,
  disagree: (first, second) => `两个网络意见不同：“${first}”和“${second}”。`,
  agree: "两个网络答案相同。",
  announce: (model, answer) => `${model}：${answer}`,

  inside: "网络内部",
  insideHow: "指向某个数值，或用 Tab 和方向键选中它，就能看到它由什么算出。点按、单击或按回车可固定它。",
  insideOf: "显示哪个网络的各层",
  legend: (low, high) => `${low} 到 ${high}`,
  mapsShape: (shape) => shape.join(" × "),
  layerAlternative: (name, shape, low, high) => `${name}，${shape}，数值 ${low} 到 ${high}`,
  mapsRole: "网络层",
  mapsHow: "方向键选择数值，Page Up 和 Page Down 切换特征图，回车键固定。",
  input: "输入",
  inputWhat: "归一化后的图像",
  convolutionWhat: (filters, size, padding) =>
    `${filters} 个 ${size} 卷积核` + (padding ? `，填充 ${padding}` : ""),
  normalised: "每个特征图或单元缩放并平移",
  poolingWhat: { average: (size) => `${size} 平均汇聚`, max: (size) => `${size} 最大汇聚` },
  adaptiveWindow: "等分区域的",
  paddingWhat: "四周填充若干行和列",
  residualWhat: "上一层经两条路径后的结果之和",
  subsamplingWhat: "2×2 加权求和",
  denseWhat: (inputs) => `全连接，每个单元看到全部 ${inputs} 个数值`,
  distancesWhat: "与每一类的模式有多接近",
  activationWhat: {
    relu: "负数变为 0",
    sigmoid: "压缩到 0 和 1 之间",
    tanh: "压缩到 −1 和 1 之间",
    gelu: "负数接近 0",
    leaky_relu: "负数缩小很多",
    elu: "负数被压缩",
    silu: "负数接近 0",
    hard_swish: "负数接近 0",
    softplus: "负数平滑地接近 0",
    scaled_tanh: "压缩到 −1.7 和 1.7 之间",
  },
  logitsWhat: "各类得分，之后换算成概率",

  reasons: "这个数值从何而来",
  reasonsEmpty: "在某一层里选一个数值，这里会显示它的输入和权重。",
  place: ({ channel, row, column, index }) =>
    index === undefined
      ? `第 ${channel + 1} 张特征图，第 ${row + 1} 行，第 ${column + 1} 列`
      : `第 ${index + 1} 个单元`,
  placeOfPixel: ({ row, column }) => `第 ${row + 1} 行，第 ${column + 1} 列`,
  unitOf: (layer, place) => `${layer}，${place}`,
  fieldSize: (rows, columns) => `它取决于图像中的 ${rows} × ${columns} 个像素。`,
  pixelSum: "像素值（0 到 255）换算为（像素 / 255 − 均值）/ 标准差：",
  patch: "数值",
  weights: "权重",
  sum: "和",
  mapNumber: (number) => `特征图 ${number}`,
  image: "图像",
  restOfMaps: (count) => `其余 ${count} 张特征图`,
  restOfUnits: (count) => `其余 ${count} 个单元`,
  bias: "偏置",
  total: "结果",
  from: "来源",
  value: "数值",
  weight: "权重",
  product: "乘积",
  distance: "−（数值 − 权重）²",
  allNumbers: (count) => `全部 ${count} 个数`,
  unpin: "松开",

  notAPicture: (name) => `浏览器无法读取图片 ${name}。请试试 PNG 或 JPEG。`,
  deepPicture: (name) =>
    `${name} 是 16 位图片，浏览器只保留高 8 位。“lenet predict” 会按训练时的数值范围读取它。`,
  pictureTooLarge: (name) => `${name} 的像素太多，请先缩小。`,
  notAModel: (name, why) => `${name} 不能作为模型使用。${why}`,
  modelNotFetched: (name) => `无法取得模型 ${name}。服务器还在运行吗？`,
  noCore:
    "这个浏览器无法进行本页的计算：需要带 SIMD 的 WebAssembly 和 DecompressionStream（Chrome 和 Edge 91、Firefox 113、Safari 16.4 起支持）。",
  noMemory: "浏览器不再给本页分配内存。请关闭其他页面，再重新载入本页。",
  notPrepared: "这个网络的输入既不是灰度图也不是彩色图；请翻看它的测试图像。",
  modelAdded: (name) => `已打开 ${name}，并开始对比。`,
  dismiss: "关闭消息",
  dropHere: "松开以打开图片或模型文件",
  pasted: "粘贴的图片",

  helpTitle: "怎样使用本页",
  helpDraw:
    "动手画、打开图片，或翻看测试图像。每画一笔，都能看到网络的判断。大小和位置不要紧：画出的内容会像训练图像那样裁切、缩放并居中。",
  helpNone:
    "概率不够高的答案会变成“都不是”。这个界限是在训练时未用过的图像上测得的。如果网络认为图片不属于任何类别（它可能专门学过这一点），或者图片与它学过的一切都不相像，答案也是“都不是”。",
  helpInside: "颜色：橙色为正，蓝色为负，底色为 0。图像上的方框标出一个数值所依赖的像素。",
  helpPrivate: "一切都在本页内计算。你画的和打开的内容不会离开本页。",
  keys: "按键",
  keysPaper: "在画纸上",
  keysLayer: "在网络层上",
  keysEverywhere: "任何地方",
  keyList: {
    paper: [
      ["← ↑ → ↓", "移动画笔（按住 Shift 为小步）"],
      ["空格", "落笔或抬笔"],
      ["E", "画笔或橡皮"],
      ["+ −", "加粗，变细"],
      ["Delete", "清空"],
      ["N P", "下一张、上一张测试图像"],
      ["?", "打开帮助"],
    ],
    layer: [
      ["← ↑ → ↓", "选择数值"],
      ["Page Up，Page Down", "上一张、下一张特征图"],
      ["回车", "固定"],
      ["Esc", "松开"],
    ],
    everywhere: [
      ["Ctrl Z", "撤销"],
      ["Ctrl V", "粘贴图片"],
      ["Tab", "前往下一个控件"],
    ],
  },
  classes: {
    _none: "都不是",
    "t-shirt": "T恤",
    trouser: "裤子",
    pullover: "套衫",
    dress: "连衣裙",
    coat: "外套",
    sandal: "凉鞋",
    shirt: "衬衫",
    sneaker: "运动鞋",
    bag: "包",
    "ankle boot": "短靴",
  },
  percent: (number) => `${number}%`,
};

/** @type {Record<string, typeof ENGLISH>} */
const LANGUAGES = { en: ENGLISH, zh: CHINESE };

/** The words of the language that is spoken; `words.undo`, `words.sure("99 %")`. */
export let words = ENGLISH;

/** Speak a language: `en` or `zh`; another one is taken for English.
 * @type {(language: string) => void} */
export function speak(language) {
  words = Object.hasOwn(LANGUAGES, language) ? LANGUAGES[language] : ENGLISH;
  document.documentElement.lang = words.code;
  document.title = words.title;
  for (const element of elementsWith("word")) element.textContent = say(element.dataset.word);
  for (const element of elementsWith("label")) {
    element.setAttribute("aria-label", say(element.dataset.label));
    if (element.localName === "button") element.title = say(element.dataset.label);
  }
}

/** @type {(name: string) => NodeListOf<HTMLElement>} */
function elementsWith(name) {
  return document.querySelectorAll(`[data-${name}]`);
}

/** A word by its name, with what is put into it.
 * @type {(name?: string, ...parts: string[]) => string} */
export function say(name = "", ...parts) {
  const word = /** @type {Words} */ (words)[name];
  return typeof word === "function" ? word(...parts) : String(word);
}

/** What a class is called: known names in the language that is spoken, others as they are.
 * @type {(name: string) => string} */
export function nameOfClass(name) {
  return Object.hasOwn(words.classes, name) ? words.classes[name] : name;
}

/** A probability in per cent; none is ever quite 0 or 100. @type {(share: number) => string} */
export function inPercent(share) {
  const text = (100 * share).toFixed(1);
  return words.percent({ "0.0": "<\u00a00.1", "100.0": ">\u00a099.9" }[text] ?? text);
}

/** A number of three digits, with a proper minus. @type {(number: number) => string} */
export function inDigits(number) {
  const size = Math.abs(number);
  const text = size !== 0 && size < 0.001 ? number.toExponential(1) : `${+number.toPrecision(3)}`;
  return text.replaceAll("-", "−");
}
