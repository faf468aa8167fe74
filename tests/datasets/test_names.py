"""File names are read as the field writes them, and false friends are told apart."""

import pytest

from iunet_med.datasets.names import kind_of, shorten, split_name

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


SERIES = {
    "t1": "T1_ohne_KM|T1 w/o contrast|AX T1 -C|AX_T1_C-|T1_sans_gado|T1_no_Gd|T1 wo|T1_post_op|004_t1_se_tra|MDEFT",
    "t1c": "3D_T1_+C|3D T1 +C|MPRAGE C+|C+ T1|T1 FS +C|BRAVO +C|T1+|T1FSGD|T1 mit KM|T1 nach_KM|T1_VIBE_C"
    "|T1 non FS post|T1wCE|T1CM|T1 PC|T1_plus contrast|004_t1_se_km|t1postcon|axt1post",
    "t2": "T2W_TSE|003_T2|T2_post|AX T2 PROPELLER",
    "flair": "dark fluid|darkfluid|t2_tirm_tra_dark-fluid|t2_spc_da-fl_sag_p2_iso|AX FLAIR POST|FLAIR+C",
    None: "t2_tirm|tirm|T2_GRE|t2_me2d|t2_fl2d_tra|T1_sub|T1post_minus_T1pre|T1 pre and post"
    "|T1 with and without contrast",
}


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in SERIES.items() for text in texts.split("|")]
)
def test_scanners_descriptions_are_understood(kind: str | None, text: str) -> None:
    assert kind_of(split_name(text).words) == kind


@pytest.mark.parametrize("code", ["set1", "study_2", "T1_study_2", "PT1", "visit2", "Sub_A", "mrt1"])
def test_codes_that_hold_a_modality_name_nothing(code: str) -> None:
    for text, kind in (("t1c", "t1c"), ("t2", "t2"), ("flair", "flair")):
        name = split_name(f"{code}_{text}")
        assert (name.prefix, kind_of(name.words)) == (code, kind)


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
