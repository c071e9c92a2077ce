from typing import Literal, get_args

Part = Literal["filters", "activations", "saliency", "neighbours", "map"]
PARTS: tuple[Part, ...] = get_args(Part)
MapMethod = Literal["pca", "tsne"]
Distance = Literal["cosine", "euclidean"]
Format = Literal["html", "png"]
