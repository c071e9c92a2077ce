/** Text with `**bold**`, `==marked==`, `++orange++` and `--blue--` parts. */

import type { JSX } from "preact";

const MARKS: Record<string, (text: string) => JSX.Element> = {
  "**": (text) => <b>{text}</b>,
  "==": (text) => <mark>{text}</mark>,
  "++": (text) => <span class="pos">{text}</span>,
  "--": (text) => <span class="neg">{text}</span>,
};

export function Say({ text }: { text: string }) {
  const parts = text.split(/(\*\*|==|\+\+|--)(.+?)\1/);
  const shown: (string | JSX.Element)[] = [];
  for (let index = 0; index < parts.length; index += 3) {
    shown.push(parts[index]!);
    const mark = MARKS[parts[index + 1] ?? ""];
    if (mark) shown.push(mark(parts[index + 2]!));
  }
  return <>{shown}</>;
}
