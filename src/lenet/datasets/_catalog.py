"""The datasets that lenet knows by name, where their files lie and how to recognise them."""

from dataclasses import dataclass

from lenet.pictures import Preparation

# How the makers of MNIST and of Fashion-MNIST made their images.
_SYMBOLS = Preparation("symbol", "light-on-dark", margin=4)
_THINGS = Preparation("object", "light-on-dark")


@dataclass(frozen=True)
class RemoteFile:
    """A file that mirrors offer.

    Attributes:
        name: Its name on the mirrors and in the cache.
        md5: The checksum that the dataset's authors published.
        sha256: The checksum of the same bytes, by which what a mirror gives is taken or refused:
            of those we have held ourselves, or else as TensorFlow Datasets and others publish it.
    """

    name: str
    md5: str
    sha256: str


@dataclass(frozen=True)
class CatalogEntry:
    """A dataset that can be fetched.

    Attributes:
        name: The name that `load_dataset` takes; also its folder in the cache.
        class_names: The classes, in the order of the labels.
        mirrors: Where the files lie, by https, each ending in `/`; tried in this order. Those of
            Baidu are in China, where the others are slow or out of reach.
        files: Training images and labels, test images and labels, in this order.
        torchvision_folder: Where torchvision keeps the same files, accepted too.
        source: The paper or page to cite.
        preparation: How a picture becomes an image like its images.
    """

    name: str
    class_names: tuple[str, ...]
    mirrors: tuple[str, ...]
    files: tuple[RemoteFile, ...]
    torchvision_folder: str
    source: str
    preparation: Preparation = _SYMBOLS


def _files(md5: tuple[str, ...], sha256: tuple[str, ...]) -> tuple[RemoteFile, ...]:
    names = (
        f"{part}-{kind}-ubyte.gz"
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    )
    return tuple(map(RemoteFile, names, md5, sha256))


CATALOG: dict[str, CatalogEntry] = {
    "fashion-mnist": CatalogEntry(
        name="fashion-mnist",
        class_names=tuple(
            "t-shirt,trouser,pullover,dress,coat,sandal,shirt,sneaker,bag,ankle boot".split(",")
        ),
        mirrors=(
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
            "https://dataset.bj.bcebos.com/fashion_mnist/",
        ),
        files=_files(
            (
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "25c81989df183df01b3e8a0aad5dffbe",
                "bef4ecab320f06d8554ea6380940ec79",
                "bb300cfdad3c16e7a12a480ee83cd310",
            ),
            (
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ),
        torchvision_folder="FashionMNIST/raw",
        source="Xiao, Rasul and Vollgraf (2017), arXiv:1708.07747",
        preparation=_THINGS,
    ),
    "mnist": CatalogEntry(
        name="mnist",
        class_names=tuple("0123456789"),
        mirrors=(
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://dataset.bj.bcebos.com/mnist/",
        ),
        files=_files(
            (
                "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                "d53e105ee54ea40749a09fcbcd1e9432",
                "9fb629c4189551a2d022fa330f9573f3",
                "ec29112dd5afa0611ce80d1b7f02629c",
            ),
            (
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
        torchvision_folder="MNIST/raw",
        source="LeCun, Bottou, Bengio and Haffner (1998), Proceedings of the IEEE 86(11)",
    ),
    "kmnist": CatalogEntry(
        name="kmnist",
        class_names=tuple("o ki su tsu na ha ma ya re wo".split()),
        mirrors=("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        files=_files(
            (
                "bdb82020997e1d708af4cf47b453dcf7",
                "e144d726b3acfaa3e44228e80efcd344",
                "5c965bf0a639b31b8f53240b1b52f4d7",
                "7320c461ea6c1c855c0b718fb2a4b134",
            ),
            (
                "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
                "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
                "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
                "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            ),
        ),
        torchvision_folder="KMNIST/raw",
        source="Clanuwat et al. (2018), arXiv:1812.01718",
    ),
}

# One archive for six datasets, each of which `load_dataset` knows as `emnist-` and its split.
EMNIST = CatalogEntry(
    name="emnist",
    class_names=(),
    mirrors=("https://biometrics.nist.gov/cs_links/EMNIST/",),
    files=(
        RemoteFile(
            "gzip.zip",
            "58c8d27c78d21e728a6bc7b3cc06412e",
            "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
        ),
    ),
    torchvision_folder="EMNIST/raw",
    source="Cohen, Afshar, Tapson and van Schaik (2017), arXiv:1702.05373",
)
EMNIST_SPLITS = ("balanced", "byclass", "bymerge", "digits", "letters", "mnist")
EMNIST_NAMES = tuple(f"{EMNIST.name}-{split}" for split in EMNIST_SPLITS)
