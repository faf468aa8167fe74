"""Names are anonymous and repeatable."""

from iunet_med.volumes.dicom.series import anonymous


def test_names_are_hashes_of_all_parts() -> None:
    assert anonymous("series", "1.2.3", "4") == anonymous("series", "1.2.3", "4")
    assert anonymous("series", "1.2.3", "4") != anonymous("series", "1.2.34", "")
    assert anonymous("study", "") == "study-e3b0c44298"  # the first digits of the SHA-256 of nothing
