/** Teach: give examples, draw, try it, take it along. */

import { useMemo } from "preact/hooks";
import { Icon } from "../lab/icons.tsx";
import { percent } from "../lab/numbers.ts";
import { Tile } from "../lab/tile.tsx";
import { Paper } from "../drawing/paper.tsx";
import { Meter } from "../training/layers.tsx";
import { Say } from "../words/say.tsx";
import { words } from "../words/teach.ts";
import { type OwnClass, SETTINGS, type Teach } from "./state.ts";
import "./teach.css";

const KEPT_ADDRESS = 10_000; // milliseconds; by then a download has begun

export function TeachView({ teach }: { teach: Teach }) {
  return (
    <main class="teach">
      <h1 class="say" aria-live="polite">{sentenceOf(teach)}</h1>
      <Classes teach={teach} />
      <Draw teach={teach} />
      <div class="outcome">
        <Try teach={teach} />
        <Take teach={teach} />
      </div>
    </main>
  );
}

/** How it stands. */
function sentenceOf({ lack, isTraining, isOutdated, taught, training, classes, unreadable, isKept }: Teach): string {
  const say = words.value;
  if (unreadable.value !== null) return say.unreadable(unreadable.value);
  if (isTraining.value) return say.trains(training.report.value?.epoch ?? 0, SETTINGS.epochs);
  if (training.refusal.value) return training.refusal.value;
  if (lack.value) return say.lacks[lack.value];
  if (!isKept.value) return say.notKept;
  if (!taught.value) return say.ready(countOf(classes.value), classes.value.length);
  if (isOutdated.value) return say.outdated;
  const { report, set, learnt, isHeldOut } = taught.value;
  const accuracy = report.curve.at(-1)!.testAccuracy!;
  const count = isHeldOut ? set.test.labels.length : learnt;
  return say[isHeldOut ? "heldOut" : "notHeldOut"](Math.round(accuracy * count), count);
}

const countOf = (classes: OwnClass[]) => classes.reduce((sum, { images }) => sum + images.length, 0);

function Classes({ teach }: { teach: Teach }) {
  const say = words.value;
  return (
    <section class="own-classes">
      <h2>{say.give}</h2>
      {teach.classes.value.map((one, index) => (
        <Class key={index} teach={teach} one={one} index={index} />
      ))}
      <div class="row">
        <button type="button" class="b" onClick={() => teach.addClass()}>+ {say.another}</button>
        <button type="button" class="b" disabled={!teach.canUndo.value} onClick={() => teach.undo()}>
          {say.undoExample}
        </button>
      </div>
    </section>
  );
}

function Class({ teach, one: { name, images }, index }: { teach: Teach; one: OwnClass; index: number }) {
  const say = words.value;
  const take = (files?: FileList | null) => void teach.addPictures(index, [...(files ?? [])]); // the list empties with its field
  teach.drawing.version.value; // which says whether there is something to add
  return (
    <section
      class="own-class"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        take(event.dataTransfer?.files);
      }}
    >
      <div>
        <input
          value={name}
          aria-label={say.name(index + 1)}
          onInput={({ currentTarget }) => teach.rename(index, currentTarget.value)}
        />
        <p class="small muted">{say.count(images.length)}</p>
        <div class="row">
          <button
            type="button"
            class="b add"
            aria-label={say.addTo(name)}
            disabled={teach.drawing.isEmpty}
            onClick={() => teach.addDrawing(index)}
          >
            {say.add}
          </button>
          <label class="b file">
            {say.pictures}
            <input
              type="file"
              class="unseen"
              accept="image/*"
              multiple
              onChange={({ currentTarget }) => {
                take(currentTarget.files);
                currentTarget.value = "";
              }}
            />
          </label>
          <button type="button" class="b plain" aria-label={say.remove(name)} onClick={() => teach.removeClass(index)}>
            ×
          </button>
        </div>
      </div>
      <div class="thumbnails">
        {images.map((image, place) => <Thumbnail key={place} image={image} label={`${name} ${place + 1}`} />)}
      </div>
    </section>
  );
}

function Thumbnail({ image, label }: { image: Uint8Array; label: string }) {
  const values = useMemo(() => Float32Array.from(image, (value) => value / 255), [image]);
  return <div class="thumbnail"><Tile values={values} width={28} scale="amount" label={label} /></div>;
}

function Draw({ teach }: { teach: Teach }) {
  const say = words.value;
  const { drawing, erases, isTraining, lack, taught, classes } = teach;
  return (
    <section class="draw">
      <h2>{say.draw}</h2>
      <div class="own-paper">
        <Paper drawing={drawing} erases={erases} onBegin={() => {}} label={say.paper} how={say.paperHow} />
      </div>
      <div class="row">
        <button type="button" class="b" disabled={!drawing.canUndo.value} onClick={() => drawing.undo()}>
          {say.undo}
        </button>
        <button type="button" class="b" disabled={!drawing.version.value} onClick={() => drawing.clear()}>
          {say.clear}
        </button>
      </div>
      <button
        type="button"
        class="b learn"
        disabled={isTraining.value || lack.value !== null}
        onClick={() => void teach.train()}
      >
        <Icon name="play" />
        {taught.value ? say.again : say.train(countOf(classes.value))}
      </button>
      {isTraining.value && (
        <progress max={SETTINGS.epochs} value={teach.training.report.value?.epoch ?? 0} aria-label={sentenceOf(teach)} />
      )}
      <p class="small muted">{say.shifted}</p>
    </section>
  );
}

function Try({ teach: { taught, probabilities } }: { teach: Teach }) {
  const say = words.value;
  const shares = probabilities.value;
  const names = taught.value?.set.classNames ?? [];
  const likeliest = shares ? shares.indexOf(Math.max(...shares)) : -1;
  return (
    <section class="try">
      <h2>{say.try}</h2>
      {names.map((name, index) => (
        <div key={name} class={`said ${index === likeliest ? "likeliest" : ""}`}>
          <span>{name}</span>
          <span class="number">{shares ? percent(shares[index]!) : ""}</span>
          <Meter share={shares?.[index] ?? 0} />
        </div>
      ))}
      <p>
        {shares ? (
          <Say text={say.says(names[likeliest]!, percent(shares[likeliest]!))} />
        ) : taught.value ? say.nothing : say.notYet}
      </p>
    </section>
  );
}

function Take({ teach }: { teach: Teach }) {
  const say = words.value;
  const { value: taught } = teach.taught;
  const hasNames = !["unnamed", "twice", "noFolder"].includes(teach.lack.value ?? "");
  if (!taught && !countOf(teach.classes.value)) return null;
  return (
    <section class="take">
      <h2>{say.take}</h2>
      {taught && (
        <button type="button" onClick={() => save(teach.modelFile(taught), "model.safetensors")}>
          <b>model.safetensors</b>
          <span class="small">{say.model}</span>
        </button>
      )}
      <button
        type="button"
        disabled={!hasNames}
        onClick={async () => save(await teach.examplesFile(), "examples.zip")}
      >
        <b>examples.zip</b>
        <span class="small">{say.examples}</span>
      </button>
    </section>
  );
}

function save(file: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_ADDRESS);
}
