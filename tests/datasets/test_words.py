"""Words come one by one, also joined ones, and each with the place where it begins."""

from iunet_med.datasets.words import words_of


def test_joined_words_come_one_by_one_with_their_places() -> None:
    assert list(words_of("P01_T1wPost")) == [("p01", 0), ("t1", 4), ("post", 7)]
    assert [word for word, _ in words_of("ohneKM axt1se t2star t2f")] == [
        *("ohne", "km", "ax", "t1", "se", "t2", "star", "flair"),
    ]


def test_signs_are_words() -> None:
    assert list(words_of("T1 +C")) == [("t1", 0), ("c+", 3)]
    assert [word for word, _ in words_of("T1_C-")] == ["t1", "c-"]
    assert [word for word, _ in words_of("T1+C+FLAIR")] == ["t1", "c+", "flair"]


def test_unknown_words_stay_whole() -> None:
    assert [word for word, _ in words_of("set1 Corse test2")] == ["set1", "corse", "test2"]
