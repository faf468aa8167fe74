"""Reversible backpropagation: only the output of a bijection is kept, its backward pass rebuilds the rest."""

from __future__ import annotations

from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from iunet_med.nn.bijection import Bijection
from iunet_med.nn.coupling import Coupling
from iunet_med.nn.vjp import BackwardState, trainable

_COMPILE_OPTIONS = signature(torch.compile).parameters  # older releases of torch have no `recompile_limit`


@torch.compiler.disable  # type: ignore[untyped-decorator]
def reversible(bijection: Bijection, x: Tensor, *, compiled: bool = False) -> Tensor:
    """Return `bijection(x)`, to be differentiated without stored activations.

    Values and gradients are those of ordinary backpropagation up to rounding; the memory held between the passes is
    the output alone. Under autocast the backward pass runs in the same types as the forward pass.

    The passes themselves are not traced by `torch.compile`; with `compiled` (a caller that is being compiled passes
    `torch.compiler.is_compiling()`) the functions of the couplings are compiled, for both passes.

    Raises:
        ValueError: the bijection holds a normalisation that would update running statistics in both passes.
        RuntimeError: in the backward pass, if the output was changed in place, if the parameters are no longer
            those of the forward pass, or if it runs a second time.
    """
    if not torch.is_grad_enabled() or not (x.requires_grad or trainable(bijection)):
        y: Tensor = bijection(x)
        return y
    _refuse_running_statistics(bijection)
    if compiled:
        _compile_functions(bijection)
    box: list[Tensor] = []
    y = _Reversible.apply(bijection, box, x, *trainable(bijection))  # type: ignore[no-untyped-call]
    return _HandOver.apply(y, box)  # type: ignore[no-any-return, no-untyped-call]


class _Reversible(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, bijection: Bijection, box: list[Tensor], x: Tensor, *parameters: nn.Parameter) -> Tensor:
        ctx.bijection, ctx.box, ctx.tape, ctx.autocast = bijection, box, [], _autocast_state(x.device.type)
        with torch.autocast(**ctx.autocast):
            y = bijection.push(x, ctx.tape)
        # A detached alias: keeping the output itself, whose grad_fn owns ctx, would be a reference cycle.
        ctx.output = y.detach()
        ctx.version = ctx.output._version
        ctx.save_for_backward(*parameters)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _: Tensor) -> tuple[Tensor | None, ...]:
        parameters = ctx.saved_tensors
        state = BackwardState(_take_output(ctx), ctx.box.pop(), ctx.tape)
        if any(then is not now for then, now in zip(parameters, trainable(ctx.bijection), strict=True)):
            raise RuntimeError(
                "The parameters of the network were replaced between its forward and its backward pass, which "
                "rebuilds activations from them; use backprop='stored' here."
            )
        with torch.autocast(**ctx.autocast):
            ctx.bijection.pull_back(state)
        _, grad_x = state.take()
        return None, None, grad_x, *(state.gradients.get(parameter) for parameter in parameters)


class _HandOver(torch.autograd.Function):
    """The identity, whose backward pass puts the gradient into a box.

    Autograd holds the gradient that it gives to a function until that function returns: a whole state. Out of the box
    it is taken by a function that frees it early, and autograd holds an expanded zero instead.
    """

    @staticmethod
    def forward(ctx: Any, y: Tensor, box: list[Tensor]) -> Tensor:
        ctx.box = box
        return y.detach()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor, None]:
        ctx.box.append(grad_y)
        return grad_y.new_zeros(()).expand_as(grad_y), None


def _take_output(ctx: Any) -> Tensor:
    y: Tensor | None = ctx.output
    if y is None:
        raise RuntimeError(
            "A second backward pass through a reversible network: its activations are gone after the first. "
            "Sum the losses and call backward once, or use backprop='stored'."
        )
    if y._version != ctx.version:
        raise RuntimeError(
            "The output of a reversible network was changed in place before its backward pass, which rebuilds the "
            "activations from it; use an operation that is not in place on it, or backprop='stored'."
        )
    ctx.output = None
    return y


def _autocast_state(device_type: str) -> dict[str, Any]:
    return {
        "device_type": device_type,
        "dtype": torch.get_autocast_dtype(device_type),
        "enabled": torch.is_autocast_enabled(device_type),
        # A cast that is cached where no graph is recorded would cut the graph where one is.
        "cache_enabled": False,
    }


def _compile_functions(bijection: Bijection) -> None:
    functions = [module.function for module in bijection.modules() if isinstance(module, Coupling)]
    # The functions share code, one variant per level and pass, of which torch compiles eight unless told otherwise.
    limit = {"recompile_limit": max(8, 2 * len(functions))} if "recompile_limit" in _COMPILE_OPTIONS else {}
    for function in functions:
        if function._compiled_call_impl is None:
            function.compile(**limit)


def _refuse_running_statistics(bijection: Bijection) -> None:
    for name, module in bijection.named_modules():
        if module.training and getattr(module, "running_mean", None) is not None:
            raise ValueError(
                f"{name} ({type(module).__name__}) keeps running statistics, which reversible backpropagation would "
                "update twice per step; use norm='instance' or 'group', or backprop='stored'."
            )
