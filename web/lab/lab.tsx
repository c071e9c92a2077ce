/** The page. */

import "./tokens.css";
import "./lab.css";
import { render } from "preact";
import { chooseCore } from "../../src/lenet/playground/native_core.js";
import type { Experiment } from "../experiments/experiments.ts";
import { Experiments } from "../experiments/state.ts";
import { ExperimentsView } from "../experiments/view.tsx";
import { Teach } from "../teach/state.ts";
import { TeachView } from "../teach/view.tsx";
import { Trainings } from "../training/state.ts";
import { Train } from "../training/train.tsx";
import { readPageData } from "./page_data.ts";
import { followLink, view } from "./link.ts";
import { LookView } from "./look_view.tsx";
import { Networks } from "./networks.ts";
import { Shell } from "./shell.tsx";

const data = readPageData();
const isRelaxed = chooseCore().includes("relaxed");
const trainings = new Trainings(data, isRelaxed);
const networks = new Networks(data, trainings);
const teach = new Teach(data, networks.core, isRelaxed);
const experiments = new Experiments(data, isRelaxed);

async function openInTrain({ settings, varied }: Experiment) {
  view.value = "train";
  await trainings.choose(data.sets[0]!.name);
  trainings.become(settings, varied);
}

render(
  <Shell
    views={{
      look: () => <LookView networks={networks} />,
      train: () => <Train trainings={trainings} />,
      teach: () => <TeachView teach={teach} />,
      experiments: () => (
        <ExperimentsView experiments={experiments} onTrain={(one) => void openInTrain(one)} />
      ),
    }}
  />,
  document.getElementById("lab")!,
);
await followLink(trainings);
