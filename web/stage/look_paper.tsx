/** The paper of the view: what is drawn on it, or a test image. */

import { Paper } from "../drawing/paper.tsx";
import type { LookState } from "../lab/look_state.ts";
import { words } from "../words/look.ts";
import { Image } from "./image.tsx";

export function LookPaper({ state: { drawing, erases, example, network } }: { state: LookState }) {
  return (
    <Paper
      drawing={drawing}
      erases={erases}
      onBegin={() => {
        example.value = null;
      }}
      label={words.value.paper}
      how={words.value.paperHow}
    >
      {example.value && <Image image={example.value.image} shape={network.card.input_shape} />}
    </Paper>
  );
}
