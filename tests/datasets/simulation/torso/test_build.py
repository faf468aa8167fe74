import numpy as np

from iunet_med.datasets.simulation.torso.build import MISSING, random_build


def test_people_differ_and_keep_one_kidney() -> None:
    builds = [random_build(np.random.default_rng(seed)) for seed in range(400)]
    missing = [organ for build in builds for organ in build.missing]
    assert not any({"kidney_left", "kidney_right"} <= build.missing for build in builds)
    assert 0.08 < missing.count("gallbladder") / len(builds) < 0.22
    assert set(missing) == set(MISSING)
    assert {build.phase for build in builds} == {"native", "arterial", "portal", "delayed"}
    assert np.std([build.fat_mm for build in builds]) > 5
