/** The settings of a training, as a form. */

import { count } from "../lab/numbers.ts";
import { words } from "../words/training.ts";
import { Command } from "./command.tsx";
import { type Field, commandOf, fieldsOf, textOf, withField } from "./settings.ts";
import type { Trainings } from "./state.ts";

export function Fields({ trainings }: { trainings: Trainings }) {
  const { settings, varied, sets, setName, set, written } = trainings;
  const fields = fieldsOf(settings.value.model);
  const say = words.value;
  const show = (field: Field) => <SettingField key={field.name} field={field} trainings={trainings} />;
  return (
    <form class="settings" aria-label={say.settings} onSubmit={(event) => event.preventDefault()}>
      <label class="field wide">
        <span>{say.data}</span>
        <select
          name="data"
          value={setName.value}
          onChange={({ currentTarget }) => void trainings.choose(currentTarget.value)}
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
        <Command text={commandOf(settings.value, varied.value, written.value?.source ?? setName.value)} />
      </div>
    </form>
  );
}

function SettingField({ field, trainings }: { field: Field; trainings: Trainings }) {
  const { name, choices } = field;
  const { settings, varied } = trainings;
  const say = words.value;
  const label = say[name as keyof typeof say] as string;
  const other = varied.value[name];
  const isVaried = other !== undefined;
  const start = choices.find((choice) => String(choice) !== String(settings.value[name]));
  const vary = (value: unknown) => trainings.vary(name, value as never);
  return (
    <div class={isVaried ? "field changed" : "field"}>
      <span>
        <label for={`set-${name}`}>{label}</label>
        <button
          type="button"
          class="vary"
          aria-pressed={isVaried}
          aria-label={say.vary(label)}
          title={say.vary(label)}
          onClick={() => vary(isVaried ? undefined : start)}
        >
          ≠
        </button>
      </span>
      <Control
        id={`set-${name}`}
        field={field}
        value={settings.value[name]}
        change={(text) => trainings.change(withField(settings.value, field, text))}
      />
      {isVaried && (
        <Control
          id={`vary-${name}`}
          label={say.other(label)}
          field={field}
          value={other}
          change={(text) => vary(withField(settings.value, field, text)[name])}
        />
      )}
    </div>
  );
}

type ControlProperties = {
  id: string;
  label?: string;
  field: Field;
  value: unknown;
  change: (text: string) => void;
};

function Control({ id, label, field: { name, kind, choices }, value, change }: ControlProperties) {
  const common = {
    id,
    name: id,
    value: textOf(value),
    "aria-label": label,
    onChange: ({ currentTarget }: { currentTarget: HTMLSelectElement | HTMLInputElement }) =>
      change(currentTarget.value),
  };
  if (kind === "choice") {
    return (
      <select {...common}>
        {choices.map((choice) => <option key={`${choice}`} value={`${choice}`}>{shown(choice)}</option>)}
      </select>
    );
  }
  return (
    <>
      <input {...common} list={`${name}-usual`} inputMode="decimal" autocomplete="off" />
      <datalist id={`${name}-usual`}>
        {choices.map((choice) => <option key={`${choice}`} value={textOf(choice)} />)}
      </datalist>
    </>
  );
}

function shown(choice: unknown): string {
  if (typeof choice === "boolean") return choice ? words.value.yes : words.value.no;
  return choice === "sgd" || choice === "mlp" ? choice.toUpperCase() : `${choice}`;
}
