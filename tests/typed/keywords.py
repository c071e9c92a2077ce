"""What type checkers say of the keywords of public functions; nothing here is run.

Each mistake must be found: an `ignore` that nothing needs is an error to mypy and to pyright.
"""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from pathlib import Path

import numpy as np

import lenet

run = lenet.train("lenet", "digits", epochs=3, learning_rate=0.1, channels=[6, 16], seed=1)
lenet.train(learning_rat=0.1)  # type: ignore
lenet.train(epochs="3")  # type: ignore
lenet.train(optimiser="sdg")  # type: ignore
lenet.train(device=0)  # type: ignore
arrays = np.zeros((4, 28, 28)), np.array([0, 1, 0, 1])
lenet.train(dataset=arrays)
lenet.train((arrays, arrays), seed=1)
lenet.train(7)  # type: ignore
lenet.evaluate(run, [(arrays[0][0], 1)])
held: lenet.Dataset = lenet.as_dataset({"images": [], "labels": []}, size=28, test_share=0.1)
lenet.as_dataset(arrays, sise=28)  # type: ignore
pair: tuple[object, int] = held.train[0]
half: lenet.Split = held.train[::2]
lenet.train_many([{"seed": 0}], "digits", runs_folder="many", threads=2)
lenet.train_many([], reuse="yes")  # type: ignore

compared = lenet.compare(["mlp"], vary={"epochs": [1, 2]}, seeds=2, split="validation")
lenet.compare(sedes=3)  # type: ignore
lenet.compare(split="train")  # type: ignore
swept = lenet.sweep({"momentum": "0..0.9"}, trials=3, optimiser="sgd", sweeps_folder=Path("s"))
lenet.sweep(sampler="tpa")  # type: ignore
lenet.sweep(trials="3")  # type: ignore

accuracy: float | None = run.result.test_accuracy
scored: float = lenet.evaluate(run, device="cpu", engine="torch").accuracy
lenet.evaluate(run, engine="nativ")  # type: ignore
page: Path = lenet.report(run, threads=1)
lenet.report(run, thread=1)  # type: ignore
names: list[str | None] = [one.class_name for one in lenet.predict("digits", ["a.png"], top=1)]
lenet.predict(["a.png"], "digits")  # type: ignore
lenet.LeNetClassifier(epochs=3, pooling="max")
lenet.LeNetClassifier(pool="max")  # type: ignore
