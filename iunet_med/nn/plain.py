"""When a pass has to be an ordinary one: each module called once, and every operation recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules import module as globals_of_modules

from iunet_med.nn.bijection import Bijection
from iunet_med.nn.vjp import all_modules

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_GLOBAL_HOOKS = ("_global_forward_hooks", "_global_forward_pre_hooks", "_global_backward_hooks")


def is_recorded() -> bool:
    """Return True while torch traces, exports or transforms a function: these follow single operations only."""
    transforms = getattr(torch._C, "_are_functorch_transforms_active", bool)  # torch has no public name for it
    tracing = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return bool(tracing or torch.onnx.is_in_onnx_export() or transforms())


def has_hooks(module: nn.Module) -> bool:
    """Return True if a hook waits for a call of `module` or of one inside it, or for those of all modules.

    Counters of operations and drawings of saliency work by such hooks.
    """
    everywhere = any(getattr(globals_of_modules, name, None) for name in _GLOBAL_HOOKS)
    return everywhere or any(getattr(one, name) for one in all_modules(module) for name in _HOOKS)


def plain(bijection: Bijection, x: Tensor) -> Tensor:
    """Return `bijection(x)` by ordinary calls; where hooks wait, activations are not changed in place.

    A backward hook makes a module's output a view that torch does not let the next module change.
    """
    if not has_hooks(bijection):
        y: Tensor = bijection(x)
        return y
    with _out_of_place(bijection):
        return bijection(x)  # type: ignore[no-any-return]


@contextmanager
def _out_of_place(module: nn.Module) -> Iterator[None]:
    changing = [one for one in module.modules() if getattr(one, "inplace", False) is True]
    for one in changing:
        one.inplace = False  # type: ignore[assignment]
    try:
        yield
    finally:
        for one in changing:
            one.inplace = True  # type: ignore[assignment]
