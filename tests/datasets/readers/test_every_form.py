"""Every form in which people hold a labelled set of pictures is read to the same pictures."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from own_data import assert_holds, draw, load, write_pictures

from lenet.errors import DataFileError

SIDE = 8
IMAGES, LABELS = draw(60, size=SIDE)
ROWS = IMAGES.reshape(60, -1)
NAMES = np.array(["none", "NaN", "10"])  # in natural order: 10, NaN, none
NAMED = NAMES[LABELS]
ONE_HOT = np.eye(3, dtype=int)[LABELS]
HELD_OUT = draw(30, size=SIDE, seed=1)
Write = Callable[[Path], Any]  # of a folder; gives the file in it that is read, or nothing for all


def frame(labels: Any = LABELS, rows: npt.NDArray[Any] = ROWS) -> pd.DataFrame:
    """A label and all pixels a line, in the manner of Kaggle."""
    pixels = pd.DataFrame(rows).add_prefix("pixel")
    return pd.concat([pd.Series(labels, name="label"), pixels], axis=1)


def csv(table: pd.DataFrame, **options: Any) -> Write:
    return lambda folder: table.to_csv(folder / "x.csv", **{"index": False} | options)


def txt(values: npt.NDArray[Any], **options: Any) -> Write:
    return lambda folder: np.savetxt(folder / "x.csv", values, **options)


def npz(**arrays: Any) -> Write:
    return lambda folder: np.savez(folder / "x.npz", **arrays)


def npz_of(*arrays: Any) -> Write:
    return lambda folder: np.savez(folder / "x.npz", *arrays)


def files(**arrays: Any) -> Write:
    def write(folder: Path) -> None:
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array)

    return write


def parquet(table: pd.DataFrame) -> Write:
    return lambda folder: table.to_parquet(folder / "x.parquet")


def mangled(folder: Path) -> None:
    """What pandas writes again of a table whose first line it took for names."""
    text = frame().to_csv(index=False, header=False)
    (folder / "first.csv").write_text(frame().iloc[[0]].to_csv(index=False, header=False) + text)
    pd.read_csv(folder / "first.csv").to_csv(folder / "x.csv", index=False)
    (folder / "first.csv").unlink()


def excel(folder: Path) -> None:
    text = frame().to_csv(index=False, sep=";", lineterminator="\r\n")
    (folder / "x.csv").write_text(f"sep=;\r\n{text}", encoding="utf-8-sig", newline="")


def with_a_comment(folder: Path) -> None:
    header = ",".join(frame().columns)
    values = np.c_[LABELS, ROWS]
    np.savetxt(folder / "x.csv", values, "%d", delimiter=",", header=header)


def semeion(folder: Path) -> None:
    """As UCI's handwritten digits: pixels as fractions, then a column for every class."""
    lines = [
        " ".join([*(f"{value:.4f}" for value in row), *map(str, classes)]) + " \n"
        for row, classes in zip(ROWS, ONE_HOT, strict=True)
    ]
    (folder / "semeion.data").write_text("".join(lines))


def fer2013(folder: Path) -> None:
    """As Kaggle's faces: all pixels in one cell, and what a line is for."""
    images, labels = np.concatenate([IMAGES, HELD_OUT[0]]), np.r_[LABELS, HELD_OUT[1]]
    cells = [" ".join(map(str, image.ravel())) for image in images]
    parts = ["Training"] * 60 + ["PublicTest"] * 10 + ["PrivateTest"] * 20
    table = pd.DataFrame({"emotion": labels, "pixels": cells, "Usage": parts})
    table.to_csv(folder / "fer2013.csv", index=False)


def pictures(folder: Path, place: str = "images") -> list[str]:
    write_pictures(folder, IMAGES, [place] * 60)
    return [f"{number}.png" for number in range(60)]


def caffe(folder: Path) -> None:
    names = pictures(folder)
    lines = [f"images/{name} {label}\n" for name, label in zip(names, LABELS, strict=True)]
    (folder / "train.txt").write_text("".join(lines))
    (folder / "readme.txt").write_text("Some digits.\n")


def caffe_with_blanks(folder: Path) -> str:
    names = pictures(folder, "my pictures")
    lines = [f"my pictures/{name}  {label}\n" for name, label in zip(names, LABELS, strict=True)]
    (folder / "list.txt").write_text("".join(lines))
    return "list.txt"


def beside(place: str, column: str, table: str, ending: str = ".png") -> Write:
    def write(folder: Path) -> None:
        names = [name.removesuffix(".png") + ending for name in pictures(folder, place)]
        pd.DataFrame({column: names, "kind": LABELS}).to_csv(folder / table, index=False)

    return write


def gtsrb(folder: Path) -> None:
    """As the German traffic signs: many columns, parted by semicolons."""
    names = pictures(folder, ".")
    table = pd.DataFrame({"Filename": names, "Width": SIDE, "Roi.X1": 1, "ClassId": LABELS})
    table.to_csv(folder / "GT-00000.csv", index=False, sep=";")


def kmnist(folder: Path) -> None:
    """As the Kuzushiji sets: an archive for each array."""
    np.savez_compressed(folder / "kmnist-train-imgs.npz", IMAGES)
    np.savez_compressed(folder / "kmnist-train-labels.npz", LABELS)
    np.savez_compressed(folder / "kmnist-test-imgs.npz", HELD_OUT[0])
    np.savez_compressed(folder / "kmnist-test-labels.npz", HELD_OUT[1])


def imagefolder(folder: Path) -> None:
    """As the Hugging Face hub's folders of pictures with a table in each."""
    for part, images, labels in (("train", IMAGES, LABELS), ("test", *HELD_OUT)):
        write_pictures(folder, images, [part] * len(images))
        names = [f"{number}.png" for number in range(len(images))]
        table = pd.DataFrame({"file_name": names, "label": labels})
        table.to_csv(folder / part / "metadata.csv", index=False)


def json_lines(folder: Path) -> None:
    lines = [
        {"file_name": name, "label": str(label)}
        for name, label in zip(pictures(folder, "."), NAMED, strict=True)
    ]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def json_pixels(folder: Path) -> None:
    pd.DataFrame({"pixels": IMAGES.tolist(), "digit": LABELS}).to_json(
        folder / "digits.jsonl", orient="records", lines=True
    )


def kaggles_pictures(folder: Path) -> None:
    """As Kaggle's CIFAR-10: numbers of files, a part to be answered, and the form for answers."""
    write_pictures(folder, IMAGES, ["train"] * 60)
    write_pictures(folder, HELD_OUT[0], ["test"] * 30)
    pd.DataFrame({"id": range(60), "label": LABELS}).to_csv(folder / "trainLabels.csv", index=False)
    pd.DataFrame({"id": range(30), "label": 0}).to_csv(folder / "sampleSubmission.csv", index=False)


def dog_breeds(folder: Path) -> None:
    names = [name.removesuffix(".png") for name in pictures(folder, "train")]
    pd.DataFrame({"id": names, "breed": LABELS}).to_csv(folder / "labels.csv", index=False)
    pd.DataFrame({"id": ["a"], "1": [0.5]}).to_csv(folder / "sample_submission.csv", index=False)


def tables_in_folders(folder: Path) -> None:
    """As Kaggle's sign language: each table in a folder that is called as it is."""
    for part, images, labels in (("train", IMAGES, LABELS), ("test", *HELD_OUT)):
        (folder / f"sign_mnist_{part}").mkdir()
        table = frame(labels, images.reshape(len(images), -1))
        table.to_csv(folder / f"sign_mnist_{part}" / f"sign_mnist_{part}.csv", index=False)


def json_of_files(folder: Path) -> str:
    labelled = dict(zip([f"images/{name}" for name in pictures(folder)], LABELS, strict=True))
    text = json.dumps({name: int(label) for name, label in labelled.items()})
    (folder / "labels.json").write_text(text, encoding="utf-8-sig")
    return "labels.json"


LAST = frame()[[*frame().columns[1:], "label"]]
GET_DUMMIES = pd.concat([pd.get_dummies(LABELS, prefix="class"), frame().iloc[:, 1:]], axis=1)
OF_ROWS = pd.DataFrame({"image": IMAGES.tolist(), "label": LABELS.astype(float)})
FORMS: dict[str, tuple[Write, str]] = {
    "kaggle": (csv(frame()), ""),
    "label last without a header": (csv(LAST, header=False), "last one is taken for the label"),
    "np.c_ by savetxt, blanks": (txt(np.c_[ROWS, LABELS]), "last one is taken"),
    "np.c_ by savetxt, whole": (txt(np.c_[LABELS, ROWS], fmt="%d", delimiter=","), "first one"),
    "pandas' mangled header": (mangled, ""),
    "numbered header": (csv(pd.DataFrame(np.c_[LABELS, ROWS])), ""),
    "numbered lines without a header": (csv(frame(), header=False, index=True), "first one"),
    "packed": (csv(frame(), compression="gzip"), ""),
    "with a byte-order mark": (csv(frame(), encoding="utf-8-sig"), ""),
    "excel's": (excel, ""),
    "names in a comment of NumPy's": (with_a_comment, ""),
    "fractions": (csv(frame(rows=ROWS / 255)), ""),
    "one-hot columns": (csv(GET_DUMMIES.astype(int)), ""),
    "semeion": (semeion, "last 3 are taken for the classes"),
    "fer2013": (fer2013, ""),
    "caffe": (caffe, ""),
    "caffe with blanks": (caffe_with_blanks, ""),
    "ids beside train/": (beside("train", "id", "labels.csv", ""), "are taken from `train/….png`"),
    "names beside images/": (beside("images", "image_id", "train.csv"), "from `images/…`"),
    "gtsrb": (gtsrb, ""),
    "imagefolder": (imagefolder, "`test` (test), `train` (train)"),
    "kaggle's pictures": (kaggles_pictures, "Passed over: `sampleSubmission.csv`"),
    "dog breeds": (dog_breeds, "are taken from `train/….png`"),
    "tables in folders": (tables_in_folders, "`sign_mnist_train.csv` (train)"),
    "json of files": (json_of_files, ""),
    "json of pixels": (json_pixels, ""),
    "npy": (files(X=IMAGES, y=LABELS), ""),
    "npy of Keras' names": (files(x_train=ROWS, y_train=LABELS[:, None]), ""),
    "npy of images and labels": (files(images=IMAGES[..., None], labels=LABELS.astype("i4")), ""),
    "archives for each array": (kmnist, ""),
    "arr_0, arr_1": (npz_of(IMAGES, LABELS), ""),
    "arr_0 to arr_3": (npz_of(IMAGES, LABELS, *HELD_OUT), "`arr_0` with the labels in `arr_1`"),
    "as train_test_split gives": (npz_of(IMAGES, HELD_OUT[0], LABELS, HELD_OUT[1]), "`arr_2`"),
    "one-hot labels": (npz(x=IMAGES, y=ONE_HOT), ""),
    "one-hot labels without names": (npz_of(ROWS, ONE_HOT.astype(float)), ""),
    "bytes": (npz(x=IMAGES, y=LABELS.astype("S")), ""),
    "parquet of pixels": (parquet(frame()), ""),
    "parquet of lists": (parquet(pd.DataFrame({"x": list(ROWS), "label": LABELS})), ""),
    "parquet of rows of pixels": (parquet(OF_ROWS), ""),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read_to_the_same_pictures(tmp_path: Path, form: str) -> None:
    write, note = FORMS[form]
    name = write(tmp_path)
    paths = [path for path in tmp_path.iterdir() if path.is_file()]
    dataset = load(
        tmp_path / name if name else paths[0] if len(paths) == 1 else tmp_path, size=SIDE
    )
    assert_holds(dataset.train, IMAGES, LABELS)
    assert len(dataset.class_names) == 3
    if dataset.test is not None:
        assert_holds(dataset.test, *HELD_OUT)
    assert dataset.origin is not None
    assert note in " ".join(dataset.origin.notes)


@pytest.mark.parametrize(
    "write",
    [
        csv(frame(NAMED)),
        csv(frame(NAMED), header=False),
        npz(x=IMAGES, y=NAMED),
        npz(x=IMAGES, y=NAMED.astype("S")),
        parquet(frame(NAMED)),
        parquet(OF_ROWS.assign(label=NAMED.astype("S"))),
        parquet(OF_ROWS.assign(label=pd.Categorical(NAMED))),
        json_lines,
    ],
    ids=["csv", "bare csv", "npz", "bytes", "parquet", "parquet of bytes", "dictionary", "json"],
)
def test_every_text_is_a_label(tmp_path: Path, write: Write) -> None:
    write(tmp_path)
    dataset = load(next(path for path in tmp_path.iterdir() if path.suffix != ".png"), size=SIDE)
    assert dataset.class_names == ("10", "NaN", "none")
    assert_holds(dataset.train, IMAGES, 2 - LABELS)


def test_a_quoted_label_may_have_lines(tmp_path: Path) -> None:
    names = np.array(["a", 'b "or"\nc', "d\ne\nf"])
    frame(names[LABELS]).to_csv(tmp_path / "x.csv", index=False)
    dataset = load(tmp_path / "x.csv", size=SIDE)
    assert dataset.class_names == tuple(names)
    assert_holds(dataset.train, IMAGES, LABELS)
    (tmp_path / "x.csv").write_text('label,a,b,c,d\n1,0,0,0,0\n"2,0,0,0,0\n')
    with pytest.raises(DataFileError, match=r"x\.csv`, line 3: a quoted cell has no end"):
        load(tmp_path / "x.csv")


COLOURS = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 3), np.uint8)
COLOURS = COLOURS.repeat(2, axis=1).repeat(2, axis=2)  # each pixel is like some of its neighbours
PLANES = COLOURS.transpose(0, 3, 1, 2).reshape(20, -1)
PIXELS = COLOURS.reshape(20, -1)


def coloured(rows: npt.NDArray[Any], names: list[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=names)
    table["label"] = np.arange(20) % 2
    return table


NUMBERED = [f"pixel{number}" for number in range(192)]
BY_PLANE = [f"{colour}{number}" for colour in "rgb" for number in range(64)]
BY_PIXEL = [f"pixel_{number // 3}_{'rgb'[number % 3]}" for number in range(192)]
BACKWARDS = [f"{'bgr'[number % 3]}{number // 3}" for number in range(192)]
PLACES = [f"p_{number // 24}_{number // 3 % 8}_{number % 3}" for number in range(192)]


@pytest.mark.parametrize(
    ("write", "note"),
    [
        (csv(coloured(PLANES, NUMBERED)), "one colour after the other"),
        (csv(coloured(PIXELS, NUMBERED)), "pixel by pixel"),
        (csv(coloured(PLANES, BY_PLANE)), "one colour after the other"),
        (csv(coloured(PIXELS, BY_PIXEL)), "one colour after the other"),  # they are put so
        (
            csv(coloured(COLOURS[..., ::-1].reshape(20, -1), BACKWARDS)),
            "192 columns are read as 8×8",
        ),
        (csv(coloured(PIXELS, PLACES)), "pixel by pixel"),
        (parquet(coloured(PIXELS, NUMBERED)), "pixel by pixel"),
        (parquet(coloured(PLANES, NUMBERED)), "one colour after the other"),
        (npz(x=PLANES, y=np.arange(20) % 2), ""),
        (npz(x=PIXELS, y=np.arange(20) % 2), ""),
    ],
)
def test_rows_of_coloured_pixels_are_read(tmp_path: Path, write: Write, note: str) -> None:
    write(tmp_path)
    (path,) = tmp_path.iterdir()
    dataset = load(path, size=8, colour=True)
    np.testing.assert_array_equal(dataset.train.images, COLOURS.transpose(0, 3, 1, 2))
    assert dataset.origin is not None
    assert note in " ".join(dataset.origin.notes)


def ham10000(folder: Path) -> None:
    """As the skin lesions: pictures in two folders, and many columns of which none is `label`."""
    write_pictures(folder, IMAGES, ["part_1"] * 25 + ["part_2"] * 35, ".jpg")
    columns = {"lesion_id": np.arange(60) // 2, "image_id": range(60), "dx": NAMED, "age": 50}
    pd.DataFrame(columns).to_csv(folder / "metadata.csv", index=False)


def test_a_table_of_files_is_not_passed_over_for_want_of_a_name(tmp_path: Path) -> None:
    ham10000(tmp_path)
    with pytest.raises(DataFileError, match=r"has no column of labels.*--label-column.*and 1 more"):
        load(tmp_path)
    dataset = load(tmp_path, label_column="dx", group_column="lesion_id")
    assert dataset.class_names == ("10", "NaN", "none")
    assert dataset.origin is not None
    assert dataset.origin.notes == (
        "The pictures of `metadata.csv` are taken from `part_1/….jpg`, `part_2/….jpg`.",
    )
    assert dataset.train.groups is not None
    groups = dataset.train.groups
    assert (groups[::2] == groups[1::2]).all()
    assert len(np.unique(groups)) == 30


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.libsvm", "1 1:0.5 3:0.7\n2 2:0.1\n", r"LIBSVM's format; read it by `sklearn\.datasets"),
        ("y.csv", "3\n1\n4\n", "has one column.*put them into that table; or pass both"),
        ("x.json", '{"a.png": ', "should hold a list of objects"),
        ("x.json", "[1, 2]", "should hold a list of objects"),
        ("x.jsonl", '{"pixels": [1, 2, 3], "label": 0}\n', "none of which holds|make no square"),
        ("x.jsonl", '{"a": 1, "label": 0}\nno\n', "none of which holds|0 cells where"),
    ],
)
def test_text_of_another_form_is_told_what_to_do(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataFileError, match=rf"{name}`.*{message}"):
        load(tmp_path / name)


def test_pixels_that_are_called_by_row_and_column_make_images_of_any_shape(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (12, 6, 10), np.uint8)
    names = [f"{row}x{column}" for row in range(6) for column in range(10)]
    table = pd.DataFrame(images.reshape(12, -1), columns=names).assign(label=LABELS[:12])
    table.to_csv(tmp_path / "x.csv", index=False)
    dataset = load(tmp_path / "x.csv", size=(6, 10))
    assert_holds(dataset.train, images, LABELS[:12])
    table.columns = [*NUMBERED[:60], "label"]
    table.to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(DataFileError, match="call the pixels by row and column: `0x0`, `0x1`"):
        load(tmp_path / "x.csv")
