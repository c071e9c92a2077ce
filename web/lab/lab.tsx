/** The page. */

import "./tokens.css";
import "./lab.css";
import { render } from "preact";
import { chooseCore } from "../../src/lenet/playground/native_core.js";
import { Trainings } from "../training/state.ts";
import { Train } from "../training/train.tsx";
import { readPageData } from "./page_data.ts";
import { Shell } from "./shell.tsx";

const data = readPageData();
const trainings = new Trainings(data, chooseCore().includes("relaxed"));
render(<Shell views={{ train: () => <Train trainings={trainings} /> }} />, document.getElementById("lab")!);
await trainings.choose(data.sets[0]!.name);
