/**
 * Buttons, keys, and what is dropped or pasted: each is passed on to the page.
 */

import { DIRECTIONS } from "./map_layout.js";
import { words } from "./words.js";

/** @param {import("./app.js").Playground} page */
export function listenToPage(page) {
  listenToButtons(page);
  listenToKeys(page);
  listenToFiles(page);
  const sizes = new ResizeObserver(() => page.measure());
  sizes.observe(document.querySelector("main"));
  sizes.observe(elementOf("paper"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => page.schedule());
}

function listenToButtons(page) {
  const { paper } = page;
  const pressed = {
    language: () => page.switchLanguage(),
    theme: () => page.switchTheme(),
    "help-open": openHelp,
    "help-close": () => elementOf("help").close(),
    undo: () => paper.undo(),
    clear: () => paper.clear(),
    eraser: () => switchEraser(page),
    previous: () => page.step(-1),
    next: () => page.step(1),
    unpin: () => page.letGo(),
    "open-picture": () => elementOf("picture-file").click(),
    "open-model": () => elementOf("model-file").click(),
  };
  for (const [id, press] of Object.entries(pressed)) elementOf(id).addEventListener("click", press);
  elementOf("notice").querySelector("button").addEventListener("click", () => page.tell(null));
  const chosen = {
    "first-model": (name) => page.choose(0, name),
    "second-model": (name) => page.choose(1, name),
    "inside-model": (place) => page.lookInside(Number(place)),
    thickness: (percent) => setThickness(page, Number(percent)),
  };
  for (const [id, choose] of Object.entries(chosen)) {
    elementOf(id).addEventListener("input", ({ target }) => choose(target.value));
  }
}

function listenToKeys(page) {
  const { paper } = page;
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
  elementOf("paper").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [across, down, maps] = DIRECTIONS[event.key] ?? [0, 0, 1];
    const press = pressed[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!maps) {
      paper.moveKeyPen(across, down, event.shiftKey);
      const place = [paper.keyPen.x, paper.keyPen.y].map((share) => Math.round(100 * share));
      page.announceSoon(() => words.penAt(...place));
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

function listenToFiles(page) {
  for (const id of ["picture-file", "model-file"]) {
    elementOf(id).addEventListener("change", ({ target }) => {
      const [file] = target.files;
      target.value = ""; // the same file can be opened again
      if (file) page.open(file);
    });
  }
  document.addEventListener("paste", ({ clipboardData }) => {
    const [file] = clipboardData.files;
    if (file) page.open(file);
  });
  const holdsFiles = ({ dataTransfer }) => dataTransfer.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    elementOf("drop").hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) elementOf("drop").hidden = true;
  });
  document.addEventListener("drop", (event) => {
    elementOf("drop").hidden = true;
    if (!holdsFiles(event)) return;
    event.preventDefault();
    page.open(event.dataTransfer.files[0]);
  });
}

function switchEraser(page) {
  page.paper.erases = !page.paper.erases;
  page.schedule();
}

function setThickness(page, percent) {
  const slider = elementOf("thickness");
  slider.value = percent; // which keeps it in its range
  page.paper.thickness = Number(slider.value) / 100;
  page.schedule();
}

function openHelp() {
  elementOf("help").showModal();
}

function elementOf(id) {
  return document.getElementById(id);
}
