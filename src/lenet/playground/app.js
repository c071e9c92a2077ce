/**
 * The page: what lies on the paper, the networks that look at it, and what is shown of them.
 */

import { nextTheme, recall, remember, wearTheme } from "./appearance.js";
import { listenToPage } from "./controls.js";
import { byId, fillSelect, find, showKeys } from "./elements.js";
import { FeatureMaps } from "./feature_maps.js";
import { NoMemoryError } from "./native_core.js";
import { OpeningError, isModelFile, openPicture } from "./opening.js";
import { Paper } from "./paper.js";
import { lookAt } from "./picture.js";
import { findReasons, showReasons } from "./reasons.js";
import { Shelf } from "./shelf.js";
import { Verdict, answerInWords, answerOf, takesPictures } from "./verdict.js";
import { nameOfClass, say, speak, words } from "./words.js";

const QUIET = 800; // milliseconds without a change before the answer is read out

export class Playground {
  /** @param {PageData} data */
  constructor(data) {
    this.shelf = new Shelf(data);
    this.paper = new Paper(byId("paper"), () => this.changePaper());
    this.maps = new FeatureMaps(
      byId("layers"),
      (choice, isKey) => this.point(choice, isKey),
      (choice) => this.pin(choice),
    );
    /** The models that are asked: one or two. @type {Volume[]} */
    this.volumes = [];
    /** @type {string[]} */
    this.wanted = []; // their names, of those that are still to come, too
    this.verdicts = [new Verdict(), new Verdict()];
    /** What they make of the paper; none where it has to be asked for again.
     * @type {Opinion[] | null} */
    this.opinions = null;
    this.inside = 0; // whose layers are shown
    /** @type {Example | null} */
    this.example = null; // the test image on the paper
    /** @type {Choice | null} */
    this.choice = null; // the number that is looked into
    this.isPinned = false;
    /** @type {{word: string, details: string[]} | null} */
    this.notice = null;
    /** @type {number | undefined} */
    this.frame = undefined;
    this.pictureName = "";
  }

  /** Show the page for the first time. */
  async start() {
    wearTheme(recall("theme"));
    this.speak(recall("language") ?? navigator.language.slice(0, 2));
    listenToPage(this);
    await this.choose(0, this.shelf.volumes[0].name);
  }

  /** @type {(language: string) => void} */
  speak(language) {
    speak(language);
    byId("language").textContent = words.other;
    byId("language").setAttribute("aria-label", words.switchLanguage);
    byId("language").lang = words.code === "en" ? "zh-CN" : "en";
    byId("paper").setAttribute("aria-roledescription", words.paperRole);
    showKeys(byId("keys"));
    this.nameTheme();
    this.offerModels();
    this.showSoon();
  }

  switchLanguage() {
    const language = words.code === "en" ? "zh" : "en";
    remember("language", language);
    this.speak(language);
  }

  switchTheme() {
    const theme = nextTheme();
    remember("theme", theme);
    wearTheme(theme);
    this.nameTheme();
    this.schedule();
  }

  nameTheme() {
    const { theme } = document.documentElement.dataset;
    const name = /** @type {Record<string, string>} */ (words.theme)[theme ?? "system"];
    byId("theme").setAttribute("aria-label", name);
    byId("theme").title = name;
  }

  /** Ask a model at a place, 0 or 1; none at the second one.
   * @type {(place: number, name: string) => Promise<void>} */
  async choose(place, name) {
    this.wanted[place] = name;
    await this.orNotice(async () => {
      const volume = name ? await this.shelf.take(name) : undefined;
      if (this.wanted[place] !== name) return; // another one was chosen while this one came
      const asked = /** @type {(Volume | undefined)[]} */ (this.volumes.slice());
      asked[place] = volume;
      this.volumes = [...new Set(asked)].filter((one) => one !== undefined);
      this.inside = Math.min(this.inside, this.volumes.length - 1);
      this.letGo();
      if (place === 0) this.offerExample();
      this.forgetOpinions();
    });
    this.offerModels();
  }

  /** Begin with a test image where things are hard to draw; those of another network go. */
  offerExample() {
    if (this.example) this.paper.clear();
    const [{ model, examples }] = this.volumes;
    const isHard = model.card.preparation.method !== "symbol";
    if (isHard && examples.length && this.paper.isEmpty) this.step(1);
  }

  offerModels() {
    const names = this.shelf.volumes.map(({ name }) => name);
    const [first, second] = this.volumes.map(({ name }) => name);
    fillSelect(byId("first-model"), names, names, first);
    const others = names.filter((name) => name !== first);
    fillSelect(byId("second-model"), ["", ...others], [words.noSecondModel, ...others], second);
    byId("first-choice").hidden = names.length < 2;
    byId("inside-choice").hidden = !second;
    const chosen = [first, second].filter(Boolean);
    fillSelect(byId("inside-model"), ["0", "1"], chosen, `${this.inside}`);
  }

  /** Look into the layers of one of the two. @type {(place: number) => void} */
  lookInside(place) {
    this.inside = place;
    this.letGo();
  }

  /** Open what a person brought: a picture or a model. @type {(file: File) => Promise<void>} */
  async open(file) {
    const name = file.name || words.pasted;
    await this.orNotice(async () => {
      if (isModelFile(file)) {
        await this.choose(1, await this.shelf.add(file));
        this.tell("modelAdded", this.volumes[1].name);
      } else {
        const scales = this.volumes.map(({ model }) => model.card.preparation.pixel_range ?? []);
        const picture = await openPicture(file, name, scales.some(({ length }) => length > 0));
        this.example = null;
        this.pictureName = name;
        this.paper.lay(picture);
      }
    });
  }

  /** Do something, and say in words what was wrong with a file.
   * @type {(action: () => Promise<void>) => Promise<void>} */
  async orNotice(action) {
    try {
      this.tell(null);
      await action();
    } catch (error) {
      if (!(error instanceof OpeningError)) throw error;
      this.tell(error.word, ...error.details);
    }
  }

  /** @type {(word: string | null, ...details: string[]) => void} */
  tell(word, ...details) {
    this.notice = word === null ? null : { word, details };
    this.schedule();
  }

  /** Go on by so many test images. @type {(by: number) => void} */
  step(by) {
    const examples = this.volumes[0]?.examples;
    if (!examples?.length) return;
    const count = examples.length;
    const before = this.example ? examples.indexOf(this.example) : by > 0 ? -1 : count;
    const example = examples[(before + by + count) % count];
    this.paper.lay(example.picture);
    this.example = example;
  }

  changePaper() {
    if (this.paper.picture !== this.example?.picture) this.example = null;
    this.forgetOpinions();
  }

  forgetOpinions() {
    this.opinions = null;
    this.showSoon();
  }

  /** Show it, and tell those who listen when nothing has changed for a while. */
  showSoon() {
    this.schedule();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.announceAnswer(), QUIET);
  }

  /** @type {(choice: Choice | null, isKey?: boolean) => void} */
  point(choice, isKey = false) {
    if (this.isPinned && !isKey) return;
    this.choice = choice;
    this.schedule();
    if (isKey) this.announceSoon(() => find(byId("reasons-body"), ".unit")?.innerText);
  }

  /** @type {(choice: Choice | null) => void} */
  pin(choice) {
    const isSame = JSON.stringify(choice) === JSON.stringify(this.choice);
    this.isPinned = choice !== null && !(this.isPinned && isSame);
    this.choice = choice;
    this.schedule();
  }

  letGo() {
    this.pin(null);
  }

  /** Note how much room there is; while everything is shown, that would take long. */
  measure() {
    this.paper.side = byId("paper").clientWidth;
    this.maps.width = byId("layers").clientWidth;
    this.schedule();
  }

  /** Show everything anew with the next frame of the screen. */
  schedule() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.show();
    });
  }

  show() {
    try {
      if (this.volumes.length) this.showOpinions();
    } catch (error) {
      if (!(error instanceof NoMemoryError)) throw error;
      this.notice = { word: "noMemory", details: [] };
    }
    this.showNotice();
  }

  showOpinions() {
    this.opinions ??= this.volumes.map((volume) => this.ask(volume));
    const [first] = this.opinions;
    const shown = this.opinions[this.inside];
    const reasons = this.choice && findReasons(shown.model, shown.result, this.choice);
    const { seen, isExample } = first;
    const isWhole = isExample || seen.isBlank || first.model.card.preparation.method === "plain";
    this.paper.box = isWhole ? null : seen.box;
    this.paper.show();
    this.showStage();
    this.showVerdicts(this.opinions, reasons);
    this.maps.show(shown.model, shown.result.steps, this.choice, reasons?.frames ?? []);
    this.showReasons(shown, reasons);
  }

  /** What a model makes of what is on the paper. @type {(volume: Volume) => Opinion} */
  ask({ name, model }) {
    const { card } = model;
    const owner = this.example && this.volumes[0].model.card;
    const takesItAsItIs =
      owner !== null &&
      String(owner.input_shape) === String(card.input_shape) &&
      JSON.stringify(owner.preparation) === JSON.stringify(card.preparation);
    const whole = { box: /** @type {Box} */ ([0, 0, 1, 1]), parts: 1 };
    let seen;
    if (takesItAsItIs && this.example) {
      seen = { image: this.example.image, isBlank: false, ...whole };
    } else if (takesPictures(card)) {
      seen = lookAt(model.core, this.paper.read(), card.preparation);
    } else {
      const [channels, height, width] = card.input_shape;
      seen = { image: new Uint8Array(channels * height * width), isBlank: true, ...whole };
    }
    return { name, model, seen, result: model.run(seen.image), isExample: takesItAsItIs };
  }

  /** @type {() => string | null} */
  rightName() {
    return this.example && this.volumes[0].model.card.class_names[this.example.label];
  }

  showStage() {
    const { paper, volumes, example } = this;
    byId("invitation").hidden = !paper.isEmpty;
    byId("undo").disabled = !paper.picture && !paper.drawing.canUndo;
    byId("clear").disabled = paper.isEmpty;
    byId("eraser").setAttribute("aria-pressed", `${paper.erases}`);
    const { examples } = volumes[0];
    const rightName = this.rightName() ?? "";
    byId("examples").hidden = examples.length === 0;
    byId("example").textContent = example
      ? words.exampleOf(examples.indexOf(example) + 1, examples.length)
      : words.examples;
    byId("shown").textContent = example
      ? words.rightAnswer(nameOfClass(rightName))
      : paper.picture
        ? words.showsPicture(this.pictureName)
        : "";
  }

  /** @type {(opinions: Opinion[], reasons: Reasons | null) => void} */
  showVerdicts(opinions, reasons) {
    const { verdicts } = this;
    const place = find(document, ".verdicts");
    while (place.children.length > opinions.length) place.lastChild?.remove();
    for (const [index, opinion] of opinions.entries()) {
      if (!place.children[index]) place.append(verdicts[index].element);
      const field = (index === this.inside && reasons?.field) || null;
      verdicts[index].show(opinion, this.rightName(), field);
    }
    place.classList.toggle("two", opinions.length > 1);
    const comparison = byId("comparison");
    comparison.hidden = opinions.length < 2 || this.paper.isEmpty;
    if (comparison.hidden) return;
    const [one, other] = opinions.map((opinion) => answerOf(opinion).text);
    const isSame = one === other;
    comparison.textContent = isSame ? words.agree : words.disagree(one, other);
    comparison.classList.toggle("differs", !isSame);
  }

  /** @type {(opinion: Opinion, reasons: Reasons | null) => void} */
  showReasons({ model, result, seen }, reasons) {
    const body = byId("reasons-body");
    byId("reasons").classList.toggle("chosen", reasons !== null);
    byId("unpin").hidden = !this.isPinned;
    const { choice } = this;
    if (reasons && choice) showReasons(body, model, result.steps, choice, reasons, seen.image);
    else body.textContent = words.reasonsEmpty;
  }

  showNotice() {
    const element = byId("notice");
    const text = this.notice ? say(this.notice.word, ...this.notice.details) : "";
    element.hidden = !text;
    const paragraph = find(element, "p");
    if (paragraph.textContent !== text) paragraph.textContent = text;
  }

  announceAnswer() {
    this.maps.describe();
    this.announceSoon(() => {
      if (!this.opinions || this.paper.isEmpty) return "";
      return this.opinions
        .map((opinion) => words.announce(opinion.name, answerInWords(answerOf(opinion))))
        .join(". ");
    }, 0);
  }

  /** Have something read out, unless something else follows soon.
   * @type {(say: () => string | undefined, delay?: number) => void} */
  announceSoon(say, delay = QUIET / 2) {
    clearTimeout(this.announcing);
    this.announcing = setTimeout(() => {
      byId("announcer").textContent = say() ?? "";
    }, delay);
  }
}

await new Playground(JSON.parse(byId("page-data").textContent ?? "")).start();
