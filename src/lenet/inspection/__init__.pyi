from ._activity import LayerActivity as LayerActivity
from ._activity import measure_activity as measure_activity
from ._choices import PARTS as PARTS
from ._choices import Distance as Distance
from ._choices import Format as Format
from ._choices import MapMethod as MapMethod
from ._choices import Part as Part
from ._draw_activations import draw_activations as draw_activations
from ._draw_filters import draw_filters as draw_filters
from ._draw_map import draw_map as draw_map
from ._draw_neighbours import draw_neighbours as draw_neighbours
from ._draw_saliency import draw_saliency as draw_saliency
from ._filters import LayerFilters as LayerFilters
from ._filters import read_filters as read_filters
from ._inspect import inspect_network as inspect_network
from ._inspection import Inspection as Inspection
from ._inspection import Observation as Observation
from ._inspection import Sample as Sample
from ._neighbours import Neighbours as Neighbours
from ._neighbours import compute_features as compute_features
from ._neighbours import find_neighbours as find_neighbours
from ._page import build_page as build_page
from ._projection import Projection as Projection
from ._projection import project as project
from ._saliency import gradient_saliency as gradient_saliency
from ._saliency import occlusion_saliency as occlusion_saliency
from ._subjects import Subject as Subject
from ._subjects import make_subject as make_subject
from ._trace import LayerDifference as LayerDifference
from ._trace import LayerTrace as LayerTrace
from ._trace import average_trace as average_trace
from ._trace import compare_traces as compare_traces
from ._trace import trace as trace
from ._wording import describe_inspection as describe_inspection
from ._write import write_inspection as write_inspection

__all__ = [
    "PARTS",
    "Distance",
    "Format",
    "Inspection",
    "LayerActivity",
    "LayerDifference",
    "LayerFilters",
    "LayerTrace",
    "MapMethod",
    "Neighbours",
    "Observation",
    "Part",
    "Projection",
    "Sample",
    "Subject",
    "average_trace",
    "build_page",
    "compare_traces",
    "compute_features",
    "describe_inspection",
    "draw_activations",
    "draw_filters",
    "draw_map",
    "draw_neighbours",
    "draw_saliency",
    "find_neighbours",
    "gradient_saliency",
    "inspect_network",
    "make_subject",
    "measure_activity",
    "occlusion_saliency",
    "project",
    "read_filters",
    "trace",
    "write_inspection",
]
