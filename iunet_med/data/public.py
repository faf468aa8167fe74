"""The layouts of public brain-tumour data sets, by name."""

from typing import Literal, get_args

from iunet_med.data.layouts import FolderLayout, Layout, MsdLayout

LayoutName = Literal["brats18", "brats23", "msd_brain"]


def dataset_layout(name: LayoutName) -> Layout:
    """Return a public data set's layout: modalities t1, t1c, t2, flair; regions ET, TC, WT.

    - `brats18`: BraTS 2018 to 2021, enhancing tumour is label 4;
    - `brats23`: BraTS 2023 and later, enhancing tumour is label 3; several scans of a patient stay together;
    - `msd_brain`: Task01_BrainTumour of the Medical Segmentation Decathlon: 1 oedema, 2 non-enhancing, 3 enhancing.

    Source: Baid et al. 2021, https://arxiv.org/abs/2107.02314, and the data sets' own descriptions.
    """
    match name:
        case "brats18":
            return FolderLayout(
                modalities={"t1": "*_t1.nii*", "t1c": "*_t1ce.nii*", "t2": "*_t2.nii*", "flair": "*_flair.nii*"},
                regions={"ET": (4,), "TC": (1, 4), "WT": (1, 2, 4)},
                label="*_seg.nii*",
            )
        case "brats23":
            return FolderLayout(
                modalities={"t1": "*-t1n.nii*", "t1c": "*-t1c.nii*", "t2": "*-t2w.nii*", "flair": "*-t2f.nii*"},
                regions={"ET": (3,), "TC": (1, 3), "WT": (1, 2, 3)},
                label="*-seg.nii*",
                patient=r"(.+)-\d{3}$",
            )
        case "msd_brain":
            return MsdLayout(
                modalities={
                    "t1": ("t1", "t1w"),
                    "t1c": ("t1c", "t1gd", "t1ce"),
                    "t2": ("t2", "t2w"),
                    "flair": ("flair",),
                },
                regions={"ET": (3,), "TC": (2, 3), "WT": (1, 2, 3)},
                labels={"1": "edema", "2": "non-enhancing", "3": "enhancing"},
            )
    raise ValueError(
        f"there is no layout named {name!r}; choose one of {', '.join(get_args(LayoutName))}, or describe your folders "
        "with iunet_med.data.FolderLayout."
    )
