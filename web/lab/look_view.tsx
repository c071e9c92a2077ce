/** The stage, and which network stands on it. */

import { useEffect } from "preact/hooks";
import { words } from "../words/lab.ts";
import { Look } from "./look.tsx";
import type { Networks } from "./networks.ts";

export function LookView({ networks }: { networks: Networks }) {
  const { names, chosen, shown } = networks;
  const say = words.value;
  useEffect(() => void networks.choose(chosen.peek() ?? names[0]!), []);
  return (
    <main class="look-view">
      <label class="which">
        <span class="unseen">{say.network}</span>
        <select
          name="network"
          value={chosen.value ?? ""}
          onChange={({ currentTarget }) => void networks.choose(currentTarget.value)}
        >
          {names.map((name) => (
            <option key={name} value={name}>{name || say.trained}</option>
          ))}
        </select>
      </label>
      {shown.value && (
        <Look key={shown.value.key} network={shown.value.network} examples={shown.value.examples} />
      )}
    </main>
  );
}
