"""The layouts of public brain-tumour data sets, by name."""

from typing import Literal, get_args

from iunet_med.datasets.layouts import FolderLayout, Layout, MsdLayout
from iunet_med.datasets.named_layout import NamedLayout
from iunet_med.datasets.nnunet_layout import NnunetLayout

LayoutName = Literal["brats18", "brats23", "brats24", "msd", "files", "nnunet"]
LAYOUT_NAMES: tuple[LayoutName, ...] = get_args(LayoutName)

BRATS18_FILES = {"t1": "*_t1.nii*", "t1c": "*_t1ce.nii*", "t2": "*_t2.nii*", "flair": "*_flair.nii*"}
BRATS23_FILES = {"t1": "*-t1n.nii*", "t1c": "*-t1c.nii*", "t2": "*-t2w.nii*", "flair": "*-t2f.nii*"}
MSD_SPELLINGS = {"t1": ("t1", "t1w"), "t1c": ("t1c", "t1gd", "t1ce"), "t2": ("t2", "t2w"), "flair": ("flair",)}


def dataset_layout(name: LayoutName) -> Layout:
    """Return a public data set's layout: modalities t1, t1c, t2, flair; regions ET, TC, WT.

    - `brats18`: BraTS 2018 to 2021, enhancing tumour is label 4. The pattern of the label also takes the name that the
      label of case 355 has in BraTS 2020, `W39_1998.09.19_Segm.nii`;
    - `brats23`: BraTS 2023 and later, enhancing tumour is label 3; several scans of a patient stay together;
    - `brats24`: the same files after surgery, with the resection cavity, label 4, as a region of its own, RC;
    - `msd`: Task01_BrainTumour of the Medical Segmentation Decathlon: 1 oedema, 2 non-enhancing, 3 enhancing;
    - `files`: any folder whose files carry the field's names, BIDS among them; label values as in `brats23`;
    - `nnunet`: a raw data set of nnU-Net v2; here as its conversion of BraTS makes it, 1 oedema, 2 non-enhancing, 3
      enhancing. `find_layout` takes modalities and regions from the data set's own dataset.json.

    Source: Baid et al. 2021, https://arxiv.org/abs/2107.02314, de Verdier et al. 2024,
    https://arxiv.org/abs/2405.18368, and the data sets' own descriptions.
    """
    regions: dict[str, tuple[int, ...]] = {"ET": (3,), "TC": (1, 3), "WT": (1, 2, 3)}
    match name:
        case "brats18":
            return FolderLayout(
                modalities=BRATS18_FILES, regions={"ET": (4,), "TC": (1, 4), "WT": (1, 2, 4)}, label="*_[Ss]eg*.nii*"
            )
        case "brats23" | "brats24":
            cavity: dict[str, tuple[int, ...]] = {"RC": (4,)} if name == "brats24" else {}
            return FolderLayout(
                modalities=BRATS23_FILES, regions=regions | cavity, label="*-seg.nii*", patient=r"(.+)-\d{3}$"
            )
        case "msd":
            return MsdLayout(
                modalities=MSD_SPELLINGS,
                regions={"ET": (3,), "TC": (2, 3), "WT": (1, 2, 3)},
                labels={"1": "edema", "2": "non-enhancing", "3": "enhancing"},
            )
        case "files":
            return NamedLayout(modalities=dict.fromkeys(BRATS23_FILES, ""), regions=regions)
        case "nnunet":
            numbers = {name: f"{number:04d}" for number, name in enumerate(BRATS23_FILES)}
            return NnunetLayout(modalities=numbers, regions={"ET": (3,), "TC": (2, 3), "WT": (1, 2, 3)})
    raise ValueError(
        f"there is no layout named {name!r}; choose one of {', '.join(LAYOUT_NAMES)}, or describe your folders "
        "with iunet_med.datasets.FolderLayout."
    )


def layout_name(layout: Layout) -> LayoutName | None:
    """Return the name of a public data set's layout, None for another one."""
    if isinstance(layout, NnunetLayout):  # its modalities and regions are the data set's own
        return "nnunet"
    return next((name for name in LAYOUT_NAMES if dataset_layout(name) == layout), None)
