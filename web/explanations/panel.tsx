/** A part of the drawer: a drawing of a certain width, as high as all others. */

import type { ComponentChildren } from "preact";

export const PANEL_HEIGHT = 160;

type Props = { width: number; title?: string; name?: string; children: ComponentChildren };

export function Panel({ width, title, name = "", children }: Props) {
  return (
    <svg
      class={`panel ${name}`}
      viewBox={`0 0 ${width} ${PANEL_HEIGHT}`}
      style={{
        width: `calc(${width} * var(--unit))`,
        height: `calc(${PANEL_HEIGHT} * var(--unit))`,
      }}
    >
      {title && (
        <text y="12" class="t2 bold">
          {title}
        </text>
      )}
      {children}
    </svg>
  );
}

/** Something to press in a drawing, with the keyboard, too. */
export function Press({
  onPress,
  label,
  children,
}: {
  onPress: () => void;
  label: string;
  children: ComponentChildren;
}) {
  return (
    <g
      class="press"
      role="button"
      tabIndex={0}
      aria-label={label}
      onClick={onPress}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        onPress();
      }}
    >
      {children}
    </g>
  );
}
