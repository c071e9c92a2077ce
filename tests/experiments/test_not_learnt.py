"""That nothing was learnt is told wherever scores are, by one judge."""

import json

import pytest

import lenet
from calling import call
from lenet.experiments import compare_runs
from lenet.training import beats_guessing

SLOW = {"model": "softmax", "epochs": 1, "listeners": []}


@pytest.mark.parametrize(
    ("accuracy", "images", "learnt"),
    [
        (0.15, [100] * 10, False),
        (0.20, [100] * 10, True),
        (0.955, [500, 500], True),
        (0.955, [955, 45], False),
        (0.97, [955, 45], True),
        (0.7, [5, 5], False),  # seven of ten are no news
        (1.0, [7, 0], True),
    ],
)
def test_learnt_is_what_is_clearly_above_one_answer_for_all(
    accuracy: float, images: list[int], learnt: bool
) -> None:
    assert beats_guessing(accuracy, images) is learnt


def test_nothing_learnt_is_said_by_evaluate_report_and_compare() -> None:
    runs = [
        lenet.train(dataset="digits", seed=seed, learning_rate=rate, batch_size=64, **SLOW)  # type: ignore[arg-type]
        for seed, rate in ((0, 1e-9), (1, 1e-9), (1, 0.1))
    ]
    bad, also_bad, good = (str(run.folder) for run in runs)
    words = "has learnt little or nothing: always answering"
    assert words in call("evaluate", bad).stdout
    assert words not in call("evaluate", good).stdout
    assert words in lenet.report(bad).read_text()
    assert words not in lenet.report(good).read_text()
    compared = call("compare", bad, also_bad).stdout
    assert ", seeds 0, 1: not learnt, as always naming the most frequent class is as" in compared
    assert "None of the networks has learnt" in compared
    compared = call("compare", bad, also_bad, good).stdout
    assert "1e-09, seeds 0, 1: not learnt" in compared
    assert "None of the networks" not in compared
    assert [entry.untaught for entry in compare_runs([bad, good]).entries] == [(0,), ()]


@pytest.mark.parametrize(("rates", "untaught"), [("1e-9,1e-8", True), ("1e-9,0.1", False)])
def test_a_sweep_says_when_not_even_the_best_trial_has_learnt(rates: str, untaught: bool) -> None:
    options = ("--data", "digits", "--model", "softmax", "--epochs", "1", "--batch-size", "64")
    search = ("--search", f"learning_rate={rates}", "--trials", "2", "--sampler", "random")
    search += ("--name", "s", "--seed", "1")
    printed = call("sweep", *options, *search).stdout
    assert ("No trial has learnt" in printed) is untaught
    made = json.loads(call("sweep", *options, *search, "--json").stdout)
    assert made["untaught"] is untaught
