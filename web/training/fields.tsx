/** The settings of a training, as a form. */

import { count } from "../lab/numbers.ts";
import { words } from "../words/training.ts";
import { type Field, commandOf, fieldsOf, withField } from "./settings.ts";
import type { Training } from "./state.ts";

export function Fields({ training }: { training: Training }) {
  const { settings, sets, setName, set, written } = training;
  const fields = fieldsOf(settings.value.model);
  const say = words.value;
  const show = (field: Field) => <SettingField key={field.name} field={field} training={training} />;
  return (
    <form class="settings" aria-label={say.settings} onSubmit={(event) => event.preventDefault()}>
      <label class="field wide">
        <span>{say.data}</span>
        <select
          name="data"
          value={setName.value}
          onChange={({ currentTarget }) => void training.choose(currentTarget.value)}
        >
          {sets.map(({ name }) => <option key={name} value={name}>{name}</option>)}
        </select>
        {set.value && (
          <span class="muted">
            {say.images(count(set.value.train.labels.length), count(set.value.test.labels.length))}
          </span>
        )}
      </label>
      {fields.filter(({ isMore }) => !isMore).map(show)}
      <details class="wide">
        <summary>{say.more}</summary>
        <div class="settings">{fields.filter(({ isMore }) => isMore).map(show)}</div>
      </details>
      <div class="field wide">
        <span>{say.terminal}</span>
        <code>{commandOf(settings.value, written.value?.source ?? setName.value)}</code>
      </div>
    </form>
  );
}

function SettingField({ field, training }: { field: Field; training: Training }) {
  const { name, kind, choices } = field;
  const value = textOf(training.settings.value[name]);
  const change = ({ currentTarget }: { currentTarget: HTMLSelectElement | HTMLInputElement }) =>
    training.change(withField(training.settings.value, field, currentTarget.value));
  return (
    <label class="field">
      <span>{words.value[name as keyof typeof words.value] as string}</span>
      {kind === "choice" ? (
        <select name={name} value={value} onChange={change}>
          {choices.map((choice) => <option key={`${choice}`} value={`${choice}`}>{shown(choice)}</option>)}
        </select>
      ) : (
        <>
          <input name={name} value={value} list={`${name}-usual`} onChange={change} inputMode="decimal" />
          <datalist id={`${name}-usual`}>
            {choices.map((choice) => <option key={`${choice}`} value={textOf(choice)} />)}
          </datalist>
        </>
      )}
    </label>
  );
}

function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join(", ") : `${value}`;
}

function shown(choice: unknown): string {
  if (typeof choice === "boolean") return choice ? words.value.yes : words.value.no;
  return choice === "sgd" || choice === "mlp" ? choice.toUpperCase() : `${choice}`;
}
