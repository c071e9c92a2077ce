import re
from pathlib import Path

import numpy as np

from lenet.datasets import Split
from lenet.errors import ExportError
from lenet.export._trained_network import Decided, Runner, Shares, TrainedNetwork, Written
from lenet.models import with_layers
from lenet.pictures import Pixels
from lenet.playground import (
    PlaygroundModel,
    build_playground,
    choose_examples,
    find_javascript_engine,
)

_DATA = re.compile(r'<script type="application/json" id="page-data">(.*?)</script>', re.DOTALL)
_SCRIPT = re.compile(r'<script type="module">(.*?)</script>', re.DOTALL)
# The page's script stops at the first line that wants a page; what it says before stands then.
_ANSWER_ALL = """
const AsyncFunction = (async () => {}).constructor;
const said = new TextDecoder().decode(inputs.script);
const partsOf = await new Promise((done, fail) => {
  const body = `done(() => ({ Network, decide, readModel, unpack, unpackCore }));\\n${said}`;
  new AsyncFunction("document", "done", body)(undefined, done).catch(fail);
});
const parts = partsOf();
const { core, models } = JSON.parse(new TextDecoder().decode(inputs.data));
const model = parts.readModel(await parts.unpack(models[0].packed));
const network = new parts.Network(await parts.unpackCore(core), model);
const size = model.card.input_shape.reduce((product, length) => product * length, 1);
const [answers, decided] = [[], []];
for (let start = 0; start < inputs.images.length; start += size) {
  const image = inputs.images.subarray(start, start + size);
  const { probabilities } = network.run(image);
  const { index, isSure } = parts.decide(model.card, probabilities);
  answers.push(...probabilities);
  decided.push(isSure ? index : -1);
}
return new Uint8Array(Float64Array.from([...decided, ...answers]).buffer);
"""


def write_html(trained: TrainedNetwork, folder: Path) -> Written:
    """Write the playground with a network in it as one page, which works without a server."""
    engine = find_javascript_engine()
    model = PlaygroundModel(trained.name, with_layers(trained.path.read_bytes()))
    examples = choose_examples(Split(trained.images, trained.labels))
    page = build_playground([model], examples={trained.name: examples})
    path = folder / "model.html"
    path.write_text(page, encoding="utf-8")
    facts = (("size", f"{path.stat().st_size / 1000:.1f} kB"), ("run by", engine.name))
    # An engine starts in a second, so it is started once.
    return Written(
        path, run_html(path), batch_sizes=(1,), images_a_run=len(trained.images), facts=facts
    )


def run_html(path: Path) -> Runner:
    """How the script of a written page answers for the model in it, without showing the page."""
    engine = find_javascript_engine()
    page = path.read_text(encoding="utf-8")
    data, script = _DATA.search(page), _SCRIPT.search(page)
    if data is None or script is None:
        message = f"`{path}` is not a page with a model in it."
        raise ExportError(message)
    inputs = {"data": data[1].encode(), "script": script[1].encode()}

    def run(images: Pixels) -> tuple[Shares, Decided]:
        answered = engine.run(_ANSWER_ALL, {**inputs, "images": images.tobytes()})
        decided, shares = np.split(np.frombuffer(answered, np.float64), [len(images)])
        return shares.reshape(len(images), -1), decided.astype(np.int64)

    return run
