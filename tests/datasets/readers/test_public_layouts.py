"""Downloads as they are published, rebuilt with small pictures, and what is told of each."""

from pathlib import Path

import numpy as np
import pytest
from own_data import draw, load
from PIL import Image

import lenet
from lenet.datasets import Dataset
from lenet.errors import DatasetError, SettingError


def write(folder: Path, *files: str) -> Path:
    """A picture for every file, no two alike; what ends otherwise holds a word."""
    images = iter(draw(len(files))[0])
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".png", ".jpg", ".JPG", ".JPEG"):
            Image.fromarray(next(images)).save(path)
        else:
            path.write_text("word")
    return folder


def several(*patterns: str, count: int = 3) -> list[str]:
    """File names of which `{}` is numbered."""
    return [pattern.format(number) for pattern in patterns for number in range(count)]


def counts(dataset: Dataset) -> dict[str, list[int]]:
    return {
        part: np.bincount(split.labels, minlength=len(dataset.class_names)).tolist()
        for part, split in dataset.splits.items()
    }


def told(dataset: Dataset) -> str:
    assert dataset.origin is not None
    return "\n".join(dataset.origin.notes)


INTEL = several(
    *(f"seg_{p}/seg_{p}/{c}/{{}}.jpg" for p in ("train", "test") for c in ("sea", "wood"))
)


@pytest.mark.parametrize(
    ("files", "parts", "left_out"),
    [
        pytest.param(
            [*several(*(f"{p}/{c}/IMG_{{}}_png.rf.{c}3f.jpg" for p in ("train", "valid", "test")
                        for c in ("Rock", "Paper"))), "README.roboflow.txt"],
            {"train": [3, 3], "test": [3, 3], "validation": [3, 3]},
            ["`README.roboflow.txt`"],
            id="Roboflow",
        ),
        pytest.param(
            [*several(*(f"mnist/{p}/{c}/{c}_{{}}.png" for p in ("train", "val") for c in "01")),
             "mnist/train.cache"],
            {"train": [3, 3], "validation": [3, 3]},
            ["`mnist/train.cache`"],
            id="YOLO",
        ),
        pytest.param(
            INTEL + several("seg_pred/seg_pred/{}.jpg"),
            {"train": [3, 3], "test": [3, 3]},
            ["3 pictures in `seg_pred`", "`lenet predict latest {}/seg_pred`"],
            id="Intel",
        ),
        pytest.param(
            several("train/cats/{}.jpg", "train/dogs/{}.jpg", "test/{}.jpg"),
            {"train": [3, 3]},
            ["3 pictures in `test`", "`lenet predict latest {}/test`"],
            id="a flat test part",
        ),
        pytest.param(
            several("train/cats/{}.jpg", "train/dogs/{}.jpg", "test/unknown/{}.jpg"),
            {"train": [3, 3]},
            ["3 pictures in `test`"],
            id="a wrapped test part",
        ),
        pytest.param(
            several("Train/0/{}.png", "Train/1/{}.png", "Test/{}.png", "Meta/{}.png"),
            {"train": [3, 3]},
            ["3 pictures in `Test`", "3 pictures in `Meta`."],
            id="GTSRB without tables",
        ),
        pytest.param(
            several(*(f"{part}/{c}/{{}}.jpg" for part in ("trainingSet", "trainingSample")
                      for c in "01"), "testSet/testSet/{}.jpg"),
            {"train": [3, 3]},
            ["`trainingSet` (train)", "6 pictures in `trainingSample`", "latest {}/testSet`"],
            id="MNIST as pictures",
        ),
        pytest.param(
            several(*(f"{p}/{c}/{{}}.png" for p in ("rps", "rps-test-set")
                      for c in ("rock", "paper")), "rps-validation/{}.png"),
            {"train": [3, 3], "test": [3, 3]},
            ["`rps` (train), `rps-test-set` (test)", "3 pictures in `rps-validation`"],
            id="a training part without a word for it",
        ),
        pytest.param(
            [*INTEL, "docs/screen.png", "preview.jpg", "README.md"],
            {"train": [3, 3], "test": [3, 3]},
            ["1 picture in `docs`.", "passed over: `preview.jpg`", "`README.md`"],
            id="strays beside parts",
        ),
        pytest.param(
            [*several("train/cats/{}.jpg", "train/dogs/{}.jpg"), "docs/a.png", "train/b.png"],
            {"train": [3, 3]},
            ["1 picture in `docs`.", "passed over: `train/b.png`"],
            id="strays beside one part and in it",
        ),
        pytest.param(
            [*several(*(f"caltech-101/101_ObjectCategories/{c}/{{}}.jpg" for c in ("ant", "bee"))),
             "caltech-101/Annotations/ant/1.mat", "sheet.png"],
            {"train": [3, 3]},
            ["`caltech-101/Annotations`", "passed over: `sheet.png`"],
            id="Caltech 101",
        ),
    ],
)  # fmt: skip
def test_parts_are_read_and_what_is_left_out_is_named(
    tmp_path: Path, files: list[str], parts: dict[str, list[int]], left_out: list[str]
) -> None:
    folder = write(tmp_path / "x", *files)
    dataset = load(folder)
    assert counts(dataset) == parts
    for text in left_out:
        assert text.format(folder) in told(dataset)


OMNIGLOT = several(
    *(f"images_background/{alphabet}/character{n}/{{}}.png" for alphabet in "AB" for n in (1, 2)),
    *(f"images_evaluation/{alphabet}/character{n}/{{}}.png" for alphabet in "CD" for n in (1, 2)),
)
SIGNS = several(
    *(f"signs-master/Dataset/{c}/{{}}.JPG" for c in "01"), "signs-master/Examples/{}.JPG"
)


@pytest.mark.parametrize(
    ("files", "readings"),
    [
        (OMNIGLOT, {"--label-from path": 8, "--label-from folder": 2, "/images_background": None}),
        (SIGNS, {"--label-from folder": 2, "/signs-master/Dataset": 2}),
    ],
)
def test_every_reading_that_is_possible_is_named_with_a_command_that_works(
    tmp_path: Path, files: list[str], readings: dict[str, int | None]
) -> None:
    folder = write(tmp_path / "x", *files)
    with pytest.raises(DatasetError) as caught:
        load(folder)
    for words, classes in readings.items():
        command = f"{folder}{words}" if words.startswith("/") else f"{folder} {words}"
        assert f"`lenet data info {command}`" in str(caught.value)
        path, _, kind = command.partition(" --label-from ")
        if classes is not None:
            assert len(load(Path(path), label_from=kind or None).class_names) == classes


def test_a_class_may_be_called_by_its_whole_path(tmp_path: Path) -> None:
    dataset = load(write(tmp_path / "x", *OMNIGLOT), label_from="path")
    assert dataset.class_names[0] == "images_background/A/character1"
    assert counts(dataset) == {"train": [3] * 8}


@pytest.mark.parametrize(
    ("names", "pattern", "classes"),
    [
        (["3_{:04}.jpg", "7_{:04}.jpg"], "LABEL_#", ("3", "7")),
        (["cat.{}.png", "dog.{}.png"], "LABEL.#", ("cat", "dog")),
        (["img_00{}1_dog.png", "img_00{}2_golden_cat.png"], "img_#_LABEL", ("dog", "golden_cat")),
        (["Saluki_{}.jpg", "thai_ridgeback_{}.jpg"], "LABEL_#", ("Saluki", "thai_ridgeback")),
        (["00{}1-num4.png", "00{}2-num5.png"], "#-numLABEL", ("4", "5")),
        (["猫 ({}).png", "狗 ({}).png"], "LABEL (#)", ("狗", "猫")),
        (["cat{:03}.png", "dog{:03}.png"], "LABEL#", ("cat", "dog")),
        (["a-f{}e9.png", "b-{}c0d.png"], "LABEL-*", ("a", "b")),
    ],
)  # fmt: skip
def test_labels_are_found_in_names_where_it_is_plain(
    tmp_path: Path, names: list[str], pattern: str, classes: tuple[str, ...]
) -> None:
    folder = write(tmp_path / "x", *several(*names, count=5))
    with pytest.raises(DatasetError, match="itself has pictures") as caught:
        load(folder)
    assert f"`lenet data info {folder} --label-from name`" in str(caught.value)
    dataset = load(folder, label_from="name")
    assert dataset.class_names == classes
    assert counts(dataset) == {"train": [5, 5]}
    assert f"as `{pattern}`" in told(dataset)
    assert load(folder, label_from=pattern).fingerprint() == dataset.fingerprint()
    for name, label in zip(dataset.train.names or (), dataset.train.labels, strict=True):
        assert classes[label] in name


def test_parts_with_labels_in_names_may_have_a_test_part_without(tmp_path: Path) -> None:
    files = several("train/cat.{}.jpg", "train/dog.{}.jpg", count=5) + several("test1/{}.jpg")
    folder = write(tmp_path / "x", *files)
    lines = "".join(f"{number},0\n" for number in range(3))
    (folder / "sampleSubmission.csv").write_text(f"id,label\n{lines}")
    with pytest.raises(DatasetError, match="--label-from name`"):
        load(folder)
    dataset = load(folder, label_from="name")
    assert counts(dataset) == {"train": [5, 5]}
    assert f"`lenet predict latest {folder}/test1`" in told(dataset)


def test_names_are_read_wherever_the_pictures_lie(tmp_path: Path) -> None:
    files = several(
        "cat_{}.png", "more/a/dog_1{}.png", "more/b/cat_2{}.png", "more/b/c/dog_3{}.png"
    )
    assert counts(load(write(tmp_path / "x", *files), label_from="name")) == {"train": [6, 6]}
    files = several(
        "pets/train/cat_{}.png", "pets/train/dog_{}.png", "pets/test/cat_{}.png", count=4
    )
    dataset = load(write(tmp_path / "y", *files, "preview.png"), label_from="name")
    assert counts(dataset) == {"train": [4, 4], "test": [4, 0]}
    assert "passed over: `preview.png`" in told(dataset)


def test_a_single_folder_of_named_pictures_is_told_of(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", *several("images/cat_{}.jpg", "images/dog_{}.jpg"), "notes.txt")
    assert f"`lenet data info {folder} --label-from name`" in told(load(folder, for_training=False))
    with pytest.raises(DatasetError, match="--label-from name"):
        load(folder)
    assert load(folder, label_from="name").class_names == ("cat", "dog")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["1_{}.png", "2_{}.png", "3_{}.png"], ["'LABEL_#'", "'#_LABEL'"]),
        (["red_cat_{}.png", "red_dog_{}.png", "tan_cat_{}.png"], ["'*_LABEL_#'", "'LABEL_*_#'"]),
        (["1_ann_{}.png", "1_bo_{}.png", "2_ann_{}.png"], ["'LABEL_*_#'", "'#_LABEL_#'"]),
        (["IMG_{}.png"], ["no label is found", "`--label-from 'LABEL_*'`"]),
    ],
)
def test_labels_that_may_stand_in_several_places_are_asked_about(
    tmp_path: Path, names: list[str], words: list[str]
) -> None:
    folder = write(tmp_path / "x", *several(*names, count=4))
    with pytest.raises(DatasetError) as caught:
        load(folder, label_from="name")
    for word in words:
        assert word in str(caught.value)


def test_pictures_with_other_names_are_named_and_many_are_an_error(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", *several("cat_{}.png", "dog_{}.png", count=9), "preview.png")
    dataset = load(folder, label_from="LABEL_#")
    assert counts(dataset) == {"train": [9, 9]}
    assert "passed over: `preview.png`" in told(dataset)
    with pytest.raises(DatasetError, match=r"Of 19 pictures in .* 0 have a name as `LABEL-#`"):
        load(folder, label_from="LABEL-#")


def test_the_members_of_a_group_are_never_on_both_sides(tmp_path: Path) -> None:
    files = several(*(f"{c}/w{writer}/{{}}.png" for c in "01" for writer in range(10)))
    folder = write(tmp_path / "x", *files, "0/alone.png")
    dataset = lenet.load_dataset(folder, group_from="folder", validation=0.2)
    writers = [{name.split("/")[1] for name in split.names} for split in dataset.splits.values()]
    assert len(set.union(*writers)) == sum(map(len, writers)) == 11
    assert "10 groups by the folders below the classes" in told(dataset)
    flat = write(tmp_path / "y", *several(*(f"{c}/{w}-{{}}.png" for c in "01" for w in "abcdef")))
    dataset = lenet.load_dataset(flat, group_from="GROUP-#", validation=0.2)
    writers = [{name[2] for name in split.names} for split in dataset.splits.values()]
    assert len(set.union(*writers)) == sum(map(len, writers)) == 6
    for group_from in ("folder", "GROUP_#"):
        with pytest.raises(DatasetError, match="which would name its group"):
            load(flat, group_from=group_from)


def test_a_table_beside_folders_of_classes_is_asked_about(tmp_path: Path) -> None:
    files = several(*(f"{part}/{c}/{{}}.jpg" for part in ("train", "test") for c in "ab"))
    folder = write(tmp_path / "x", *files)
    lines = [f"{file},{file.split('/')[1]}" for file in files]
    (folder / "list.csv").write_text("path,label\n" + "\n".join(lines))
    with pytest.raises(DatasetError, match=r"has a table, `list\.csv`, and folders of pictures"):
        load(folder)
    assert counts(load(folder, label_from="table")) == {"train": [6, 6]}
    assert counts(load(folder, label_from="folder")) == {"train": [3, 3], "test": [3, 3]}
    (folder / "list.csv").write_text("accuracy\n0.9\n")
    dataset = load(folder)
    assert counts(dataset) == {"train": [3, 3], "test": [3, 3]}
    assert "Its table is passed over: " in told(dataset)


def test_folders_that_only_share_out_the_pictures_of_a_table_are_asked_about(
    tmp_path: Path,
) -> None:
    """As HAM10000: two folders of all kinds, and among several tables one that knows these."""
    folder = write(tmp_path / "x", *several("part_1/a{}.jpg", "part_2/b{}.jpg"))
    lines = [f"L{n},{name}{n},{'nv' if n else 'mel'},60" for name in "ab" for n in range(3)]
    (folder / "meta.csv").write_text("\n".join(["lesion_id,image_id,dx,age", *lines]))
    pixels = [",".join(f"pixel{n}" for n in range(16)) + ",label"] + [",".join("1" * 17)] * 2
    (folder / "hmnist_L.csv").write_text("\n".join(pixels))
    with pytest.raises(DatasetError, match=r"of which `meta\.csv` names pictures"):
        load(folder)
    with pytest.raises(DatasetError, match=r"`lesion_id`, `image_id`, `dx`"):
        load(folder / "meta.csv")
    assert counts(load(folder / "meta.csv", label_column="dx")) == {"train": [2, 4]}
    assert load(folder, label_from="folder").class_names == ("part_1", "part_2")


def test_a_part_that_a_table_in_it_names_is_for_evaluate(tmp_path: Path) -> None:
    """As `val` of Tiny ImageNet."""
    files = several("train/n1/images/n1_{}.JPEG", "train/n2/images/n2_{}.JPEG")
    folder = write(tmp_path / "x", *files, *several("val/images/val_{}.JPEG", "test/{}.JPEG"))
    lines = [f"val_{n}.JPEG\tn{1 + n % 2}\t0\t0\t9\t9" for n in range(3)]
    table = folder / "val" / "val_annotations.txt"
    table.write_text("\n".join(lines))
    dataset = load(folder)
    assert counts(dataset) == {"train": [3, 3]}
    assert f"`lenet evaluate latest --data {table}` scores them." in told(dataset)
    assert f"`lenet predict latest {folder / 'test'}` answers that." in told(dataset)
    assert counts(load(table)) == {"train": [2, 1]}


def test_a_table_of_names_beside_arrays_is_passed_over(tmp_path: Path) -> None:
    """As Kuzushiji-49: each array is in an archive of its own."""
    images, labels = draw(12)
    np.savez(tmp_path / "k49-train-imgs.npz", images)
    np.savez(tmp_path / "k49-train-labels.npz", labels)
    (tmp_path / "k49_classmap.csv").write_text("index,codepoint,char\n0,U+3042,a\n1,U+3044,i\n")
    dataset = load(tmp_path)
    assert counts(dataset) == {"train": np.bincount(labels).tolist()}
    assert "Passed over: `k49_classmap.csv`." in told(dataset)


def test_a_folder_without_pictures_names_what_can_be_read_in_it(tmp_path: Path) -> None:
    rows = np.column_stack([draw(12)[0][:, ::4, ::4].reshape(12, -1), np.arange(12) % 3])
    inner = tmp_path / "fer" / "fer"
    inner.mkdir(parents=True)
    header = ",".join([*(f"pixel{n}" for n in range(49)), "label"])
    np.savetxt(inner / "fer.csv", rows, "%d", ",", header=header, comments="")
    (inner / "README").write_text("words\n")
    with pytest.raises(DatasetError, match=r"fer/fer/fer\.csv` reads a table of pixels"):
        load(tmp_path / "fer")
    pickles = tmp_path / "cifar-10-batches-py"
    pickles.mkdir()
    (pickles / "readme.html").write_text("<a>")
    (pickles / "data_batch_1").write_bytes(b"\x80\x04\x95\x00\x00")
    with pytest.raises(DatasetError, match=r"data_batch_1` is a pickle, and lenet never"):
        load(pickles)


def test_options_that_do_not_belong_to_the_data_are_refused(tmp_path: Path) -> None:
    images, labels = draw(6)
    np.savez(tmp_path / "x.npz", images=images, labels=labels)
    folder = write(tmp_path / "x", *several("a/{}.png", "b/{}.png"))
    for path, option in (
        (tmp_path / "x.npz", {"label_from": "name"}),
        (tmp_path / "x.npz", {"group_from": "folder"}),
        (tmp_path / "x.npz", {"group_column": "writer"}),
        (folder, {"group_column": "writer"}),
        (folder, {"label_from": "table"}),
        (folder, {"label_from": "somewhere"}),
        (folder, {"group_from": "LABEL_#"}),
    ):
        with pytest.raises(SettingError, match=next(iter(option))):
            load(path, **option)
