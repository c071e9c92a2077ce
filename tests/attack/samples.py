"""Small files of every kind that lenet reads, made by code: what attacks on readers begin with."""

import gzip
import io
import json
import os
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

import lenet
from lenet.datasets import Dataset, Split, convert_dataset, pack_dataset
from lenet.models import BUNDLED

_NAMES = ("shirt", "boot", "ä 的")


@dataclass(frozen=True)
class Sample:
    """Some files that are read together.

    Attributes:
        name: What it is.
        files: Their contents by their names.
        place: What is read, of the folder that they lie in; by default the folder itself.
        damaged: Which files are damaged in turn; by default all.
        is_sealed: Whether damage may never give another result than before, as check sums stand in
            the files.
        is_refused: Whether it is none of ours as it is, and told what to do with.
    """

    name: str
    files: dict[str, bytes]
    place: str = ""
    damaged: tuple[str, ...] = ()
    is_sealed: bool = False
    is_refused: bool = False


def _drawn(mode: str = "RGB", size: tuple[int, int] = (40, 32)) -> Image.Image:
    """A dark stroke on light paper, with a little noise."""
    noise = np.random.default_rng(0).integers(200, 256, (size[1], size[0], 3), np.uint8)
    image = Image.fromarray(noise)
    ImageDraw.Draw(image).line([(8, 4), (30, 15), (10, 28)], (40, 20, 60), 4)
    return image.convert(mode)


def _turned() -> Image.Image:
    return _drawn().rotate(90)  # a new one: Pillow leaves settings of one format on an image


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def failed(kind: str) -> list[Sample]:
    """The files of a kind that ever broke a promise, which are all refused by now."""
    paths = sorted((Path(__file__).parent / "corpus").glob(f"{kind}-*"))
    return [
        Sample(path.name, {path.name: path.read_bytes()}, path.name, is_refused=True)
        for path in paths
    ]


def pictures(folder: Path) -> list[Sample]:
    """Each format, in the variants that decoders treat on their own."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    deep = Image.fromarray(np.asarray(_drawn("L"), np.uint16) * 257)
    clear = _drawn("RGBA")
    clear.putalpha(_drawn("L"))
    text = " ".join(map(str, np.asarray(_drawn("L")).ravel())).encode()
    made = {
        "grey.png": _encoded(_drawn("L"), "PNG"),
        "colour.png": _encoded(_drawn(), "PNG", exif=exif),
        "palette.png": _encoded(_drawn("P"), "PNG", transparency=3),
        "clear.png": _encoded(clear, "PNG"),
        "bits.png": _encoded(_drawn("1"), "PNG"),
        "deep.png": _encoded(deep, "PNG"),
        "moving.png": _encoded(_drawn(), "PNG", save_all=True, append_images=[_turned()]),
        "photo.jpg": _encoded(_drawn(), "JPEG", exif=exif),
        "grey.jpg": _encoded(_drawn("L"), "JPEG", restart_marker_rows=1),
        "progressive.jpg": _encoded(_drawn(), "JPEG", progressive=True),
        "print.jpg": _encoded(_drawn("CMYK"), "JPEG"),
        "two.mpo": _encoded(_drawn(), "MPO", save_all=True, append_images=[_turned()]),
        "colour.bmp": _encoded(_drawn(), "BMP"),
        "palette.bmp": _encoded(_drawn("P"), "BMP"),
        "palette.gif": _encoded(_drawn("P"), "GIF"),
        "moving.gif": _encoded(_drawn(), "GIF", save_all=True, append_images=[_turned()], loop=0),
        "colour.ppm": _encoded(_drawn(), "PPM"),
        "grey.pgm": _encoded(_drawn("L"), "PPM"),
        "bits.pbm": _encoded(_drawn("1"), "PPM"),
        "text.pgm": b"P2 40 32 255\n" + text,
        "plain.tif": _encoded(_drawn(), "TIFF"),
        "deep.tif": _encoded(deep, "TIFF"),
        "float.tif": _encoded(_drawn("F"), "TIFF"),
        **{
            f"{kind}.tif": _encoded(
                _drawn("1" if kind == "group4" else "RGB"), "TIFF", compression=kind
            )
            for kind in ("tiff_lzw", "tiff_deflate", "jpeg", "packbits", "group4")
        },
        "pages.tif": _encoded(_drawn("L"), "TIFF", save_all=True, append_images=[_turned()]),
        "lossy.webp": _encoded(_drawn(), "WEBP", exif=exif),
        "lossless.webp": _encoded(clear, "WEBP", lossless=True),
        "moving.webp": _encoded(_drawn(), "WEBP", save_all=True, append_images=[_turned()]),
    }
    if "AVIF" in Image.SAVE:
        made["still.avif"] = _encoded(_drawn(), "AVIF", exif=exif)
        made["moving.avif"] = _encoded(_drawn(), "AVIF", save_all=True, append_images=[_turned()])
    return [Sample(name, {name: content}, name) for name, content in made.items()]


def _images(count: int = 12, side: int = 6) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    images = np.random.default_rng(1).integers(0, 256, (count, side, side), np.uint8)
    return images, np.arange(count) % len(_NAMES)


def some_dataset(side: int = 6) -> Dataset:
    images, labels = _images(side=side)
    splits = Split(images[:8, None], labels[:8]), Split(images[8:, None], labels[8:])
    return Dataset("some", _NAMES, *splits)


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def tables(folder: Path) -> list[Sample]:
    """Pixels, and names of pictures, in text and in Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    images, labels = _images()
    rows = images.reshape(len(images), -1)
    names = [_NAMES[label] for label in labels]
    picture = {
        f"{number}.png": _encoded(Image.fromarray(one), "PNG") for number, one in enumerate(images)
    }
    header = ",".join(["label", *(f"pixel{number}" for number in range(rows.shape[1]))])
    lines = [",".join(map(str, (label, *row))) for label, row in zip(labels, rows, strict=True)]
    named = [f'"{number}.png";"{name}"' for number, name in enumerate(names)]
    objects = [
        {"label": name, "pixels": image.tolist()} for name, image in zip(names, images, strict=True)
    ]
    text = "\n".join([header, *lines]).encode()
    last = "\n".join(
        " ".join(map(str, (*row, label))) for label, row in zip(labels, rows, strict=True)
    )
    made = [
        Sample("header.csv", {"x.csv": text}, "x.csv"),
        Sample("bare.csv", {"x.csv": "\n".join(lines).encode()}, "x.csv"),
        Sample("label last.txt", {"x.txt": last.encode()}, "x.txt"),
        Sample("packed.csv.gz", {"x.csv.gz": gzip.compress(text, mtime=0)}, "x.csv.gz"),
        Sample(
            "names.csv",
            {"x.csv": "\n".join(["file;class", *named]).encode(), **picture},
            "x.csv",
            ("x.csv",),
        ),
        Sample("lines.jsonl", {"x.jsonl": "\n".join(map(json.dumps, objects)).encode()}, "x.jsonl"),
        Sample("whole.json", {"x.json": json.dumps(objects).encode()}, "x.json"),
        Sample(
            "parts",
            {"train.csv": text, "test.csv": text, "class-names.txt": "\n".join(_NAMES).encode()},
        ),
    ]
    labelled = {
        "label": labels,
        "image": [{"bytes": one, "path": None} for one in picture.values()],
    }
    for name, columns in {
        "pixels.parquet": {"label": names, **{f"p{n}": rows[:, n] for n in range(rows.shape[1])}},
        "lists.parquet": {"label": labels, "image": list(rows)},
        "pictures.parquet": labelled,
    }.items():
        for more in ({}, {"compression": "gzip", "use_dictionary": False, "version": "1.0"}):
            pq.write_table(pa.table(columns), folder / "x.parquet", **more)
            content = (folder / "x.parquet").read_bytes()
            made.append(
                Sample(f"{name} {more.get('compression', '')}", {"x.parquet": content}, "x.parquet")
            )
    return [*made, _written(folder, "parquet", "parquet")]


def _written(folder: Path, name: str, form: Any, is_sealed: bool = True) -> Sample:
    """What lenet itself writes of a dataset."""
    path = convert_dataset(some_dataset(), folder / f"lenets {name}", form)
    if path.is_dir():
        return Sample(f"lenet's {name}", files_in(path), is_sealed=is_sealed)
    return Sample(f"lenet's {name}", {"x.npz": path.read_bytes()}, "x.npz", is_sealed=is_sealed)


def _idx(array: np.ndarray[Any, Any]) -> bytes:
    return (
        struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        + array.astype("u1").tobytes()
    )


def _npy(array: Any) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def arrays(folder: Path) -> list[Sample]:
    """NumPy's, IDX, EMNIST's archive; and what is told and not read."""
    import scipy.io
    import torch

    images, labels = _images()
    held = {"x_train": images, "y_train": labels, "x_test": images[:3], "y_test": labels[:3]}
    made: list[Sample] = []
    for name, save in (("stored", np.savez), ("packed", np.savez_compressed)):
        content = io.BytesIO()
        save(content, allow_pickle=False, **held, class_names=np.array(_NAMES))
        made.append(Sample(f"{name}.npz", {"x.npz": content.getvalue()}, "x.npz"))
    made.append(Sample("npy", {"X.npy": _npy(images / 255), "y.npy": _npy(labels.astype("f4"))}))
    made.append(Sample("classes", {f"{name}.npy": _npy(images) for name in ("cat", "cow")}))
    made.append(
        Sample("one.npy", {"x.npy": _npy(np.asfortranarray(images))}, "x.npy", is_refused=True)
    )
    idx = {"train-images-idx3-ubyte": _idx(images), "train-labels-idx1-ubyte": _idx(labels)}
    made.append(Sample("idx", {**idx, "class-names.txt": "\n".join(_NAMES).encode()}))
    packed = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in idx.items()}
    made.append(Sample("idx.gz", packed))
    emnist = io.BytesIO()
    with zipfile.ZipFile(emnist, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("train", "test"):
            for kind in ("images-idx3", "labels-idx1"):
                inner = idx[f"train-{kind}-ubyte"]
                archive.writestr(
                    f"gzip/emnist-letters-{name}-{kind}-ubyte.gz", gzip.compress(inner)
                )
        archive.writestr("gzip/emnist-letters-mapping.txt", "0 65\n1 66\n2 67\n")
    made.append(Sample("emnist.zip", {"gzip.zip": emnist.getvalue()}, "gzip.zip"))
    scipy.io.savemat(folder / "x.mat", held)
    torch.save(torch.from_numpy(images), folder / "x.pt")
    (folder / "x.pickle").write_bytes(pickle.dumps(held))
    made += [
        Sample(path.name, {path.name: path.read_bytes()}, path.name, is_refused=True)
        for path in map(folder.joinpath, ("x.mat", "x.pt", "x.pickle"))
    ]
    return [*made, _written(folder, "npz", "npz"), _written(folder, "idx", "idx")]


def folders(folder: Path) -> list[Sample]:
    """Folders of pictures, by class and by a table."""
    images, labels = _images()
    picture = [_encoded(Image.fromarray(one), "PNG") for one in images]
    by_class = {f"{_NAMES[label]}/{n}.png": picture[n] for n, label in enumerate(labels)}
    lines = [f"{n}.png,{label}" for n, label in enumerate(labels)]
    in_table = {f"train/{n}.png": one for n, one in enumerate(picture)}
    in_table["train/metadata.csv"] = "\n".join(["file_name,label", *lines]).encode()
    return [
        Sample("by class", {**by_class, "class-names.txt": "\n".join(_NAMES).encode()}),
        Sample("by table", in_table, damaged=("train/metadata.csv",)),
        _written(folder, "folder", "folder"),
    ]


def packed_sets(folder: Path) -> list[Sample]:
    dataset = some_dataset()
    pack_dataset(dataset, folder / "packed")
    return [Sample("packed", files_in(folder / "packed"), is_sealed=True)]


def models(folder: Path) -> list[Sample]:
    """A model file as lenet writes it, one of an older lenet, and a folder for a hub."""
    with _network(folder) as path:
        content = path.read_bytes()
    config = json.dumps({"library_name": "lenet", "num_labels": len(_NAMES)}).encode()
    hub = {"model.safetensors": content, "config.json": config}
    older = BUNDLED["digits"].read_bytes()
    return [
        Sample("model", {"x.safetensors": content}, "x.safetensors", is_sealed=True),
        Sample("older model", {"x.safetensors": older}, "x.safetensors"),
        Sample("hub", hub, is_sealed=True),
    ]


@contextmanager
def _network(folder: Path) -> Iterator[Path]:
    from lenet.models import ArrayNetwork, model_config

    config = model_config("lenet", {"input_shape": (1, 28, 28), "classes": len(_NAMES)})
    path = folder / "x.safetensors"
    lenet.save_model(path, ArrayNetwork.build(config, 0), class_names=_NAMES)
    yield path


def runs(folder: Path) -> list[Sample]:
    """A run that was killed after its last epoch."""
    keep: Callable[..., None] = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.name != "checkpoint.safetensors":
            keep(path, missing_ok)

    Path.unlink = unlink  # type: ignore[method-assign]
    run = lenet.train(
        "lenet",
        some_dataset(28),
        epochs=1,
        runs_folder=folder / "runs",
        validation=0.0,
        listeners=[],
    )
    Path.unlink = keep  # type: ignore[method-assign]
    shutil.copytree(run.folder, folder / "run")
    files = {
        name: content
        for name, content in files_in(folder / "run").items()
        if not name.startswith(("curves", "."))
    }
    files = {f"a/{name}": content for name, content in files.items()}
    stopped = {name: content for name, content in files.items() if name != "a/result.json"}
    checkpoint = ("a/checkpoint.safetensors",)
    return [Sample("complete", files, "a"), Sample("stopped", stopped, "a", checkpoint, True)]


_RECIPE = """# all kinds of values
model = "lenet"
preset = "modern"
epochs = 3
learning_rate = 1e-3
optimiser = "adam"
[search]
weight_decay = { low = 1e-5, high = 1e-2, log = true }
batch_size = [32, 64]
"""


def settings(folder: Path) -> list[Sample]:
    """What is written by hand."""
    from lenet.models import model_config

    network = model_config("lenet", {"input_shape": (1, 28, 28)}).network().to_toml().encode()
    return [
        Sample("recipe.toml", {"recipe.toml": _RECIPE.encode()}, "recipe.toml"),
        Sample("network.toml", {"network.toml": network}, "network.toml"),
    ]


def cached(folder: Path) -> list[Sample]:
    """A dataset of one's own as the cache keeps it."""
    images, labels = _images()
    content = io.BytesIO()
    np.savez(content, x_train=images, y_train=labels)
    (folder / "x.npz").write_bytes(content.getvalue())
    os.environ["LENET_CACHE"] = str(folder / "cache")  # of a process that ends with this
    lenet.load_dataset(folder / "x.npz", for_training=False)
    return [Sample("cache", files_in(folder / "cache"), is_sealed=True)]
