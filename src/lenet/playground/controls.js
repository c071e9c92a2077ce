/**
 * Buttons, keys, and what is dropped or pasted: each is passed on to the page.
 */

import { byId, find } from "./elements.js";
import { DIRECTIONS } from "./map_layout.js";
import { words } from "./words.js";

/** @param {Page} page */
export function listenToPage(page) {
  listenToButtons(page);
  listenToKeys(page);
  listenToFiles(page);
  const sizes = new ResizeObserver(() => page.measure());
  sizes.observe(find(document, "main"));
  sizes.observe(byId("paper"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => page.schedule());
}

/** @type {(page: Page) => void} */
function listenToButtons(page) {
  const { paper } = page;
  const pressed = {
    language: () => page.switchLanguage(),
    theme: () => page.switchTheme(),
    "help-open": openHelp,
    "help-close": () => byId("help").close(),
    undo: () => paper.undo(),
    clear: () => paper.clear(),
    eraser: () => switchEraser(page),
    previous: () => page.step(-1),
    next: () => page.step(1),
    unpin: () => page.letGo(),
    "open-picture": () => byId("picture-file").click(),
    "open-model": () => byId("model-file").click(),
  };
  for (const [id, press] of Object.entries(pressed)) byId(id).addEventListener("click", press);
  find(byId("notice"), "button").addEventListener("click", () => page.tell(null));
  whenChosen("first-model", (name) => page.choose(0, name));
  whenChosen("second-model", (name) => page.choose(1, name));
  whenChosen("inside-model", (place) => page.lookInside(Number(place)));
  whenChosen("thickness", (percent) => setThickness(page, Number(percent)));
}

/** @type {(id: "thickness" | "first-model" | "second-model" | "inside-model",
 *   choose: (value: string) => void) => void} */
function whenChosen(id, choose) {
  const element = byId(id);
  element.addEventListener("input", () => choose(element.value));
}

/** @type {(page: Page) => void} */
function listenToKeys(page) {
  const { paper } = page;
  /** @type {Record<string, () => void>} */
  const pressed = {
    " ": () => {
      paper.pressKeyPen();
      page.announceSoon(() => (paper.keyPen.isDown ? words.penDown : words.penUp), 0);
    },
    e: () => switchEraser(page),
    "+": () => setThickness(page, 100 * paper.thickness + 1),
    "=": () => setThickness(page, 100 * paper.thickness + 1), // + without Shift
    "-": () => setThickness(page, 100 * paper.thickness - 1),
    Delete: () => paper.clear(),
    Backspace: () => paper.clear(),
    n: () => page.step(1),
    p: () => page.step(-1),
    "?": openHelp,
  };
  byId("paper").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [across, down, maps] = DIRECTIONS[event.key] ?? [0, 0, 1];
    const press = pressed[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!maps) {
      paper.moveKeyPen(across, down, event.shiftKey);
      const [x, y] = [paper.keyPen.x, paper.keyPen.y].map((share) => Math.round(100 * share));
      page.announceSoon(() => words.penAt(x, y));
    } else if (press) {
      press();
    } else {
      return;
    }
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") page.letGo();
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !event.shiftKey) {
      paper.undo();
      event.preventDefault();
    }
  });
}

/** @type {(page: Page) => void} */
function listenToFiles(page) {
  for (const id of /** @type {const} */ (["picture-file", "model-file"])) {
    const input = byId(id);
    input.addEventListener("change", () => {
      const file = input.files?.[0];
      input.value = ""; // the same file can be opened again
      if (file) page.open(file);
    });
  }
  document.addEventListener("paste", ({ clipboardData }) => {
    const file = clipboardData?.files[0];
    if (file) page.open(file);
  });
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    byId("drop").hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) byId("drop").hidden = true;
  });
  document.addEventListener("drop", (event) => {
    byId("drop").hidden = true;
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    page.open(event.dataTransfer.files[0]);
  });
}

/** @type {(page: Page) => void} */
function switchEraser(page) {
  page.paper.erases = !page.paper.erases;
  page.schedule();
}

/** @type {(page: Page, percent: number) => void} */
function setThickness(page, percent) {
  const slider = byId("thickness");
  slider.value = `${percent}`; // which keeps it in its range
  page.paper.thickness = Number(slider.value) / 100;
  page.schedule();
}

function openHelp() {
  byId("help").showModal();
}
