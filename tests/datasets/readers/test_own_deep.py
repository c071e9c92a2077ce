"""Pictures and arrays of more than 8 bits: one scale for a dataset, against plain arithmetic."""

from pathlib import Path

import numpy as np
import pytest
from own_data import draw, load, write_pictures

import lenet
from calling import call
from lenet.datasets import DataSource, pack_dataset
from lenet.errors import DataFileError, DatasetError, SettingError

IMAGES, LABELS = draw(12, classes=2)
DIM = IMAGES / 255 * np.linspace(0.05, 1, 12)[:, None, None]  # each brighter than the one before
NAMES = [str(label) for label in LABELS]
KINDS = {
    "12 bits": (np.rint(DIM * 4000).astype(np.uint16), (0, 4095)),
    "16 bits": (np.rint(DIM * 60000).astype(np.uint16), (0, 65535)),
    "bytes in 16 bits": (np.rint(DIM * 250).astype(np.uint16), (0, 255)),
    "temperatures": (np.rint(29000 + DIM * 2000).astype(np.uint16), (29000, 31000)),
    "shares": (DIM.astype(np.float32), (0, 1)),
    "grey levels": ((DIM * 255).astype(np.float32), (0, 255)),
    "another unit": ((DIM * 40 - 10).astype(np.float32), (-10, 30)),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def assert_scaled(images: np.ndarray, values: np.ndarray, low: float, high: float) -> None:
    """Images are the values on a scale, rounded to the nearest whole number."""
    exact = ((values.astype(float) - low) / (high - low) * 255).clip(0, 255)
    assert np.abs(images[:, 0] - exact).max() <= 0.5 + 1e-6


@every_kind
def test_a_folder_of_pictures_is_on_one_scale(kind: str, tmp_path: Path) -> None:
    values, expected = KINDS[kind]
    write_pictures(tmp_path / "deep", values, NAMES, ".tif")
    for _ in ("read", "kept"):
        dataset = load(tmp_path / "deep")
        assert dataset.preparation is not None
        low, high = dataset.preparation.pixel_range
        assert (low, high) == pytest.approx(expected, rel=1e-3)
        assert_scaled(dataset.train.images, values, low, high)


@every_kind
def test_arrays_are_on_one_scale(kind: str, tmp_path: Path) -> None:
    values, expected = KINDS[kind]
    np.savez(tmp_path / "x.npz", x_train=values[:7], y_train=LABELS[:7], x_test=values[7:],
             y_test=LABELS[7:])  # fmt: skip
    dataset = load(tmp_path / "x.npz")
    assert dataset.preparation is not None
    low, high = dataset.preparation.pixel_range
    assert expected[0] == pytest.approx(low, abs=1e-3)
    assert values[:7].max() <= high * 1.0001
    assert_scaled(dataset.train.images, values[:7], low, high)
    assert dataset.test is not None
    assert_scaled(dataset.test.images, values[7:], low, high)


def test_the_range_is_that_of_the_training_pictures(tmp_path: Path) -> None:
    values = KINDS["12 bits"][0]
    write_pictures(tmp_path / "deep" / "train", values // 4, NAMES)
    write_pictures(tmp_path / "deep" / "test", values, NAMES)
    dataset = load(tmp_path / "deep")
    assert dataset.preparation is not None
    assert dataset.preparation.pixel_range == (0, 1023)
    assert dataset.test is not None
    assert_scaled(dataset.test.images, values, 0, 1023)


def test_pictures_of_8_bits_among_them_stay_as_they_are(tmp_path: Path) -> None:
    values = KINDS["12 bits"][0]
    write_pictures(tmp_path / "mixed", values, ["deep"] * 12)
    write_pictures(tmp_path / "mixed", IMAGES, ["plain"] * 12)
    dataset = load(tmp_path / "mixed")
    by_class = [dataset.train.images[dataset.train.labels == label] for label in (0, 1)]
    assert_scaled(by_class[0], values, 0, 4095)
    np.testing.assert_array_equal(by_class[1][:, 0], IMAGES)


def test_a_set_of_8_bits_has_no_range_and_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "lenet.datasets.readers._collect._measure_range", lambda *_: pytest.fail("measured")
    )
    write_pictures(tmp_path / "plain", IMAGES, NAMES)
    np.savez(tmp_path / "x.npz", images=IMAGES.astype(np.int64), labels=LABELS)
    for path in (tmp_path / "plain", tmp_path / "x.npz"):
        dataset = load(path)
        assert dataset.preparation is not None
        assert dataset.preparation.pixel_range == ()
        np.testing.assert_array_equal(dataset.train.images[:, 0], IMAGES)


def test_a_table_of_fractions_is_on_one_scale_though_some_lines_are_whole(tmp_path: Path) -> None:
    """The lines are read 512 at a time, and the first of them are all 0 and 1."""
    pixels = np.random.default_rng(0).choice([0, 0.25, 1], (700, 16))
    pixels[:512] = np.rint(pixels[:512])
    lines = [
        f"{number % 2},{','.join(f'{value:g}' for value in row)}"
        for number, row in enumerate(pixels)
    ]
    (tmp_path / "x.csv").write_text("\n".join(lines))
    dataset = load(tmp_path / "x.csv", size=4)
    expected = np.rint(pixels * 255).reshape(700, 4, 4)
    np.testing.assert_array_equal(dataset.train.images[:, 0], expected)


def test_it_is_told_and_asked_for_by_data_info(tmp_path: Path) -> None:
    write_pictures(tmp_path / "deep", KINDS["12 bits"][0], NAMES)
    text = call("data", "info", str(tmp_path / "deep")).stdout
    assert "\nvalues from 0 to 4095 became 0 to 255, one scale for all pictures\n" in text
    write_pictures(tmp_path / "plain", IMAGES, NAMES)
    assert "one scale" not in call("data", "info", str(tmp_path / "plain")).stdout


def test_a_packed_set_keeps_the_range(tmp_path: Path) -> None:
    values = KINDS["12 bits"][0]
    write_pictures(tmp_path / "deep", values, NAMES)
    index = pack_dataset(DataSource(str(tmp_path / "deep"), test_share=0.0), tmp_path / "packed")
    assert index.preparation is not None
    assert index.preparation.pixel_range == (0, 4095)
    dataset = lenet.load_dataset(tmp_path / "packed")
    assert_scaled(dataset.train.images, values, 0, 4095)
    lenet.load_dataset(DataSource(str(tmp_path / "packed"), pixel_range=(0, 4095)))
    with pytest.raises(SettingError, match="values from 0 to 4095 as pixels, on another scale"):
        lenet.load_dataset(DataSource(str(tmp_path / "packed"), pixel_range=()))


def test_a_range_may_be_given_for_small_whole_numbers(tmp_path: Path) -> None:
    images, labels = draw(20)
    values = images[:, ::4, ::4].astype(np.int64) // 16  # as UCI's optdigits
    assert 4 < values.max() <= 16
    rows = np.column_stack([labels, values.reshape(20, -1)])
    np.savetxt(tmp_path / "x.csv", rows, "%d", ",")
    np.savez(tmp_path / "x.npz", x_train=values, y_train=labels)
    for name, column in (("x.csv", "first"), ("x.npz", "")):
        source = DataSource(
            str(tmp_path / name), size=7, test_share=0.0, pixel_range=(0, 16), label_column=column
        )
        dataset = lenet.load_dataset(source)
        assert dataset.preparation is not None
        assert dataset.preparation.pixel_range == (0, 16)
        assert_scaled(dataset.train.images, values, 0, 16)
        assert dataset.origin is not None
        assert not any("8 bits" in note for note in dataset.origin.notes)


def test_a_table_below_zero_is_read_where_its_range_is_given(tmp_path: Path) -> None:
    """As USPS's `zip.train`: a label, and values from -1 to 1."""
    images, labels = draw(20)
    values = images[:, ::4, ::4] / 127.5 - 1
    np.savetxt(tmp_path / "x.csv", np.column_stack([labels, values.reshape(20, -1)]), "%.5f")
    with pytest.raises(DatasetError, match=r"say what is black and white: `--white=-"):
        load(tmp_path / "x.csv", label_column="first")
    source = DataSource(
        str(tmp_path / "x.csv"),
        size=7,
        test_share=0.0,
        pixel_range=(-1, 1),
        label_column="first",
    )
    dataset = lenet.load_dataset(source)
    assert np.abs(dataset.train.images[:, 0].astype(int) - images[:, ::4, ::4]).max() <= 1
    assert dataset.preparation is not None
    assert dataset.preparation.pixel_range == (-1, 1)


def test_a_range_may_be_given(tmp_path: Path) -> None:
    values = KINDS["12 bits"][0]
    write_pictures(tmp_path / "deep", values, NAMES)
    for given, low, high in (((0, 8191), 0, 8191), ((0, 65535), 0, 65535)):
        source = DataSource(str(tmp_path / "deep"), test_share=0.0, pixel_range=given)
        dataset = lenet.load_dataset(source)
        assert dataset.preparation is not None
        assert dataset.preparation.pixel_range == given
        assert_scaled(dataset.train.images, values, low, high)
    with pytest.raises(DatasetError, match="If 255 is white, say so: `--white 255`"):
        lenet.load_dataset(DataSource(str(tmp_path / "deep"), pixel_range=()))
    with pytest.raises(SettingError, match="`pixel_range` must be two finite numbers"):
        DataSource(str(tmp_path), pixel_range=(3, 2))


def test_values_that_are_no_numbers_are_an_error_that_names_the_file(tmp_path: Path) -> None:
    values = KINDS["shares"][0].copy()
    values[4, 3, 3] = np.nan
    write_pictures(tmp_path / "deep", values, NAMES, ".tif")
    with pytest.raises(DataFileError, match=r"1 picture .*\n.*/0/4\.tif` holds .* not finite"):
        load(tmp_path / "deep")
    assert len(load(tmp_path / "deep", skip_bad=True).train) == 11


def test_parts_in_other_units_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x_train=DIM, y_train=LABELS,
             x_test=IMAGES.astype(np.int64), y_test=LABELS)  # fmt: skip
    message = "test pictures hold values from 0 to 255, the train pictures from 0 to 1; bring"
    with pytest.raises(DataFileError, match=message):
        load(tmp_path / "x.npz")
    np.savez(tmp_path / "x.npz", x_train=DIM, y_train=LABELS, x_test=IMAGES, y_test=LABELS)
    dataset = load(tmp_path / "x.npz")  # bytes are no other unit
    assert dataset.test is not None
    np.testing.assert_array_equal(dataset.test.images[:, 0], IMAGES)
