"""Tables as pandas and spreadsheets write them."""

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_data import assert_holds, draw, load, write_pictures

import lenet
from lenet.datasets import open_unlabelled
from lenet.errors import DataFileError, DatasetError, SettingError


def table(images: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """A label and all pixels a line, in the manner of Kaggle."""
    pixels = pd.DataFrame(images.reshape(len(images), -1)).add_prefix("pixel")
    return pd.concat([pd.Series(labels, name="label"), pixels], axis=1)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("quoting", [0, 1], ids=["bare", "quoted"])
def test_pixels_with_a_header_are_read(tmp_path: Path, separator: str, quoting: int) -> None:
    images, labels = draw(12)
    path = tmp_path / "digits.csv"
    table(images, labels).to_csv(path, index=False, sep=separator, quoting=quoting)
    assert_holds(load(path).train, images, labels)


def test_pixels_without_a_header_have_the_label_first(tmp_path: Path) -> None:
    images, labels = draw(12)
    path = tmp_path / "mnist_train.csv"
    table(images, labels).to_csv(path, index=False, header=False)
    assert_holds(load(path).train, images, labels)


@pytest.mark.parametrize("name", ["class", "Target", "digit"])
def test_the_label_may_stand_last_under_other_names(tmp_path: Path, name: str) -> None:
    images, labels = draw(12)
    frame = table(images, labels).rename(columns={"label": name})
    frame[[*frame.columns[1:], name]].to_csv(tmp_path / "x.csv")  # with the rows' numbers
    assert_holds(load(tmp_path / "x.csv").train, images, labels)


@pytest.mark.parametrize("label", ["label", "digit"])
def test_pixels_may_be_named_by_numbers(tmp_path: Path, label: str) -> None:
    images, labels = draw(12)
    frame = pd.DataFrame(images.reshape(12, -1))
    frame.insert(0, label, labels)
    frame.to_csv(tmp_path / "x.csv", index=False)
    assert_holds(load(tmp_path / "x.csv").train, images, labels)
    frame.to_csv(tmp_path / "y.csv")
    assert_holds(load(tmp_path / "y.csv").train, images, labels)


def test_all_columns_may_be_named_by_numbers(tmp_path: Path) -> None:
    images, labels = draw(12)
    frame = pd.DataFrame(np.column_stack([labels, images.reshape(12, -1)]))
    frame.to_csv(tmp_path / "x.csv", index=False)
    assert_holds(load(tmp_path / "x.csv").train, images, labels)


def test_the_first_line_may_hold_a_label_that_is_a_text(tmp_path: Path) -> None:
    images, labels = draw(12)
    named = pd.Series(labels).map({0: "cat", 1: "dog", 2: "owl"})
    table(images, named).to_csv(tmp_path / "x.csv", index=False, header=False)
    dataset = load(tmp_path / "x.csv")
    assert dataset.class_names == ("cat", "dog", "owl")
    assert_holds(dataset.train, images, labels)


def test_labels_may_be_texts_and_have_gaps(tmp_path: Path) -> None:
    images, labels = draw(12)
    named = pd.Series(labels).map({0: "cat, big", 1: "dog", 2: 'the "other"'})
    table(images, named).to_csv(tmp_path / "x.csv", index=False)
    assert load(tmp_path / "x.csv").class_names == ("cat, big", "dog", 'the "other"')
    table(images, labels * 7 + 3).to_csv(tmp_path / "y.csv", index=False)
    dataset = load(tmp_path / "y.csv")
    assert dataset.class_names == ("3", "10", "17")
    assert dataset.origin is not None
    assert dataset.origin.labels == (3, 10, 17)
    assert_holds(dataset.train, images, labels)


MISSING = ("None", "none", "NaN", "NA", "null", "N/A")


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("label", MISSING)
def test_a_label_that_other_programs_take_for_a_missing_value_is_a_label(
    tmp_path: Path, label: str, header: bool
) -> None:
    images, labels = draw(12)
    for others in (("cat", "dog"), ("1", "2")):
        named = pd.Series(labels).map(dict(enumerate((*others, label))))
        table(images, named).to_csv(tmp_path / "x.csv", index=False, header=header)
        dataset = load(tmp_path / "x.csv")
        assert set(dataset.class_names) == {*others, label}
        assert len(dataset.train) == 12


def test_a_letter_that_begins_a_line_of_pixels_is_a_label(tmp_path: Path) -> None:
    images, labels = draw(12, classes=2)
    named = pd.Series(labels).map({0: "y", 1: "z"})
    table(images, named).to_csv(tmp_path / "x.csv", index=False, header=False)
    assert_holds(load(tmp_path / "x.csv").train, images, labels)


def label_last(path: Path, images: np.ndarray, labels: object, header: bool = False) -> Path:
    """A table with all pixels of an image and then its label a line."""
    frame = pd.DataFrame(images.reshape(len(images), -1)).add_prefix("pixel")
    frame["digit"] = labels
    frame.to_csv(path, index=False, header=header)
    return path


def test_without_a_header_two_ends_like_labels_are_asked_about(tmp_path: Path) -> None:
    images, labels = draw(60)
    images[:, 0] = np.random.default_rng(1).integers(0, 6, images[:, 0].shape)
    path = label_last(tmp_path / "x.csv", images, labels)
    with pytest.raises(DataFileError, match=r"--label-column last` or `--label-column first"):
        load(path)
    for column in ("last", "LAST", "785", 785):
        assert_holds(load(path, label_column=column).train, images, labels)
    mirrored = load(path, label_column="first", for_training=False).train
    np.testing.assert_array_equal(mirrored.images[:, 0, -1, -1], labels)


@pytest.mark.parametrize("edge", [1, 256], ids=["constant", "any"])
@pytest.mark.parametrize("step", [1, 7], ids=["counting", "with gaps"])
def test_without_a_header_the_end_that_looks_like_labels_is_taken_and_told(
    tmp_path: Path, edge: int, step: int
) -> None:
    images, labels = draw(60)
    images[:, 0] = np.random.default_rng(1).integers(0, edge, images[:, 0].shape)
    dataset = load(label_last(tmp_path / "x.csv", images, labels * step))
    assert_holds(dataset.train, images, labels)
    assert dataset.origin is not None
    (note,) = dataset.origin.notes
    assert f"its last one is taken for the label: 3 values from 0 to {2 * step} there" in note
    assert "`--label-column first` takes that." in note


def test_texts_that_stand_last_are_the_labels(tmp_path: Path) -> None:
    images, labels = draw(12)
    named = pd.Series(labels).map({0: "cat, big", 1: "dog", 2: "7"})
    dataset = load(label_last(tmp_path / "x.csv", images, named))
    assert dataset.class_names == ("7", "cat, big", "dog")
    assert sorted(np.unique(dataset.train.images)) == sorted(np.unique(images))


def test_a_pixel_at_the_edge_does_not_look_like_labels(tmp_path: Path) -> None:
    images, labels = draw(60)
    images[0::20, -1, -1] = 1
    path = tmp_path / "x.csv"
    table(images, labels).to_csv(path, index=False, header=False)
    assert_holds(load(path).train, images, labels)
    images[:, -1, -1] = np.random.default_rng(1).integers(0, 256, 60)
    table(images, labels).to_csv(path, index=False, header=False)
    assert_holds(load(path).train, images, labels)


def test_the_column_of_labels_can_be_chosen_by_its_name(tmp_path: Path) -> None:
    images, labels = draw(12)
    frame = table(images, 1 - labels % 2)
    frame.insert(3, "Digit", labels)
    frame.to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(DataFileError, match="make no square image"):
        load(tmp_path / "x.csv")
    frame.drop(columns="label").to_csv(tmp_path / "x.csv", index=False)
    assert_holds(load(tmp_path / "x.csv", label_column="digit").train, images, labels)
    with pytest.raises(DataFileError, match="has no column `colour` that could hold the labels"):
        load(tmp_path / "x.csv", label_column="colour")


def test_only_a_table_has_a_column_of_labels(tmp_path: Path) -> None:
    images, labels = draw(4, classes=2)
    np.savez(tmp_path / "x.npz", x=images, y=labels)
    with pytest.raises(SettingError, match=r"is for tables \(CSV\)"):
        load(tmp_path / "x.npz", label_column="last")


def test_tables_beside_those_of_the_parts_are_named(tmp_path: Path) -> None:
    for part in ("train", "test", "sample_submission"):
        table(*draw(12)).to_csv(tmp_path / f"{part}.csv", index=False)
    (tmp_path / "._train.csv").write_bytes(b"\0\5\x16\7")  # as macOS leaves one
    dataset = load(tmp_path)
    assert dataset.origin is not None
    assert dataset.origin.notes == (
        "Parts of the data by the names of tables: `test.csv` (test), `train.csv` (train).",
        "Passed over: `sample_submission.csv`.",
    )


def test_two_tables_in_a_folder_are_training_and_test(tmp_path: Path) -> None:
    for seed, part in enumerate(("train", "test")):
        table(*draw(12, seed=seed)).to_csv(tmp_path / f"mnist_{part}.csv", index=False)
    dataset = load(tmp_path)
    assert_holds(dataset.train, *draw(12, seed=0))
    assert_holds(dataset.test, *draw(12, seed=1))


def test_a_table_may_list_pictures(tmp_path: Path) -> None:
    images, labels = draw(12)
    write_pictures(tmp_path / "files", images, ["all"] * 12)
    paths = [f"files/all/{number}.png" for number in range(12)]
    pd.DataFrame({"path": paths, "label": labels}).to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame({"label": labels, "file": paths}).to_csv(tmp_path / "b.csv")
    pd.DataFrame([paths, labels]).T.to_csv(tmp_path / "c.csv", index=False, header=False)
    for name in ("a.csv", "b.csv", "c.csv"):
        assert_holds(load(tmp_path / name).train, images, labels)


def test_a_list_without_a_header_keeps_its_first_picture(tmp_path: Path) -> None:
    """As `val_annotations.txt` of Tiny ImageNet: behind the label stands a box."""
    images, labels = draw(12)
    write_pictures(tmp_path / "images", images, ["."] * 12)
    lines = [f"{number}.png\tn{label}\t0\t32\t44\t62" for number, label in enumerate(labels)]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    dataset = load(tmp_path / "list.txt")
    assert_holds(dataset.train, images, labels)
    assert dataset.class_names == ("n0", "n1", "n2")


def test_a_table_that_lists_a_missing_picture_names_it(tmp_path: Path) -> None:
    images, labels = draw(3)
    write_pictures(tmp_path / "f", images, ["all"] * 3)
    paths = ["f/all/0.png", "f/all/1.png", "f/all/gone.png"]
    pd.DataFrame({"path": paths, "label": labels}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(DataFileError, match=r"gone\.png"):
        load(tmp_path / "a.csv")
    assert len(load(tmp_path / "a.csv", skip_bad=True).train) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("label,a,b,c,d\n", "has no lines below"),
        ("label,a,b,c,d\n1,0,0,0,0\n2,0,0,0\n", "line 3: 4 cells where the first line has 5"),
        ("label,a,b,c,d\n1,0,0,0,0\n,0,0,0,0\n", "line 3: the label is missing"),
        (
            "label,a,b,c,d\n1,0,0,0,0\n2,0,nan,0,0\n",
            r"line 3, column 3 \(`b`\): `nan` is not finite",
        ),
        ("1,0,0,0,0\n2,0,0,inf,0\n", "line 2, column 4: `inf` is not finite"),
        ("label,a,b,c,d\n1,0,0,0,0\n2,0,300,0,0\n", "from 0 to 300; pixels go from 0 to 255"),
        ("label,a,b,c,d\n1,0,0,0,0\n2,0,-1,0,0\n", "from -1 to 0;"),
        ("label,a,b,c,d\n1,0,0.5,-1,0\n2,0,0,0,0\n", r"from -1\.0 to 0\.5; pixels go from 0"),
        ("label,a,b,c,d\n1,0,0,0,0\n2,0,x,0,0\n", r"line 3, column 3 \(`b`\): `x` is no number"),
        ("label,a,B,c,d\n1,0,0,0,0\n2,0,,0,0\n", r"line 3, column 3 \(`B`\): the cell is empty"),
        ("label;a;b;c;d\n1;0;0,5;0;0\n2;0;0,5;0;0\n", "`0,5` is no number; write it .* as 0.5"),
        (
            "label,a,b,c,d\n1,0,0,0,0\n2,0,1_0,0,0\n",
            r"line 3, column 3 \(`b`\): `1_0` is no number",
        ),
        ("1,0,0,0,0\n2,0,0,0, \n", "line 2, column 5: the cell is empty"),
        ("p0,p1,p2,p3,p4,p5\n1,0,0,0,0,0\n", "has no column of labels; name it `label`"),
        ("1,0,0,0,0,0\n2,0,0,0,0,0\n", "5 columns beside the label, which make no square"),
        ("1\n2\n", "has one column"),
        ("a,b\n1,2\n", "none of which holds the pictures' files"),
        ("label,path\n3,\n", "none of which holds|can't be read|could not read"),
        ("label,a,b,c,d\n1,0,0,0,0\n1,0,0,9,0\n", "of one class alone, `1`"),
    ],
)
def test_a_bad_table_is_an_error_that_names_file_and_line(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(DatasetError, match=f"(?i){message}") as caught:
        lenet.load_dataset(path)
    assert "bad.csv" in str(caught.value)


def test_labels_that_are_all_different_are_taken_for_a_mistake(tmp_path: Path) -> None:
    images, _ = draw(1200, size=4)
    table(images, np.arange(1200)).to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(DatasetError, match=r"1,200 different labels.*the right column"):
        lenet.load_dataset(tmp_path / "x.csv")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 300) | st.sampled_from(["cat", "0.png", "NaN"]),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=20,
)
CELLS = st.sampled_from(["0", "7", "255", "1.5", "", "nan", "cat", "label", "0.1", '"a\nb"', "²"])
LINES = st.lists(st.lists(CELLS, min_size=5, max_size=5), max_size=9)


@given(
    content=st.binary(max_size=300)
    | st.text(max_size=200).map(str.encode)
    | JSON.map(lambda values: json.dumps(values).encode())
    | LINES.map(lambda lines: "\n".join(map(",".join, lines)).encode())
    | LINES.map(lambda lines: "\n".join(map(" ".join, lines)).encode()),
    ending=st.sampled_from([".csv", ".txt", ".json", ".jsonl", ".csv.gz"]),
)
def test_any_bytes_are_a_table_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str
) -> None:
    path = tmp_path_factory.mktemp("any") / f"any{ending}"
    path.write_bytes(content)
    with suppress(DatasetError):
        assert len(lenet.load_dataset(path).class_names) >= 2
    with suppress(DatasetError):
        assert all(len(part.names) for part in open_unlabelled(path).read())


def test_dark_images_are_as_dark_as_they_were_written(tmp_path: Path) -> None:
    pixels = np.zeros((4, 2, 2), np.uint8)
    pixels[:, 0, 0] = 1
    table(pixels, np.array([0, 0, 1, 1])).to_csv(tmp_path / "dark.csv", index=False)
    dark = load(tmp_path / "dark.csv", size=2)
    assert dark.train.images.max() == 255  # as in pictures of ink that is there or not
    assert dark.preparation is not None
    assert dark.preparation.pixel_range == (0, 1)
    table(pixels * 3, np.array([0, 0, 1, 1])).to_csv(tmp_path / "grey.csv", index=False)
    assert load(tmp_path / "grey.csv", size=2).train.images.max() == 3
    table(pixels * 1.0, np.array([0, 0, 1, 1])).to_csv(tmp_path / "light.csv", index=False)
    assert load(tmp_path / "light.csv", size=2).train.images.max() == 255


@settings(max_examples=40)
@given(
    images=st.integers(2, 5).flatmap(
        lambda count: st.lists(
            st.lists(st.integers(0, 255), min_size=4, max_size=4), min_size=count, max_size=count
        )
    ),
    gap=st.integers(1, 1000),
    header=st.booleans(),
)
def test_any_small_table_comes_back(
    tmp_path_factory: pytest.TempPathFactory, images: list[list[int]], gap: int, header: bool
) -> None:
    path = tmp_path_factory.mktemp("any") / "any.csv"
    labels = np.arange(len(images))
    pixels = np.array(images, np.uint8).reshape(-1, 2, 2)
    pixels[pixels == 1] = 2  # 1 would be white where no other is above 0
    table(pixels, labels * gap).to_csv(path, index=False, header=header)
    dataset = load(path, size=2)
    assert dataset.class_names == tuple(str(label * gap) for label in labels)
    assert_holds(dataset.train, pixels, labels)


def test_a_table_in_another_encoding_is_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_bytes("标签,a,b,c,d\n猫,0,0,0,0\n狗,0,0,9,0\n".encode("gb18030"))
    with pytest.raises(DatasetError, match=r"excel\.csv` is not in UTF-8\. Save it so"):
        lenet.load_dataset(path)


def test_a_cell_longer_than_any_of_ours_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text('"' + "a," * 100_000)
    with pytest.raises(DatasetError, match=r"long\.csv"):
        lenet.load_dataset(path)


@pytest.mark.parametrize("name", ["pixel{0}", "p{1}_{2}", "{1}x{2}", "img_{0}", "set1_{0}"])
@pytest.mark.parametrize("order", ["texts", "any"])
def test_pixels_stand_where_their_names_say(tmp_path: Path, name: str, order: str) -> None:
    images, labels = draw(12, size=12)
    whole = table(images, labels)
    whole.columns = ["label", *(name.format(at, at // 12, at % 12) for at in range(144))]
    columns = list(whole.columns[1:])
    if order == "texts":
        columns.sort()
    else:
        np.random.default_rng(0).shuffle(columns)
    whole[["label", *columns]].to_csv(tmp_path / "x.csv", index=False)
    assert_holds(load(tmp_path / "x.csv", size=12).train, images, labels)


def test_pixels_named_by_x_and_y_keep_their_order(tmp_path: Path) -> None:
    images, labels = draw(12, size=12)
    whole = table(images, labels)
    whole.columns = ["label", *(f"p{at % 12}_{at // 12}" for at in range(144))]
    whole.to_csv(tmp_path / "x.csv", index=False)
    assert_holds(load(tmp_path / "x.csv", size=12).train, images, labels)


def test_a_quoted_cell_of_many_lines_is_looked_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('label,path\n"' + "\n" * 2_000_000)
    with pytest.raises(DatasetError, match="line 2: a quoted cell has no end"):
        lenet.load_dataset(path)
