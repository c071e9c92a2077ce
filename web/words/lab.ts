/** The words of the bar on top and of what all views share. */

import { computed } from "@preact/signals";
import { language } from "../lab/preferences.ts";

const ENGLISH = {
  title: "LeNet lab",
  views: { look: "Look", train: "Train", teach: "Teach", experiments: "Experiments" },
  viewsOf: "Views",
  otherLanguage: "中文",
  switchLanguage: "中文：切换为中文",
  theme: "Light or dark",
  present: "Large type, for a room",
  network: "Network",
  trained: "the one in Train",
};

const CHINESE: typeof ENGLISH = {
  title: "LeNet 实验室",
  views: { look: "看", train: "训练", teach: "教", experiments: "实验" },
  viewsOf: "页面",
  otherLanguage: "English",
  switchLanguage: "English: switch to English",
  theme: "浅色或深色",
  present: "大字，适合投影",
  network: "网络",
  trained: "“训练”里的网络",
};

/** Of two collections of words, the one of the language that is spoken. */
export function inLanguage<Words>(english: Words, chinese: Words) {
  return computed(() => (language.value === "zh" ? chinese : english));
}

export const words = inLanguage(ENGLISH, CHINESE);
