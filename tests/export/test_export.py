"""An export is kept if it answers as PyTorch does, and leaves nothing otherwise."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lenet
from lenet.datasets import Dataset, Split
from lenet.errors import (
    DatasetError,
    ExportError,
    MissingExtraError,
    ModelError,
    RunError,
    SettingError,
    StorageError,
    UnknownNameError,
)
from lenet.export import (
    Format,
    TrainedNetwork,
    Written,
    export_model,
    open_trained_network,
    pytorch_probabilities,
)
from lenet.runs import Run

Change = Callable[[Any], Any]


@pytest.fixture
def use_format(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let `onnx` be a file that PyTorch runs, with something done to its answers."""

    def use(change: Change = lambda shares: shares, **facts: Any) -> None:
        def write(trained: TrainedNetwork, folder: Path) -> Written:
            path = folder / "model.txt"
            path.write_text("new")

            def run(images: Any) -> Any:
                shares = pytorch_probabilities(trained.network, trained.card, images)
                return change(shares), trained.decide(shares)

            return replace(Written(path, run), **facts)

        monkeypatch.setattr("lenet.export._export.FORMATS", {"onnx": Format(write, ".onnx")})

    return use


def wrong_at_last(shares: Any) -> Any:
    """Answers that are right but in the last row."""
    return np.concatenate([shares[:-1], shares[-1:] + 2e-5])


def fail(shares: Any) -> Any:
    raise ValueError("no such shape")


def test_the_real_thing(digits_run: Run) -> None:
    told: list[str] = []
    made = export_model(digits_run, on_progress=told.append)
    assert made.path == digits_run.folder / "model.onnx"
    assert (made.format, made.dataset, made.split) == ("onnx", "digits", "test")
    assert [one.batch_size for one in made.comparisons] == [1, 2, 7, 256]
    for one in made.comparisons:
        assert one.images == 359
        assert one.difference <= 1e-5
        assert one.disagreements == 0
        assert one.accuracy == made.accuracy
    assert dict(made.facts)["opset"] == "18"
    assert told[-1] == "comparing with PyTorch in batches of 256"
    assert made.accuracy == lenet.evaluate(digits_run).accuracy
    made.path.unlink()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (wrong_at_last, "differ from PyTorch's by up to 2e-05 in batches of 1,"),
        (lambda shares: shares[:, ::-1], "differ from PyTorch's"),
        (lambda shares: shares * np.nan, "differ from PyTorch's by up to nan"),
        (lambda shares: shares[:, :-1], r"makes \(1, 9\) of 1 images where \(1, 10\) belongs"),
        (fail, "can't be run in batches of 1: no such shape"),
    ],
    ids=["one", "reversed", "nan", "shape", "broken"],
)
def test_a_mismatch_leaves_nothing(
    change: Change,
    said: str,
    use_format: Callable[..., None],
    model_file: Path,
    few_digits: Dataset,
    tmp_path: Path,
) -> None:
    use_format(change)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ExportError, match=said):
        export_model(model_file, output=tmp_path / "new" / "out.onnx", data=few_digits)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_mismatch_in_large_batches_alone_is_found(
    use_format: Callable[..., None], model_file: Path, few_digits: Dataset
) -> None:
    use_format(lambda shares: shares if len(shares) < 5 else shares[::-1])
    with pytest.raises(ExportError, match="in batches of 7"):
        export_model(model_file, data=few_digits)


@pytest.mark.parametrize("change", [lambda shares: shares[:, ::-1], lambda shares: shares * np.nan])
def test_a_rounded_network_may_not_lose_accuracy(
    change: Change, use_format: Callable[..., None], digits_run: Run
) -> None:
    use_format(change, tolerance=None)
    with pytest.raises(ExportError, match=r"points less|no numbers"):
        export_model(digits_run, output="out.onnx")
    use_format(lambda shares: shares.round(2), tolerance=None)
    export_model(digits_run, output="out.onnx")


def test_what_was_there_is_kept_on_a_mismatch_and_replaced_otherwise(
    use_format: Callable[..., None], model_file: Path, few_digits: Dataset
) -> None:
    out = Path("out.onnx")
    out.write_text("old")
    use_format(wrong_at_last)
    with pytest.raises(ExportError):
        export_model(model_file, output=out, data=few_digits)
    assert out.read_text() == "old"
    use_format()
    export_model(model_file, output=out, data=few_digits)
    assert out.read_text() == "new"


def test_where_it_lies(
    use_format: Callable[..., None], model_file: Path, few_digits: Dataset, tmp_path: Path
) -> None:
    use_format()
    assert export_model(model_file, data=few_digits).path == Path("small.onnx")
    (tmp_path / "place").mkdir()
    made = export_model(model_file, output="place", data=few_digits)
    assert made.path == Path("place/small.onnx")
    made = export_model(model_file, output="new/", data=few_digits)
    assert made.path == Path("new/small.onnx")
    with pytest.raises(SettingError, match="is no name for"):
        export_model(model_file, output=model_file, data=few_digits)
    odd = model_file.rename(tmp_path / "odd.onnx")
    with pytest.raises(ExportError, match="is the model itself"):
        export_model(odd, output=odd, data=few_digits)
    assert lenet.load_model(odd)


def test_a_link_stays_and_what_it_leads_to_is_replaced(
    monkeypatch: pytest.MonkeyPatch, model_file: Path, few_digits: Dataset, tmp_path: Path
) -> None:
    def write(trained: TrainedNetwork, folder: Path) -> Written:
        (folder / "made").mkdir()
        (folder / "made/file").write_text("new")
        answers = trained.probabilities, trained.decide(trained.probabilities)
        return Written(folder / "made", lambda images: answers, (256,))

    monkeypatch.setattr("lenet.export._export.FORMATS", {"hub": Format(write, "-hub")})
    (tmp_path / "real").mkdir()
    Path("link").symlink_to("real")
    for _ in range(2):
        export_model(model_file, "hub", output="link", data=few_digits)
        assert Path("link").is_symlink()
        assert Path("real/file").read_text() == "new"
    assert {path.name for path in tmp_path.iterdir()} == {"link", "real", model_file.name}


def test_images_of_other_classes_are_refused(model_file: Path, few_digits: Dataset) -> None:
    other = replace(few_digits, class_names=("shirt", *few_digits.class_names[1:]))
    with pytest.raises(DatasetError, match="`shirt`, which the network does not know; it knows"):
        export_model(model_file, "onnx", data=other)


def test_a_name_that_is_nearly_a_bundled_model_s_is_told() -> None:
    with pytest.raises(RunError, match=r"no run folder `digit`\. Did you mean `digits`\?"):
        export_model("digit")


def test_a_place_that_can_t_be_written(
    use_format: Callable[..., None], model_file: Path, few_digits: Dataset
) -> None:
    use_format()
    Path("file").write_text("")
    with pytest.raises(StorageError, match=r"Could not write `file/out\.onnx`"):
        export_model(model_file, output="file/out.onnx", data=few_digits)


def test_a_full_disk(
    monkeypatch: pytest.MonkeyPatch, model_file: Path, few_digits: Dataset, tmp_path: Path
) -> None:
    def write(trained: TrainedNetwork, folder: Path) -> Written:
        (folder / "half").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lenet.export._export.FORMATS", {"onnx": Format(write, ".onnx")})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StorageError, match=r"`small.onnx`: no space left"):
        export_model(model_file, data=few_digits)
    assert sorted(tmp_path.rglob("*")) == before


def test_formats_and_their_int8_variants(model_file: Path, few_digits: Dataset) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `onnx`"):
        export_model(model_file, "onx", data=few_digits)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="no int8 variant of `hub`"):
        export_model(model_file, "hub", int8=True, data=few_digits)


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
@pytest.mark.parametrize("to", ["onnx", "onnx-int8", "hub"])
def test_a_missing_package_gives_the_command(
    to: Any, package: str, monkeypatch: pytest.MonkeyPatch, model_file: Path, few_digits: Dataset
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lenet\[export\]'"):
        export_model(model_file, to, data=few_digits)
    assert list(Path().iterdir()) == [Path("small.safetensors")]


def test_which_images(model_file: Path, few_digits: Dataset) -> None:
    with pytest.raises(DatasetError, match=r"`my pictures`.*`--data`"):
        open_trained_network(model_file)
    small = Split(few_digits.test.images[:, :, :8, :8], few_digits.test.labels)
    with pytest.raises(ModelError, match="takes images of shape"):
        open_trained_network(model_file, replace(few_digits, train=small, test=None))
    trained = open_trained_network(model_file, few_digits)
    assert (trained.split, len(trained.images), trained.run) == ("test", 64, None)
    assert trained.calibration_images is few_digits.train.images
    untested = open_trained_network(model_file, replace(few_digits, test=None))
    assert (untested.split, len(untested.images)) == ("train", 128)


def test_other_images_may_be_fewer_than_a_run_holds_out(
    digits_run: Run, few_digits: Dataset
) -> None:
    one = Split(few_digits.train.images[:1], few_digits.train.labels[:1])
    trained = open_trained_network(digits_run, replace(few_digits, train=one))
    assert (trained.split, len(trained.images)) == ("test", 64)


def test_one_image_of_few_may_be_lost(
    use_format: Callable[..., None], digits_run: Run, few_digits: Dataset
) -> None:
    answers = iter(range(10**6))
    use_format(lambda shares: 1 - shares if next(answers) == 0 else shares, tolerance=None)
    few = replace(few_digits, test=few_digits.train.take(np.arange(20)))
    (first, *others) = export_model(digits_run, output="out.onnx", data=few).comparisons
    assert (first.disagreements, others[0].disagreements) == (1, 0)
    assert first.accuracy == pytest.approx(others[0].accuracy - 1 / 20)


def test_a_run_without_test_images_is_checked_on_those_held_out(
    few_digits: Dataset, tmp_path: Path
) -> None:
    data = replace(few_digits, test=None)
    run = lenet.train(
        dataset=data,
        epochs=1,
        batch_size=32,
        validation=0.25,
        runs_folder=tmp_path / "runs",
        listeners=[],
    )
    trained = open_trained_network(run, data)
    assert (trained.split, len(trained.images)) == ("validation", 34)
    assert len(trained.calibration_images) == 94
    assert trained.run == run
