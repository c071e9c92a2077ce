"""How images of one's own are read: one value, the same in Python, in files and as options."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_data import draw

import lenet
from lenet.datasets import DataSource, Reading, ReadingOptions, find_source
from lenet.errors import LenetError, SettingError, UnknownNameError

CHOSEN: dict[str, Any] = {
    "size": (20, 24),
    "colour": True,
    "prepare": "object",
    "skip_bad": True,
    "test_share": 0.5,
    "pixel_range": (0.0, 4095.0),
    "label_column": "last",
    "label_from": "img_#_LABEL",
    "group_column": "writer",
    "group_from": "folder",
}


def test_the_keyword_arguments_are_the_fields() -> None:
    fields = {field.name for field in dataclasses.fields(Reading)}
    assert set(ReadingOptions.__annotations__) == fields == set(CHOSEN)


@pytest.mark.parametrize("option", CHOSEN)
def test_every_field_reaches_the_source(tmp_path: Path, option: str) -> None:
    source = find_source(tmp_path, **{option: CHOSEN[option]})  # type: ignore[arg-type]
    assert source == DataSource(str(tmp_path), **{option: CHOSEN[option]})
    assert getattr(source, option) == CHOSEN[option]
    assert source != DataSource(str(tmp_path))


def test_the_form_in_files_is_the_one_of_the_first_version() -> None:
    source = DataSource("/pictures", **CHOSEN)
    values = json.loads(json.dumps(source.to_dict()))
    assert values == {
        "path": "/pictures",
        "height": 20,
        "width": 24,
        "colour": True,
        "prepare": "object",
        "skip_bad": True,
        "test_share": 0.5,
        "pixel_range": [0.0, 4095.0],
        "label_column": "last",
        "label_from": "img_#_LABEL",
        "group_column": "writer",
        "group_from": "folder",
    }
    assert DataSource.from_dict(values) == source
    assert DataSource.from_dict(json.loads(json.dumps(dataclasses.asdict(source)))) == source
    early = {"path": "/pictures", "height": 20, "width": 24}  # before there were the others
    assert DataSource.from_dict(early) == DataSource("/pictures", size=(20, 24))


def test_a_source_is_changed_by_either_form() -> None:
    source = DataSource("/pictures", size=32, colour=True)
    assert source.replace(size=(8, 9)) == DataSource("/pictures", size=(8, 9), colour=True)
    assert source.replace(height=8, width=9) == source.replace(size=(8, 9))


def test_one_number_is_both_sides() -> None:
    assert Reading(size=32) == Reading(size=(32, 32))
    assert (Reading().height, Reading().width) == (28, 28)


@pytest.mark.parametrize("size", [(28,), (1, 2, 3), (), "big", 2.5, True])
def test_what_is_no_size_is_refused(tmp_path: Path, size: Any) -> None:
    with pytest.raises(SettingError, match="`size` must be"):
        lenet.load_dataset(tmp_path, size=size)


@pytest.mark.parametrize("name", ["digits", "."])
def test_a_misspelt_argument_is_named(name: str) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `colour`"):
        lenet.load_dataset(name, color=True)  # type: ignore[call-arg]


def test_what_is_left_out_may_be_none(tmp_path: Path) -> None:
    source = find_source(tmp_path, size=None, colour=None, pixel_range=None, label_column=None)
    assert source == DataSource(str(tmp_path))
    with pytest.raises(LenetError, match="`pixel_range` is for folders and files"):
        lenet.load_dataset("digits", pixel_range=(0, 1))


def test_load_dataset_takes_the_range_of_pictures(tmp_path: Path) -> None:
    images, labels = draw(12)
    np.savez(tmp_path / "x.npz", x=images.astype(np.uint16), y=labels)
    dataset = lenet.load_dataset(tmp_path / "x.npz", pixel_range=(0, 510), test_share=0)
    assert dataset.preparation is not None
    assert dataset.preparation.pixel_range == (0, 510)
    np.testing.assert_array_equal(dataset.train.images[:, 0], np.rint(images / 2).astype(np.uint8))
