/** The words of the view in which a network learns. */

import type { Settings } from "../training/protocol.ts";
import { inLanguage } from "./lab.ts";

const ENGLISH = {
  play: "Play",
  pause: "Pause",
  step: "Step",
  epoch: "Epoch",
  restart: "Start again",
  bar: "Training",
  walk: "Walk through one step",
  walkBack: "Back to the curve",
  nextStep: "Make this step, and look at the next one",
  walkForward: "Forward: these images, one loss",
  ofImages: (shown: number, all: number) => (shown < all ? `${shown} of ${all} images of this step` : `${all} images`),
  lossOf: "mean loss",
  walkBackward: "Backward: how much would the loss change, if a weight were a little larger?",
  gradientOf: "gradient of the weights",
  walkUpdate: "Update: each weight moves a little against its gradient",
  kernelBefore: (name: string, index: number) => `${name}, kernel ${index}, before`,
  unitBefore: (name: string, index: number) => `${name}, unit ${index}, before`,
  gradient: "gradient",
  change: "change",
  after: "after",
  previousKernel: "Previous kernel",
  nextKernel: "Next kernel",
  walkAgain: "The same images again",
  before: "before",
  rowColumn: (row: number, column: number) => `row ${row}, column ${column}`,
  moved: (weights: string) => `${weights} numbers moved a little in the right direction.`,
  strayed: "The loss rose: the step was too long for this place.",
  walked: (before: string, after: string) => `One step: the loss of its images goes from ${before} to ${after}.`,

  data: "Data",
  images: (train: string, test: string) => `${train} to learn from, ${test} to test`,
  unreadable: (name: string) =>
    `The images of ${name} can't be read: the server may have stopped, or memory may be short.`,
  settings: "Settings",
  model: "Network",
  channels: "Channels",
  kernel_size: "Kernel",
  pooling: "Pooling",
  padding: "Padding",
  dense_widths: "Dense units",
  activation: "Activation",
  batch_norm: "Batch norm",
  initialisation: "Initialisation",
  optimiser: "Optimiser",
  learning_rate: "Learning rate",
  momentum: "Momentum",
  weight_decay: "Weight decay",
  batch_size: "Batch",
  epochs: "Epochs",
  shift: "Shift",
  flip: "Mirror",
  seed: "Seed",
  more: "More",
  yes: "yes",
  no: "no",
  terminal: "The same in a terminal",
  vary: (setting: string) => `${setting}: compare with another value`,
  other: (setting: string) => `${setting} of the other training`,

  at: (epoch: number, epochs: number, step: string) => `epoch ${epoch} of ${epochs}, step ${step}`,
  speed: (rate: string) => `${rate} images/s`,

  begin: "Nothing is learnt yet. Press Play, or take one step.",
  first: (right: number) => `The first epoch is under way: ${right} of 100 images are right so far.`,
  stands: (epochs: number) =>
    epochs === 1
      ? "After one epoch it still guesses."
      : `After ${epochs} epochs it still guesses.`,
  woke: (epochs: number, right: number) =>
    `It stood still for ${epochs === 1 ? "one epoch" : `${epochs} epochs`}, then it woke up. ` +
    `Now ${right} of 100 test images are right.`,
  learns: (epochs: number, right: number) =>
    `After ${epochs === 1 ? "one epoch" : `${epochs} epochs`} ${right} of 100 test images are right.`,
  overfits: (train: number, test: number) =>
    `It knows ${train} of 100 training images, but ${test} of 100 new ones: it learns by heart.`,

  beginBoth: (one: string, other: string) =>
    `Two trainings on the same images, ${one} and ${other}. Which one will learn?`,
  both: (epochs: number, one: string, right: number, other: string, rightOther: number) =>
    `After ${epochs === 1 ? "one epoch" : `${epochs} epochs`} ${right} of 100 test images are right ` +
    `with ${one}, and ${rightOther} with ${other}.`,

  learning: "Learning:",
  guessing: "Guessing:",
  standing: (loss: string, chance: string) => `the loss is ${loss}, and guessing gives ${chance}.`,

  curve: "The curve",
  epochAxis: "epoch",
  trainLoss: "train loss",
  trainAccuracy: "train accuracy",
  testAccuracy: "test accuracy",
  chart: (ends: string) => `Lines over the epochs: ${ends}`,
  guess: "guessing",
  testAccuracyOfBoth: "Test accuracy",
  gradientsOfBoth: "Size of the gradients",
  kernelsOfBoth: (name: string) => `Kernels of ${name}: start, and now`,
  movedBy: "moved by",
  onAverage: "on average",
  imageInBoth: "The same image in both",

  layers: "Layer by layer",
  spread: "spread of the answers",
  gradients: "size of the gradients",
  atStart: "before the first step",

  kernels: (name: string) => `The kernels of ${name}, from the start to now`,
  units: (name: string) => `What the units of ${name} look for, from the start to now`,
  someOf: (shown: number, all: number) => `${shown} of ${all}`,
  start: "start",
  atStep: (step: number) => `step ${step}`,
  atEpoch: (epoch: number) => `epoch ${epoch}`,
  now: "now",
  kernelAlternative: (index: number, when: string) => `kernel ${index}, ${when}`,

  image: "This image, now",
  testImage: (number: number) => `test image ${number}`,
  truth: (name: string) => `truth: ${name}`,
  previous: "Previous image",
  next: "Next image",
};

const CHINESE: typeof ENGLISH = {
  play: "开始",
  pause: "暂停",
  step: "一步",
  epoch: "一轮",
  restart: "从头开始",
  bar: "训练",
  walk: "走一遍一步",
  walkBack: "回到曲线",
  nextStep: "走这一步，再看下一步",
  walkForward: "前向：这些图片，一个损失",
  ofImages: (shown, all) => (shown < all ? `这一步的 ${all} 张图片中的 ${shown} 张` : `${all} 张图片`),
  lossOf: "平均损失",
  walkBackward: "反向：某个权重大一点点，损失会变多少？",
  gradientOf: "权重的梯度",
  walkUpdate: "更新：每个权重逆着自己的梯度挪一点",
  kernelBefore: (name, index) => `${name}，第 ${index} 个卷积核，之前`,
  unitBefore: (name, index) => `${name}，第 ${index} 个单元，之前`,
  gradient: "梯度",
  change: "改变",
  after: "之后",
  previousKernel: "上一个卷积核",
  nextKernel: "下一个卷积核",
  walkAgain: "同样的图片再来一次",
  before: "之前",
  rowColumn: (row, column) => `第 ${row} 行，第 ${column} 列`,
  moved: (weights) => `${weights} 个数都朝对的方向挪了一点。`,
  strayed: "损失反而变大了：在这个地方，步子迈得太大。",
  walked: (before, after) => `一步：这些图片的损失从 ${before} 变为 ${after}。`,

  data: "数据",
  images: (train, test) => `训练图片 ${train} 张，测试图片 ${test} 张`,
  unreadable: (name) => `无法读取 ${name} 的图片：服务器可能已停止，或者内存不够。`,
  settings: "设置",
  model: "网络",
  channels: "通道数",
  kernel_size: "卷积核",
  pooling: "汇聚",
  padding: "填充",
  dense_widths: "全连接单元",
  activation: "激活函数",
  batch_norm: "批量规范化",
  initialisation: "初始化",
  optimiser: "优化器",
  learning_rate: "学习率",
  momentum: "动量",
  weight_decay: "权重衰减",
  batch_size: "批量大小",
  epochs: "轮数",
  shift: "平移",
  flip: "镜像",
  seed: "随机种子",
  more: "更多",
  yes: "是",
  no: "否",
  terminal: "在终端里做同样的事",
  vary: (setting) => `${setting}：与另一个值比较`,
  other: (setting) => `另一个训练的${setting}`,

  at: (epoch, epochs, step) => `第 ${epoch} 轮，共 ${epochs} 轮，第 ${step} 步`,
  speed: (rate) => `每秒 ${rate} 张`,

  begin: "还什么都没学。按“开始”，或者先走一步。",
  first: (right) => `第一轮进行中：到目前为止，100 张里答对 ${right} 张。`,
  stands: (epochs) => `过了 ${epochs} 轮，它仍然在猜。`,
  woke: (epochs, right) => `它有 ${epochs} 轮停滞不前，然后开了窍。现在 100 张测试图片答对 ${right} 张。`,
  learns: (epochs, right) => `学了 ${epochs} 轮，100 张测试图片答对 ${right} 张。`,
  overfits: (train, test) =>
    `训练图片 100 张认得 ${train} 张，新图片却只认得 ${test} 张：它在死记硬背。`,

  beginBoth: (one, other) => `两个训练用同样的图片：${one} 和 ${other}。哪一个能学会？`,
  both: (epochs, one, right, other, rightOther) =>
    `学了 ${epochs} 轮，100 张测试图片，用${one} 答对 ${right} 张，用 ${other} 答对 ${rightOther} 张。`,

  learning: "在学习：",
  guessing: "还在猜：",
  standing: (loss, chance) => `损失是 ${loss}，瞎猜是 ${chance}。`,

  curve: "曲线",
  epochAxis: "轮",
  trainLoss: "训练损失",
  trainAccuracy: "训练精度",
  testAccuracy: "测试精度",
  chart: (ends) => `随轮数变化的曲线：${ends}`,
  guess: "瞎猜",
  testAccuracyOfBoth: "测试精度",
  gradientsOfBoth: "梯度的大小",
  kernelsOfBoth: (name) => `${name} 的卷积核：开始和现在`,
  movedBy: "平均移动了",
  onAverage: "",
  imageInBoth: "同一张图片",

  layers: "逐层来看",
  spread: "输出的离散程度",
  gradients: "梯度的大小",
  atStart: "第一步之前",

  kernels: (name) => `${name} 的卷积核，从开始到现在`,
  units: (name) => `${name} 各单元在找什么，从开始到现在`,
  someOf: (shown, all) => `${all} 个中的 ${shown} 个`,
  start: "开始",
  atStep: (step) => `第 ${step} 步`,
  atEpoch: (epoch) => `第 ${epoch} 轮`,
  now: "现在",
  kernelAlternative: (index, when) => `卷积核 ${index}，${when}`,

  image: "这张图片，现在",
  testImage: (number) => `测试图片 ${number}`,
  truth: (name) => `正确答案：${name}`,
  previous: "上一张",
  next: "下一张",
};

export const words = inLanguage(ENGLISH, CHINESE);

/** What a setting is called within a sentence. */
export function labelOf(name: keyof Settings): string {
  const label = words.value[name as keyof typeof ENGLISH] as string;
  return label.charAt(0).toLowerCase() + label.slice(1);
}
