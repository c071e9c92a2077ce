/** Why a network does not learn and what to try, in words; in English they are the terminal's. */

import type { Diagnosis, Remedy } from "../training/protocol.ts";
import { generalText, percentText } from "./python_text.ts";

type Sick = Diagnosis["sick"][number];

const rateText = (rate: number) => generalText(rate, 2);

/** The sentences of a diagnosis, in a row. */
export function diagnosisText(diagnosis: Diagnosis, language: "en" | "zh"): string {
  return (language === "zh" ? chineseText : englishText)(diagnosis);
}

function englishText({ loss, chance, sick, remedies }: Diagnosis): string {
  const layers = sick.map(
    ({ name, title, share, how }) => `layer ${name} (${title}) is ${percentText(share)} ${how}`,
  );
  const findings = layers.length ? ` L${layers.join(", ").slice(1)}.` : "";
  return (
    `Not learning: the loss is ${loss.toFixed(3)}, and guessing gives ${chance.toFixed(3)}.` +
    `${findings} ${remedies.map(englishRemedy).join(" ")}`
  );
}

function englishRemedy(remedy: Remedy): string {
  const few = "try a smaller `batch_size` or more `epochs`.";
  switch (remedy.word) {
    case "largerInitialWeights": {
      const isPyTorch = remedy.initialisation === "pytorch";
      const which = isPyTorch ? "PyTorch's own initial weights" : "Initial weights of 0.01";
      return `${which} are too small for sigmoids: try \`initialisation\` xavier.`;
    }
    case "smallerSteps":
      return `Smaller steps may do it: try \`learning_rate\` ${rateText(remedy.learningRate)}.`;
    case "largerSteps":
      return `Larger steps may do it: try \`learning_rate\` ${rateText(remedy.learningRate)}.`;
    case "largerStepsForSigmoids":
      return `Sigmoids need large steps: try \`learning_rate\` ${rateText(remedy.learningRate)}.`;
    case "moreSteps":
      return `${englishSteps(remedy.steps)} few: ${few}`;
    case "moreStepsForSigmoids":
      return `${englishSteps(remedy.steps)} few for sigmoids, which need about 300 to begin: ${few}`;
    case "relu":
      return (
        "ReLU begins sooner: try `activation` relu with `learning_rate` " +
        `${rateText(remedy.learningRate)}.`
      );
    case "anotherRate":
      return (
        "Try a `learning_rate` ten times smaller or larger, and see whether the labels belong to the " +
        "images."
      );
  }
}

const englishSteps = (steps: number) => (steps === 1 ? "1 step is" : `${steps} steps are`);

function chineseText({ loss, chance, sick, remedies }: Diagnosis): string {
  const layers = sick.map(chineseLayer);
  const findings = layers.length ? `${layers.join("，")}。` : "";
  return (
    `没有学到东西：损失是 ${loss.toFixed(3)}，瞎猜的损失是 ${chance.toFixed(3)}。` +
    `${findings}${remedies.map(chineseRemedy).join("")}`
  );
}

function chineseLayer({ name, title, share, how }: Sick): string {
  const what = how === "dead" ? "单元已经失活" : "输出已经饱和";
  return `第 ${name} 层（${title}）有 ${percentText(share)} 的${what}`;
}

function chineseRemedy(remedy: Remedy): string {
  const few = "试试更小的 `batch_size` 或更多的 `epochs`。";
  switch (remedy.word) {
    case "largerInitialWeights": {
      const isPyTorch = remedy.initialisation === "pytorch";
      const which = isPyTorch ? "PyTorch 自带的初始权重" : "标准差为 0.01 的初始权重";
      return `${which}对 sigmoid 来说太小：试试把 \`initialisation\` 设为 xavier。`;
    }
    case "smallerSteps":
      return `步子小一些也许就行：试试把 \`learning_rate\` 设为 ${rateText(remedy.learningRate)}。`;
    case "largerSteps":
      return `步子大一些也许就行：试试把 \`learning_rate\` 设为 ${rateText(remedy.learningRate)}。`;
    case "largerStepsForSigmoids":
      return `sigmoid 需要大步子：试试把 \`learning_rate\` 设为 ${rateText(remedy.learningRate)}。`;
    case "moreSteps":
      return `只走了 ${remedy.steps} 步，太少：${few}`;
    case "moreStepsForSigmoids":
      return `只走了 ${remedy.steps} 步，对 sigmoid 来说太少，它大约要 300 步才开始学：${few}`;
    case "relu":
      return (
        "ReLU 起步更快：试试把 `activation` 设为 relu，`learning_rate` 设为 " +
        `${rateText(remedy.learningRate)}。`
      );
    case "anotherRate":
      return "试试把 `learning_rate` 缩小或放大十倍，再看看标签和图片是否对得上。";
  }
}
