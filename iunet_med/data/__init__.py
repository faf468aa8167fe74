"""Data sets as lists of checked cases."""

from iunet_med.data.case_names import named_dataset
from iunet_med.data.cases import list_cases
from iunet_med.data.detect import find_layout
from iunet_med.data.folds import split_cases
from iunet_med.data.layouts import FolderLayout, Layout, MsdLayout
from iunet_med.data.named_layout import NamedLayout
from iunet_med.data.nnunet_layout import NnunetLayout
from iunet_med.data.problems import DatasetError, Problem, plain_errors
from iunet_med.data.public import dataset_layout
from iunet_med.data.reader import ModalityReader

__all__ = [
    "DatasetError",
    "FolderLayout",
    "Layout",
    "ModalityReader",
    "MsdLayout",
    "NamedLayout",
    "NnunetLayout",
    "Problem",
    "dataset_layout",
    "find_layout",
    "list_cases",
    "named_dataset",
    "plain_errors",
    "split_cases",
]
