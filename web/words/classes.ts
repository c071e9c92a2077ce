/** What classes are called: known names in the language that is spoken, others as they are. */

import { language } from "../lab/preferences.ts";

const CHINESE: Record<string, string> = {
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
};

export function nameOfClass(name: string): string {
  return (language.value === "zh" && CHINESE[name]) || name;
}
