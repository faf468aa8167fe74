"""Data sets as lists of checked cases."""

from iunet_med.datasets.cached import checked_dataset
from iunet_med.datasets.cases import list_cases
from iunet_med.datasets.cifar import read_cifar10
from iunet_med.datasets.detect import find_layout
from iunet_med.datasets.folds import split_cases
from iunet_med.datasets.layouts import FolderLayout, Layout, MsdLayout
from iunet_med.datasets.listed import CheckItems
from iunet_med.datasets.named_layout import NamedLayout
from iunet_med.datasets.nnunet_layout import NnunetLayout
from iunet_med.datasets.organ_layout import OrganLayout, find_organ_layout
from iunet_med.datasets.problems import DatasetError, Problem, plain_errors
from iunet_med.datasets.public import dataset_layout
from iunet_med.datasets.reader import ModalityReader

__all__ = [
    "CheckItems",
    "DatasetError",
    "FolderLayout",
    "Layout",
    "ModalityReader",
    "MsdLayout",
    "NamedLayout",
    "NnunetLayout",
    "OrganLayout",
    "Problem",
    "checked_dataset",
    "dataset_layout",
    "find_layout",
    "find_organ_layout",
    "list_cases",
    "plain_errors",
    "read_cifar10",
    "split_cases",
]
