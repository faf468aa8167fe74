"""Data sets as lists of checked cases."""

from iunet_med.datasets.case_names import named_dataset
from iunet_med.datasets.cases import list_cases
from iunet_med.datasets.detect import find_layout
from iunet_med.datasets.folds import split_cases
from iunet_med.datasets.layouts import FolderLayout, Layout, MsdLayout
from iunet_med.datasets.named_layout import NamedLayout
from iunet_med.datasets.nnunet_layout import NnunetLayout
from iunet_med.datasets.problems import DatasetError, Problem, plain_errors
from iunet_med.datasets.public import dataset_layout
from iunet_med.datasets.reader import ModalityReader

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
