import shlex

from lenet.models import CUSTOM, SEQUENTIAL, model_config
from lenet.results.reporting._wording import as_typed
from lenet.runs import NETWORK_FILE, RunConfig
from lenet.training import preset_for


def training_command(config: RunConfig) -> str:
    """The command that trains a network again as a run did.

    Weights of a network that was handed over ready-built are not to be had from it.

    >>> import tempfile, lenet
    >>> run = lenet.train(dataset="digits", epochs=1, threads=1, runs_folder=tempfile.mkdtemp(),
    ...                   listeners=[])
    >>> training_command(run.config)
    'lenet train --data digits --preset digits --seed 0 --device cpu --threads 1 --epochs 1'
    """
    preset = preset_for(config.dataset, config.preset)
    data = [config.dataset] if config.source is None else config.source.as_options()
    words = ["lenet", "train", "--data", *data, "--preset", config.preset]
    if config.model == SEQUENTIAL:
        words += ["--network", NETWORK_FILE]
    elif config.model != preset.model:
        words += ["--model", config.model]
    words += ["--seed", str(config.seed), "--device", config.device]
    words += ["--threads", str(config.threads)]
    if config.kernels == "torch" and config.device == "cpu":
        words += ["--kernels", "torch"]
    settings = config.settings.to_dict()
    usual = dict(settings)
    if config.model not in (SEQUENTIAL, CUSTOM):
        shape = {name: settings[name] for name in ("input_shape", "classes")}
        from_preset = preset.settings if config.model == preset.model else {}
        usual = model_config(config.model, {**shape, **from_preset}).to_dict()
    usual |= preset.recipe.to_dict()
    for name, value in {**settings, **config.recipe.to_dict()}.items():
        if value == usual[name]:
            continue
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", as_typed(value)]
    return shlex.join(words)
