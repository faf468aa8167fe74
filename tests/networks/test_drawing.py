from iunet_med import IUNet


def test_layout_tells_what_each_level_keeps_and_sends() -> None:
    drawing = IUNet(3, 4, 3, (16, 32, 64), couplings=(1, 2, 3), strides=[2, (1, 2, 2)]).layout().splitlines()
    assert drawing[1].startswith("level 1     16 channels  [1]──")
    assert " 12 kept " in drawing[1]
    assert "4 sent down, stride 2x2x2" in drawing[2]
    assert " 16 kept " in drawing[3]
    assert "16 sent down, stride 1x2x2" in drawing[4]
    assert drawing[5].split() == ["level", "3", "64", "channels", "[6]"]
    assert len(drawing[1]) - len(drawing[3]) == 4
