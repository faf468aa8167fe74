"""A drawing of the U in text: channels of each level, kept beside and sent down."""

from __future__ import annotations

from collections.abc import Sequence

from iunet_med.nn.channel_plan import ChannelPlan

INDENT = 4


def draw(plan: ChannelPlan, couplings: Sequence[int]) -> str:
    """Draw each level on a line of its own; [n] stands for n couplings, the text below a line for what goes down."""
    bottom = len(plan.channels) - 1
    width = 32 + 2 * INDENT * bottom
    lines = ["Channels of each level, kept beside and sent down; [n] is n couplings."]
    for i, channels in enumerate(plan.channels):
        margin, inner = " " * INDENT * i, width - 2 * INDENT * i
        head = f"level {i + 1} {channels:>6} channels  {margin}"
        if i == bottom:
            lines.append(head + f"[{2 * couplings[i]}]".center(inner).rstrip())
            break
        box = f"[{couplings[i]}]"
        lines.append(head + box + f" {plan.kept[i]} kept ".center(inner - 2 * len(box), "─") + box)
        sent = rf"\ {plan.sent[i]} sent down, stride {'x'.join(map(str, plan.strides[i]))}"
        lines.append(" " * (len(head) + 2) + sent + "/".rjust(inner - 4 - len(sent)))
    return "\n".join(lines)
