from ._chart import Series as Series
from ._figure import INKS as INKS
from ._figure import Drawing as Drawing
from ._figure import draw_series as draw_series
from ._figure import write_figure as write_figure
from ._json import finite_values as finite_values
from ._json import json_text as json_text
from ._json import newer_version as newer_version
from ._json import parse_json as parse_json
from ._json import read_json_object as read_json_object
from ._keywords import CompareKeywords as CompareKeywords
from ._keywords import ComputeKeywords as ComputeKeywords
from ._keywords import RecipeKeywords as RecipeKeywords
from ._keywords import SweepKeywords as SweepKeywords
from ._keywords import SweepWorkKeywords as SweepWorkKeywords
from ._keywords import TrainKeywords as TrainKeywords
from ._memory import free_memory as free_memory
from ._none import NONE_CLASS as NONE_CLASS
from ._none import none_index as none_index
from ._none import real_classes as real_classes
from ._pytorch import attach_names as attach_names
from ._pytorch import has_torch as has_torch
from ._pytorch import names_to_be_had as names_to_be_had
from ._pytorch import require_torch as require_torch
from ._pytorch import to_numpy as to_numpy
from ._random import Generator as Generator
from ._safetensors import pack_arrays as pack_arrays
from ._safetensors import read_arrays as read_arrays
from ._safetensors import read_header as read_header
from ._safetensors import replace_free_part as replace_free_part
from ._safetensors import unpack_arrays as unpack_arrays
from ._secrets import environment_without_secrets as environment_without_secrets
from ._secrets import hide_in_command as hide_in_command
from ._secrets import hide_secrets as hide_secrets
from ._settings import Compute as Compute
from ._settings import EngineName as EngineName
from ._settings import Settings as Settings
from ._settings import SettingsType as SettingsType
from ._settings import check_range as check_range
from ._settings import check_setting as check_setting
from ._settings import field_help as field_help
from ._settings import field_types as field_types
from ._settings import format_setting as format_setting
from ._settings import option as option
from ._settings import parse_setting as parse_setting
from ._settings import parse_values as parse_values
from ._settings import read_record as read_record
from ._settings import shortened as shortened
from ._settings import take_settings as take_settings
from ._signals import answer_signals as answer_signals
from ._signals import doing_first_on_signals as doing_first_on_signals
from ._signals import stop_on_signals as stop_on_signals
from ._staging import remove_abandoned as remove_abandoned
from ._staging import staged_file as staged_file
from ._staging import staged_folder as staged_folder
from ._staging import temporary_folder as temporary_folder
from ._storage import check_ending as check_ending
from ._storage import check_free as check_free
from ._storage import is_own_stream as is_own_stream
from ._storage import open_to_read as open_to_read
from ._storage import reading_errors as reading_errors
from ._storage import remove_partial_files as remove_partial_files
from ._storage import rename_to_free as rename_to_free
from ._storage import storage_errors as storage_errors
from ._storage import write_atomically as write_atomically
from ._threads import cpu_threads as cpu_threads
from ._threads import default_threads as default_threads
from ._threads import set_thread_count as set_thread_count
from ._threads import thread_count as thread_count
from ._words import distribution_name as distribution_name
from ._words import escape_name as escape_name
from ._words import escape_text as escape_text
from ._words import install_command as install_command
from ._words import nearest_name as nearest_name
from ._words import shorten as shorten

__all__ = [
    "INKS",
    "NONE_CLASS",
    "CompareKeywords",
    "Compute",
    "ComputeKeywords",
    "Drawing",
    "EngineName",
    "Generator",
    "RecipeKeywords",
    "Series",
    "Settings",
    "SettingsType",
    "SweepKeywords",
    "SweepWorkKeywords",
    "TrainKeywords",
    "answer_signals",
    "attach_names",
    "check_ending",
    "check_free",
    "check_range",
    "check_setting",
    "cpu_threads",
    "default_threads",
    "distribution_name",
    "doing_first_on_signals",
    "draw_series",
    "environment_without_secrets",
    "escape_name",
    "escape_text",
    "field_help",
    "field_types",
    "finite_values",
    "format_setting",
    "free_memory",
    "has_torch",
    "hide_in_command",
    "hide_secrets",
    "install_command",
    "is_own_stream",
    "json_text",
    "names_to_be_had",
    "nearest_name",
    "newer_version",
    "none_index",
    "open_to_read",
    "option",
    "pack_arrays",
    "parse_json",
    "parse_setting",
    "parse_values",
    "read_arrays",
    "read_header",
    "read_json_object",
    "read_record",
    "reading_errors",
    "real_classes",
    "remove_abandoned",
    "remove_partial_files",
    "rename_to_free",
    "replace_free_part",
    "require_torch",
    "set_thread_count",
    "shorten",
    "shortened",
    "staged_file",
    "staged_folder",
    "stop_on_signals",
    "storage_errors",
    "take_settings",
    "temporary_folder",
    "thread_count",
    "to_numpy",
    "unpack_arrays",
    "write_atomically",
    "write_figure",
]
