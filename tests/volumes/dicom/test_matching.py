"""Exactly one series per modality, or an error that names the candidates and no patient."""

import pytest

from iunet_med.volumes.dicom import Series, match_modalities

PLAIN, CONTRAST, SECOND = (
    Series(key=f"series-{n}", study="s", patient="p", description=text, modality="MR", files=())
    for n, text in enumerate(("Doe ax T1", "Doe ax T1 GD", "Doe cor T1 gd"))
)


def test_patterns_and_keys_choose() -> None:
    chosen = match_modalities([PLAIN, CONTRAST, SECOND], {"t1": "series-0", "t1c": "*AX*t1*gd*"})
    assert chosen == {"t1": PLAIN, "t1c": CONTRAST}


def test_doubt_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"t1c: 2 series fit '\*GD', exactly one must.*series-1 \(MR") as error:
        match_modalities([PLAIN, CONTRAST, SECOND], {"t1c": "*GD"})
    assert "Doe" not in str(error.value)
    with pytest.raises(ValueError, match="Doe cor T1 gd"):
        match_modalities([PLAIN, CONTRAST, SECOND], {"t1c": "*GD"}, show_descriptions=True)
    with pytest.raises(ValueError, match="flair: 0 series fit"):
        match_modalities([PLAIN], {"flair": "*flair*"})
    with pytest.raises(ValueError, match="a and b both fit series-0"):
        match_modalities([PLAIN], {"a": "*t1", "b": "*ax*"})
