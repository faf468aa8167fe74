"""Each region has a colour of its own, as long as there are enough."""

from iunet_med.pictures.colours import COLOURS, label_colours, nested_styles


def test_colours_repeat_after_the_last() -> None:
    colours = label_colours(range(1, len(COLOURS) + 2))
    assert colours[1] == colours[len(COLOURS) + 1] == COLOURS[0]
    assert len(set(colours.values())) == len(COLOURS)


def test_the_innermost_outline_is_thinner() -> None:
    styles = nested_styles(["ET", "TC", "WT"])
    assert [style["color"] for style in styles.values()] == list(COLOURS[:3])
    assert styles["ET"]["linewidth"] < styles["TC"]["linewidth"] == styles["WT"]["linewidth"]
