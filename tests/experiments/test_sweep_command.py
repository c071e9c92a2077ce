"""The command, as a person has it."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

import lenet
from calling import call
from lenet.experiments import Comparison, Contender, _sweep, compare_runs  # to be replaced
from lenet.runs import find_runs
from lenet.training import read_recipe_file

ROOT = Path(__file__).parents[2]
QUICK = ("--data", "digits", "--model", "softmax", "--epochs", "1")
SEARCH = ("--search", "learning_rate=log:0.01..1", "--search", "batch-size=int:64..256:64")


def test_a_sweep_prints_its_trials_and_the_next_command() -> None:
    answer = call("sweep", *QUICK, *SEARCH, "--trials", "4", "--name", "s", "--seed", "5")
    lines = answer.stdout.splitlines()
    assert re.split(r" {2,}", lines[0]) == [
        "trial",
        "validation acc",
        "epochs",
        "learning rate",
        "batch size",
    ]
    assert len([line for line in lines if re.match(r"\d+ +0\.\d{4} +1 ", line)]) == 4
    assert "4 complete" in lines
    assert any(line.startswith("Importance: ") for line in lines)
    told = answer.stderr.splitlines()
    assert "learning_rate log:0.01..1.0, batch_size 64..256:64" in told[0]
    assert re.match(r"4/4  trial 3: validation acc 0\.\d{4}, learning_rate 0\.\d+, ", told[-1])
    command = re.search(r"Next: `lenet (train .*)`", lines[-1])
    assert command is not None
    call(*command[1].split(), "--epochs", "2")
    (run,) = find_runs()
    assert run.config.recipe.epochs == 2, "an option beside the file wins"
    assert run.config.recipe.batch_size in (64, 128, 192, 256)
    again = call("sweep", *QUICK, *SEARCH, "--trials", "4", "--name", "s", "--seed", "5")
    assert again.stdout == answer.stdout
    assert "All 4 trials are made; `--trials` asks for more." in again.stderr
    more = call("sweep", "--resume", "s", "--trials", "5", "--json").stdout
    made = json.loads(more)
    assert [trial["number"] for trial in made["trials"]] == list(range(5))
    assert made["definition"]["seed"] == 5


@pytest.mark.parametrize(
    ("seeds", "rate", "verdict"),
    [
        (3, 0.0001, r"the difference counts \(p (\d|below 0)\.\d{3}\)"),
        (2, 0.09, r"within the noise \(p \d\.\d{3}\)"),
        (1, 0.0001, "one seed can't tell"),
    ],
)
def test_it_is_said_whether_the_difference_counts(
    seeds: int, rate: float, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compare(contenders: list[Contender], dataset: str, **options: Any) -> Comparison:
        """The comparison of such runs, without processes."""
        assert [contender.label for contender in contenders] == [
            "preset softmax",
            "found by the sweep",
        ]
        assert options["seeds"] == seeds
        runs = [
            lenet.train("softmax", dataset, epochs=2, seed=seed, learning_rate=r, listeners=[])
            for r in (rate, 0.1)
            for seed in range(seeds)
        ]
        compared = compare_runs(runs)
        entries = [
            dataclasses.replace(entry, label=contender.label)
            for entry, contender in zip(compared.entries, contenders, strict=True)
        ]
        return dataclasses.replace(compared, entries=tuple(entries))

    monkeypatch.setattr(_sweep, "compare", compare)
    options = ("--search", "batch_size=32,64", "--trials", "1", "--confirm", str(seeds))
    printed = call("sweep", *QUICK, *options).stdout
    spread = r" ± 0\.\d{4}" if seeds > 1 else ""
    assert "\nOn the test images of digits:\n" in printed
    for label in ("preset softmax", "found by the sweep"):
        assert re.search(rf"^  {label}: 0\.\d{{4}}{spread} \(n = {seeds}\)$", printed, re.MULTILINE)
    assert re.search(rf"^  [a-z ]+ − [a-z ]+: \+0\.\d{{4}}, {verdict}$", printed, re.MULTILINE)


def test_a_space_may_be_a_file() -> None:
    Path("space.toml").write_text(
        'model = "softmax"\nepochs = 1\n[search]\nbatch_size = [64, 128]\n'
        'learning_rate = "0.1..0.5"\n'
    )
    options = ("--data", "digits", "--space", "space.toml", "--trials", "1", "--json")
    made = json.loads(call("sweep", *options, "--search", "learning_rate=0.1,0.2").stdout)
    assert made["definition"]["search"] == {"batch_size": "64,128", "learning_rate": "0.1,0.2"}
    assert made["definition"]["model"] == "softmax"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["sweep"], 2, "nothing to search over"),
        (["sweep", "--search", "learning_rate"], 2, "should be a setting with its values"),
        (["sweep", "--search", "lerning_rate=1,2"], 2, "Did you mean `learning_rate`?"),
        (["sweep", "--search", "epochs=1,2", "--search", "epochs=3,4"], 2, "`epochs` twice"),
        (["sweep", "--model", "mlp", "--search", "momentum=0.5..1"], 2, "at least 0 and below 1"),
        (["sweep", "--space", "nowhere.toml"], 2, "no such file"),
        (["sweep", "--sampler", "tpa", "--search", "epochs=1,2"], 2, "Did you mean `tpe`?"),
        (["sweep", "--resume", "nowhere"], 11, "There is no sweep `nowhere`"),
        (["sweep", "--resume", "s", "--search", "epochs=1,2"], 2, "leave out `--search`"),
        (["sweep", "--resume", "s", "--learning-rate", "1"], 2, "leave out `--learning-rate`"),
        (["sweep", "--resume", "s", "--no-prune"], 2, "leave out `--prune`"),
        (["sweep", "--storage", "sqlite:///x", "--search", "epochs=1,2"], 2, "URL of a PostgreSQL"),
        (["train", "--recipe", "nowhere.toml"], 2, "no such file"),
        (["train", "--resume", "latest", "--recipe", "x.toml"], 2, "leave out `--recipe`"),
    ],
)
def test_a_mistake_is_one_clear_line(arguments: list[str], code: int, words: str) -> None:
    if arguments[0] == "sweep" and "--resume" not in arguments:
        arguments = [*arguments, "--data", "digits"]
    answer = call(*arguments, code=code)
    assert words in answer.stderr
    assert answer.stderr.startswith("Error: ")
    assert answer.stderr.count("\n") == 1
    assert not list(Path().iterdir())


def test_the_reference_names_every_option() -> None:
    reference = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    section = reference.partition("\n## lenet sweep\n")[2].partition("\n## ")[0]
    of_train = reference.partition("\n## lenet train\n")[2].partition("\n## ")[0]
    for option in set(re.findall(r"--[a-z][a-z-]+", call("sweep", "--help").stdout)) - {"--help"}:
        assert option in section or option in of_train, option


def test_the_python_and_the_toml_of_the_guide_are_right() -> None:
    guide = (ROOT / "docs/guides/sweeps.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["run"].config.recipe == names["sweep"].best_recipe
    space, recipe = re.findall(r"^```toml\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    Path("space.toml").write_text(space)
    Path("my.toml").write_text(recipe)
    searched = read_recipe_file("space.toml", with_search=True)
    assert list(searched.search) == ["learning_rate", "batch_size", "channels"]
    assert read_recipe_file("my.toml").settings["channels"] == (6, 16)
