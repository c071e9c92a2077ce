/** The words of the experiments. */

import type { Experiment } from "../experiments/experiments.ts";
import { inLanguage } from "./lab.ts";

type Text = { question: string; what: string; notice: string };

const ENGLISH = {
  lead: "Guess first. Then let the networks answer.",
  guessFirst: "Which one gets more test images right in the end?",
  better: (name: string) => name,
  same: "about the same",
  trains: "They learn …",
  rightGuess: "You guessed right.",
  wrongGuess: "You guessed otherwise.",
  ends: (right: number, one: string, rightOther: number, other: string) =>
    `Of 100 test images ${right} are right with ${one}, and ${rightOther} with ${other}.`,
  notice: "What to notice.",
  otherwise: "That is not what usually comes out: chance has a share in so few images. Try another seed in Train.",
  again: "Guess again",
  toTrain: "Open in Train",
  terminal: "The same in a terminal",
  unanswered: "not answered yet",
  done: "answered",
  texts: {
    initialisation: {
      question: "Same network, two first days. Will both wake up?",
      what: "sigmoid: Xavier or PyTorch",
      notice:
        "Look at the gradients before the first step, in Train. PyTorch's own weights are too small for " +
        "sigmoids: each layer answers nearly the same to every image, and hardly any gradient comes back " +
        "to the first one.",
    },
    learningRate: {
      question: "What does 0.9 do to ReLU?",
      what: "learning rate 0.1 or 0.9",
      notice:
        "Sigmoids are flat and want large steps; ReLU is steep. At 0.9 the first steps throw the weights " +
        "so far that all units are 0 for every image: no gradient is left to bring them back.",
    },
    batch: {
      question: "The same images, sixteen times fewer steps. As good?",
      what: "batch size 64 or 1024",
      notice:
        "Both have seen every image ten times. But weights change once a batch: 64 images a step make 940 " +
        "steps of them, 1,024 only 60.",
    },
    channels: {
      question: "Four times the channels: four times as good?",
      what: "channels 3, 8 or 12, 32",
      notice:
        "Eight times the work, and hardly a difference: in ten epochs of few images the size of the " +
        "network is not what holds it back.",
    },
    pooling: {
      question: "Average or maximum: who keeps more?",
      what: "average or maximum pooling",
      notice:
        "The maximum keeps a thin stroke, the average keeps how much of it there was. On garments they " +
        "come out about alike; with sigmoids the maximum is ahead.",
    },
    kernel: {
      question: "Does a larger window see more?",
      what: "kernels of 3 × 3 or 7 × 7",
      notice:
        "Smaller kernels leave larger maps, and more weights for the first dense layer: 81,194 in all " +
        "instead of 33,434. The accuracies are within chance of each other.",
    },
  } satisfies Record<Experiment["name"], Text> as Record<Experiment["name"], Text>,
};

const CHINESE: typeof ENGLISH = {
  lead: "先猜一猜，再让网络来回答。",
  guessFirst: "最后哪一个答对的测试图片更多？",
  better: (name) => name,
  same: "差不多",
  trains: "正在学习……",
  rightGuess: "你猜对了。",
  wrongGuess: "和你猜的不一样。",
  ends: (right, one, rightOther, other) =>
    `100 张测试图片，用${one} 答对 ${right} 张，用 ${other} 答对 ${rightOther} 张。`,
  notice: "注意什么。",
  otherwise: "这次的结果和通常的不同：图片这么少，运气也有一份。可以在“训练”里换一个随机种子试试。",
  again: "再猜一次",
  toTrain: "在“训练”里打开",
  terminal: "在终端里做同样的事",
  unanswered: "还没有回答",
  done: "已回答",
  texts: {
    initialisation: {
      question: "同样的网络，不同的起点，两个都能开窍吗？",
      what: "sigmoid：Xavier 还是 PyTorch",
      notice:
        "到“训练”里看看第一步之前的梯度。PyTorch 自带的初始权重对 sigmoid 来说太小：每一层对所有图片的回答" +
        "几乎一样，传回第一层的梯度所剩无几。",
    },
    learningRate: {
      question: "0.9 会把 ReLU 怎么样？",
      what: "学习率 0.1 还是 0.9",
      notice:
        "sigmoid 很平，需要大步子；ReLU 很陡。学习率 0.9 时，头几步就把权重甩得太远，所有单元对每张图片都是 0，" +
        "再没有梯度能把它们拉回来。",
    },
    batch: {
      question: "图片一样多，步数只有十六分之一，还一样好吗？",
      what: "批量大小 64 还是 1024",
      notice: "两个网络都把每张图片看了十遍。但每个批量才更新一次权重：批量 64 走了 940 步，1024 只走了 60 步。",
    },
    channels: {
      question: "通道数变成四倍，就好四倍吗？",
      what: "通道数 3, 8 还是 12, 32",
      notice: "计算量是八倍，结果却差不多：图片少、只学十轮的时候，网络的大小不是瓶颈。",
    },
    pooling: {
      question: "平均还是最大，谁留下的更多？",
      what: "平均汇聚还是最大汇聚",
      notice: "最大汇聚留住细细的一笔，平均汇聚留住这一笔有多少。在服装图片上两者差不多；换成 sigmoid，最大汇聚领先。",
    },
    kernel: {
      question: "窗口大一些，就看得更多吗？",
      what: "3 × 3 还是 7 × 7 的卷积核",
      notice:
        "卷积核小，特征图就大，第一个全连接层的权重就多：一共 81,194 个，而不是 33,434 个。精度之差在运气的范围之内。",
    },
  },
};

export const words = inLanguage(ENGLISH, CHINESE);
