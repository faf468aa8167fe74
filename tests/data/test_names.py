"""File names are read as the field writes them, and false friends are told apart."""

import pytest

from iunet_med.data.names import kind_of, shorten, split_name

KINDS = {
    "t1": "x_t1 x-t1n x_T1w x_T1WI AX_T1 t1_mprage MPRAGE_sag 0003_T1_FLAIR_AX T1_PRE T1_pre_contrast t1_3D_iso1mm",
    "t1c": "x_t1c x_t1ce x_T1Gd x_t1post x_t1-post x_t1+c T1_Gd AX_T1_POST sub-01_ce-gd_T1w x_T1C+ CT1 cT1w t1_km",
    "t2": "x_t2 x_T2w x-t2w T2_TSE_ax T1_001_t2 t2_to_t1 PT2_t2 AX_T2",
    "flair": "x_flair x-t2f T2_FLAIR t2flair FLAIR x_T2wFLAIR tirm_dark_FLAIR T1_001_flair sagT2Flair",
    "label": "x_seg x_Segm P01_lesion-mask x_tumour x_dseg label W39_1998.09.19_Segm T1_001_seg t1_seg",
    None: "PT2 x_t1c_brain_mask x_brainmask x_adc x_t2star x_t2* x_DWI x_swi t1_map t1_t2 notes t2s localizer",
}


@pytest.mark.parametrize(("kind", "stem"), [(kind, stem) for kind, stems in KINDS.items() for stem in stems.split()])
def test_names_mean_what_the_field_means(kind: str | None, stem: str) -> None:
    assert kind_of(split_name(stem).words) == kind
    assert kind_of(split_name(stem.replace("_", " ")).words) == kind


@pytest.mark.parametrize("stem", ["P01_t1", "P01_AX_T1_POST", "P01-t2f", "P01.seg", "P01 3D FLAIR"])
def test_the_prefix_is_the_patients(stem: str) -> None:
    assert split_name(stem).prefix == "P01"


def test_words_before_a_code_are_the_patients() -> None:
    assert split_name("tumor_post_001_t1").prefix == "tumor_post_001"
    assert split_name("smith_john_AX_T1_POST").prefix == "smith_john"
    assert split_name("101_AX_T1_POST").prefix == "101"
    assert split_name("AX T1 POST_0005").prefix == ""


def test_words_that_all_files_share_say_nothing() -> None:
    assert shorten([("post", "t1"), ("post", "t2")]) == [("t1",), ("t2",)]
    assert shorten([("t1",), ("t1", "post")]) == [("t1",), ("t1", "post")]
