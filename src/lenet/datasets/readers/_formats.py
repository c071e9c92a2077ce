"""Which reader a folder or file is for, seen from its content."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from lenet.core import open_to_read, reading_errors
from lenet.datasets._catalog import EMNIST_SPLITS
from lenet.datasets._reading import DataSource
from lenet.datasets.readers._contents import (
    SUMS_FILE,
    Contents,
    UnclearTableError,
    split_of,
)
from lenet.datasets.readers._csv import is_list, list_csv, names_pictures
from lenet.datasets.readers._dataset_parts import info_command
from lenet.datasets.readers._emnist import find_emnist, list_emnist
from lenet.datasets.readers._folder import list_folder
from lenet.datasets.readers._idx import find_idx_files, idx_shape, list_idx
from lenet.datasets.readers._numpy_files import (
    NPY_MAGIC,
    check_array,
    is_npz,
    list_arrays,
    list_npz,
    open_archive,
)
from lenet.datasets.readers._parquet import find_parquet, list_parquet
from lenet.datasets.readers._scan import is_picture, scan_folder
from lenet.datasets.readers._sums import with_checked_sums
from lenet.errors import DataFileError, SettingError

_ZIPS, _PARQUET = (b"PK\x03\x04", b"PK\x05\x06"), b"PAR1"
_TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".jsonl")
_METADATA = ("metadata.csv", "metadata.jsonl")  # as the Hugging Face hub's folders have
_INNER = (".csv", ".tsv", ".jsonl")
_SNIFFED = 512  # bytes
_LOOKED_INTO = 10  # files of a folder without pictures
_TABLE, _FOLDER = "tables (CSV)", "folders of pictures"
_PICKLED = "lenet never unpickles, as that could run any code"
# What foreign files begin with, what they are and how their arrays are got out.
_FOREIGN = {
    b"\x89HDF": "an HDF5 file; open it with `h5py`, and keep its arrays",
    b"MATLAB 5.0": "a MATLAB file; read it with `scipy.io.loadmat`, and keep its arrays",
    b"\x80": f"a pickle, and {_PICKLED}; load it where you trust it, and keep its arrays",
}
_KEEP = 'with `np.savez("data.npz", x_train=…, y_train=…)`'


def open_contents(source: DataSource) -> Contents:
    """Find out what lies in a place, by its content.

    That is a folder, a file, or a split of EMNIST as if it were a folder in EMNIST's zip.
    """
    path = source.place
    with reading_errors(path, DataFileError):
        is_folder, exists = path.is_dir(), path.exists()
    if exists:
        contents = _choose(source) if is_folder else _open_file(source)
    elif path.name in EMNIST_SPLITS and (files := find_emnist(path.parent)):
        contents = list_emnist(path.parent, files, path.name)
    else:
        message = f"There is no folder or file `{path}`."
        raise DataFileError(message)
    is_table, is_folder = map(contents.format.startswith, ("a table", "a folder"))
    wants_table = source.label_from == "table"
    for name, fits, kind in (
        ("label_column", is_table, _TABLE),
        ("label_from", *((is_table, _TABLE) if wants_table else (is_folder, _FOLDER))),
        ("group_from", is_folder, _FOLDER),
    ):
        if getattr(source, name) and not fits:
            message = (
                f"`--{name.replace('_', '-')}` (`{name}`) is for {kind}; `{path}` is read as "
                f"{contents.format}."
            )
            raise SettingError(message)
    contents = with_checked_sums(contents, path)
    if source.group_column and not contents.has_groups:
        message = (
            f"`--group-column` (`group_column`) is for {_TABLE}; `{path}` is read as "
            f"{contents.format}."
        )
        raise SettingError(message)
    return contents


def _choose(source: DataSource) -> Contents:
    """A folder as its files say, or as its folders of pictures; an error where either may be."""
    path, wanted = source.place, source.label_from
    if wanted not in ("", "table") or source.group_from:
        return list_folder(path, wanted, source.group_from)
    found, problem = None, ""
    is_table = bool(source.label_column or source.group_column or wanted)
    try:
        found = _open_folder(source)
        if not found.format.startswith("a table") or is_table:
            return found
    except DataFileError as error:
        if is_table or isinstance(error, UnclearTableError):
            raise
        problem = str(error)
    try:
        folders = list_folder(path)
    except DataFileError as error:
        if found:
            return found
        is_empty = str(error) == problem or not scan_folder(path).count
        problem += _advice_on_files(path) if str(error) == problem else ""
        message = problem if is_empty else f"{problem} Read as folders instead: {error}"
        raise DataFileError(message) from error
    if len(folders.classes or ()) < 2:
        if found:
            return found
        raise DataFileError(problem)
    if found is None:
        return replace(folders, notes=(*folders.notes, f"Its table is passed over: {problem}"))
    place = shlex.quote(str(path))
    message = (
        f"`{path}` has a table, `{found.files[0].name}`, and folders of pictures. Say which of the "
        f"two names the classes: `lenet data info {place} --label-from table` or `lenet data info "
        f"{place} --label-from folder`."
    )
    raise DataFileError(message)


def _open_folder(source: DataSource) -> Contents:
    folder = source.place
    if emnist := find_emnist(folder):
        return list_emnist(folder, emnist, None)
    if parquet := find_parquet(folder):
        return list_parquet(parquet)
    if idx := find_idx_files(folder):
        return list_idx(folder, idx)
    with reading_errors(folder, DataFileError):
        files = sorted(
            path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")
        )
    tables = [path for path in files if path.name.lower().endswith(_TABLES)]
    if not tables:
        lists = [path for path in files if path.suffix.lower() == ".txt" and is_list(path)]
        tables = [path for path in lists if split_of(path.name)]
    arrays = [path for path in files if path.suffix.lower() in (".npz", ".npy")]
    answers = [path for path in tables if "submission" in path.name.lower()]  # Kaggle's forms
    asked = [path for path in tables if path not in answers]
    for_splits = [path for path in asked if split_of(path.name)]
    has_parts = len(for_splits) > 1 or any(split_of(path.name) == "train" for path in for_splits)
    if len(asked) == 1 or has_parts:
        used = for_splits if has_parts else asked
        try:
            return _list_csv(source, used, [path for path in tables if path not in used])
        except DataFileError:
            is_table = source.label_column or source.group_column or source.label_from
            if is_table or not arrays:
                raise
    elif table := next(filter(names_pictures, asked), None):
        message = (
            f"`{folder}` has several tables, of which `{table.name}` names pictures. Say whether "
            f"it or the folders of pictures say the classes: {info_command(table)} or "
            f"{info_command(folder, 'folder')}."
        )
        raise UnclearTableError(message)
    if len(arrays) == 1 and arrays[0].suffix.lower() == ".npz":
        return list_npz(arrays[0])
    if arrays:
        found = list_arrays(folder, arrays)
        passed = f"Passed over: {', '.join(f'`{path.name}`' for path in tables)}."
        return replace(found, notes=(*found.notes, passed)) if tables else found
    inner = _tables_of_parts(folder)
    return _list_csv(source, inner) if inner else list_folder(folder)


def _tables_of_parts(folder: Path) -> list[Path]:
    """The tables in a folder's folders: one for each part, with its pictures or all by itself."""
    with reading_errors(folder, DataFileError):
        found = sorted(path for path in folder.glob("*/[!.]*") if path.suffix.lower() in _INNER)
    named = [path for path in found if path.name in _METADATA]
    parts = [split_of(path.parent.name) for path in found]
    is_clear = "train" in parts and None not in parts and len(set(parts)) == len(parts)
    return named or (found if is_clear else [])


def _list_csv(source: DataSource, tables: list[Path], left_out: Sequence[Path] = ()) -> Contents:
    return list_csv(
        tables, source.label_column, source.group_column, left_out, bool(source.pixel_range)
    )


Kind = Literal["parquet", "zip", "npz", "npy", "idx", "picture", "foreign", "empty", "table"]


def sniff(path: Path) -> Kind:
    """What kind of file it is, by its content."""
    start = _start_of(path)
    if start.startswith(_PARQUET):
        return "parquet"
    if start.startswith(_ZIPS):
        return "npz" if is_npz(path) or path.suffix.lower() == ".npz" else "zip"
    if start.startswith(NPY_MAGIC):
        return "npy"
    if idx_shape(path) is not None:
        return "idx"
    if is_picture(path):
        return "picture"
    if not start:
        return "empty"
    is_binary = b"\0" in start or start.startswith(tuple(_FOREIGN))
    return "foreign" if is_binary and not path.name.lower().endswith(_TABLES) else "table"


def _start_of(path: Path) -> bytes:
    with open_to_read(path, DataFileError) as file:
        return file.read(_SNIFFED)


def _open_file(source: DataSource) -> Contents:
    path = source.place
    if not path.is_file():  # opening a pipe would wait for ever
        message = f"`{path}` is neither a folder nor a file."
        raise DataFileError(message)
    kind = sniff(path)
    if kind == "parquet":
        return list_parquet([path])
    if kind == "table":
        return _list_csv(source, [path])
    if kind in ("npz", "zip") and (emnist := find_emnist(path)):
        return list_emnist(path, emnist, None)
    if kind == "npz":
        return list_npz(path)
    message = f"`{path}` {_advice(path, kind)}."
    raise DataFileError(message)


def _advice(path: Path, kind: Kind) -> str:
    """What a file is that holds no examples, and what to do with it."""
    if kind == "npy":
        check_array(path)
        return (
            "is one array; give the folder that holds it with its labels, such as `X.npy` and "
            f"`y.npy`. What images without labels show, `lenet predict {path}` answers"
        )
    if kind == "foreign":
        start = _start_of(path)
        known = next((about for begin, about in _FOREIGN.items() if start.startswith(begin)), "")
        formats = "folder, CSV, NPZ, NPY, IDX, Parquet, EMNIST's zip"
        return f"is {known} {_KEEP}" if known else f"is in no format that lenet reads: {formats}"
    names = _members(path) if kind == "zip" else []
    if "[Content_Types].xml" in names:
        return "is a workbook; save its table as `CSV UTF-8`"
    if any(name.endswith("/data.pkl") for name in names):
        return (
            f"is what `torch.save` writes, and {_PICKLED}; `torch.load` it where you trust it, and "
            f"keep its tensors as arrays {_KEEP}"
        )
    return {
        "zip": "is an archive; unpack it and give the folder",
        "idx": "is one IDX file; give the folder that holds it with its labels",
        "picture": "is one picture; give a folder with a folder of pictures for every class",
    }.get(kind, "is empty")


def _advice_on_files(folder: Path) -> str:
    """What a folder without pictures holds that can be read, or from which arrays can be got."""
    advice = ""
    with reading_errors(folder, DataFileError):
        found = [path for depth in ("[!.]*", "*/[!.]*") for path in folder.glob(depth)]
        found = [path for path in found if path.is_file() and path.name != SUMS_FILE]
        files = sorted(found, key=lambda path: -path.stat().st_size)
    for path in files[:_LOOKED_INTO]:
        try:
            contents = _open_file(DataSource(str(path)))
        except DataFileError as error:
            is_known = sniff(path) == "foreign" and _KEEP in str(error)
            advice = advice or (f" {error}" if is_known else "")
        else:
            return f" {info_command(path)} reads {contents.format} there."
    return advice


def _members(archive: Path) -> list[str]:
    with open_archive(archive) as opened:
        return opened.namelist()
