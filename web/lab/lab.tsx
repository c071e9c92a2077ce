/** The page. */

import "./tokens.css";
import "./lab.css";
import { render } from "preact";
import { chooseCore } from "../../src/lenet/playground/native_core.js";
import type { Experiment } from "../experiments/experiments.ts";
import { Experiments } from "../experiments/state.ts";
import { ExperimentsView } from "../experiments/view.tsx";
import { followTheme } from "../stage/palette.ts";
import { Teach } from "../teach/state.ts";
import { TeachView } from "../teach/view.tsx";
import { Trainings } from "../training/state.ts";
import { Train } from "../training/train.tsx";
import { readPageData, unpackProgram } from "./page_data.ts";
import { followLink, view } from "./link.ts";
import { LookView } from "./look_view.tsx";
import { Networks } from "./networks.ts";
import { Shell } from "./shell.tsx";

followTheme();
const data = readPageData();
const plain = unpackProgram(data.core);
const isRelaxed = chooseCore().includes("relaxed");
const program = isRelaxed && data.relaxed_core ? unpackProgram(data.relaxed_core) : plain;
const trainings = new Trainings(data, program);
const networks = new Networks(data, plain, trainings);
const teach = new Teach(data, networks.core, program);
const experiments = new Experiments(data, program);

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
