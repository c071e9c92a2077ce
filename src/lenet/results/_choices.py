"""The words that choose, in a module that costs a command line nothing to import."""

from typing import Literal, get_args

SplitName = Literal["train", "validation", "test"]
Views = Literal["single", "mirrored", "shifted"]
Part = Literal["filters", "activations", "saliency", "neighbours", "map"]
PARTS: tuple[Part, ...] = get_args(Part)
MapMethod = Literal["pca", "tsne"]
Distance = Literal["cosine", "euclidean"]
Format = Literal["html", "png"]
