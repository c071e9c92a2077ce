/** What a person chose of the page's looks; kept where the browser keeps such things. */

import { computed, effect, signal } from "@preact/signals";

const LAPTOP = 1280; // pixels

export type Language = "en" | "zh";
export type Theme = "light" | "dark";

export const language = signal<Language>(
  (recall("language") ?? navigator.language).startsWith("zh") ? "zh" : "en",
);
const system = matchMedia("(prefers-color-scheme: dark)");
const isSystemDark = signal(system.matches);
system.addEventListener("change", () => (isSystemDark.value = system.matches));
const chosenTheme = signal(recall("theme"));
/** What was chosen, else the system's. */
export const theme = computed<Theme>(() =>
  (chosenTheme.value ? chosenTheme.value === "dark" : isSystemDark.value) ? "dark" : "light",
);
/** Large type for a room: what a laptop's window holds fills this one. */
export const presents = signal(false);

effect(() => {
  const { documentElement: root } = document;
  root.lang = language.value === "zh" ? "zh-CN" : "en";
  root.dataset.theme = theme.value;
  root.dataset.presents = `${presents.value}`;
  const zoom = presents.value ? Math.max(1, innerWidth / LAPTOP) : 1;
  root.style.setProperty("zoom", `${zoom}`);
  root.style.setProperty("--zoom", `${zoom}`); // by which heights of the window are too large
});

export function switchLanguage() {
  language.value = language.value === "en" ? "zh" : "en";
  remember("language", language.value);
}

export function switchTheme() {
  chosenTheme.value = theme.value === "light" ? "dark" : "light";
  remember("theme", chosenTheme.value);
}

function recall(name: string): string | null {
  try {
    return localStorage.getItem(`lenet-${name}`);
  } catch {
    return null; // cookies are forbidden, for example
  }
}

function remember(name: string, value: string) {
  try {
    localStorage.setItem(`lenet-${name}`, value);
  } catch {
    // then it holds until the page is closed
  }
}
