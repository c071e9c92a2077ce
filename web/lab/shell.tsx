/** The bar on top, and the view that is chosen. */

import type { ComponentChildren } from "preact";
import { words } from "../words/lab.ts";
import { Icon } from "./icons.tsx";
import { type View, view } from "./link.ts";
import { language, presents, switchLanguage, switchTheme } from "./preferences.ts";

const VIEWS: readonly View[] = ["look", "train", "teach", "experiments"];

export function Shell({ views }: { views: Partial<Record<View, () => ComponentChildren>> }) {
  const say = words.value;
  const shown = views[view.value];
  return (
    <>
      <header class="top">
        <span class="name">{say.title}</span>
        <nav aria-label={say.viewsOf}>
          {VIEWS.filter((name) => views[name]).map((name) => (
            <a
              key={name}
              href={`#${name}`}
              aria-current={view.value === name ? "page" : undefined}
              onClick={(event) => {
                event.preventDefault();
                scrollTo(0, 0);
                view.value = name;
              }}
            >
              {say.views[name]}
            </a>
          ))}
        </nav>
        <span class="end">
          <button
            type="button"
            class="b plain"
            lang={language.value === "en" ? "zh-CN" : "en"}
            aria-label={say.switchLanguage}
            onClick={switchLanguage}
          >
            {say.otherLanguage}
          </button>
          <button type="button" class="b plain" aria-label={say.theme} title={say.theme} onClick={switchTheme}>
            <Icon name="theme" />
          </button>
          <button
            type="button"
            class="b plain"
            aria-label={say.present}
            title={say.present}
            aria-pressed={presents.value}
            onClick={() => (presents.value = !presents.value)}
          >
            <Icon name="present" />
          </button>
        </span>
      </header>
      {shown?.()}
    </>
  );
}
