"""Reversible backpropagation: only the output of a bijection is kept, its backward pass rebuilds the rest."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from iunet_med.nn.bijection import Bijection
from iunet_med.nn.compiled import compiled_calls
from iunet_med.nn.fixed_point import Steps, Stream, in_steps
from iunet_med.nn.learned_matrices import LearnedMatrices, matrices_of
from iunet_med.nn.parts import Parts, channels_of, joined
from iunet_med.nn.plain import has_hooks, is_recorded, plain
from iunet_med.nn.random_state import RandomState
from iunet_med.nn.vjp import BackwardState, Tape, all_modules, trainable


@torch.compiler.disable  # type: ignore[untyped-decorator]
def reversible(
    bijection: Bijection,
    x: Tensor,
    *,
    compiled: bool = False,
    stream: Stream | None = None,
    level: int = 0,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Return `bijection(x)`, to be differentiated without stored activations.

    Values and gradients are those of ordinary backpropagation up to rounding; the memory held between the passes is
    the output alone. Under autocast the backward pass runs in the same types as the forward pass.

    The passes themselves are not traced by `torch.compile`; with `compiled` (a caller that is being compiled passes
    `torch.compiler.is_compiling()`) the functions of the couplings are compiled, once for each level and size.

    With a `stream` the state is held in 16 bits, see `iunet_med.nn.fixed_point`; `level` is where it begins, and
    `dtype` the type of the result.

    What needs each module to be called once gets an ordinary pass, with stored activations: `torch.jit.trace`, ONNX
    export, `torch.func` transforms and, with a warning, hooks on modules inside the bijection.

    Raises:
        ValueError: the bijection holds a normalisation that would update running statistics in both passes.
        RuntimeError: in the backward pass, if the output was changed in place, if the parameters are no longer
            those of the forward pass, if it runs a second time, or if a second derivative is asked for.
    """
    if _is_plain(bijection, x):
        return plain(bijection, x)
    tape, parameters = _tape_and_parameters(bijection, stream=stream, level=level)
    if compiled:
        tape.call = compiled_calls(bijection)
    box: list[Tensor] = []
    y = _Reversible.apply(bijection, tape, box, dtype, x, *parameters)  # type: ignore[no-untyped-call]
    return _HandOver.apply(y, box)  # type: ignore[no-any-return, no-untyped-call]


@torch.compiler.disable  # type: ignore[untyped-decorator]
def reversible_and_log_det(bijection: Bijection, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return `bijection.forward_and_log_det(x)`, to be differentiated without stored activations.

    Couplings and isometries alone may be inside, none of whose levels is stored. What needs an ordinary pass, and the
    errors, are those of `reversible`.
    """
    if _is_plain(bijection, x):
        return bijection.forward_and_log_det(x)
    tape, parameters = _tape_and_parameters(bijection)
    tape.log_det = x.new_zeros(x.shape[0])
    box: list[Tensor] = []
    y, log_det = _Reversible.apply(bijection, tape, box, x.dtype, x, *parameters)  # type: ignore[no-untyped-call]
    return _HandOver.apply(y, box), log_det  # type: ignore[no-untyped-call]


def _is_plain(bijection: Bijection, x: Tensor) -> bool:
    """Return True if an ordinary pass is needed, or enough."""
    if not torch.is_grad_enabled() or not (x.requires_grad or trainable(bijection)) or is_recorded() or x.is_meta:
        return True
    if has_hooks(bijection):
        warnings.warn(
            "Hooks on modules inside a reversible network: this pass stores its activations, so that each hook is "
            "called once. Remove the hooks to save memory, or set backprop='stored' to leave it so.",
            stacklevel=3,
        )
        return True
    _refuse_running_statistics(bijection)
    return False


def _tape_and_parameters(
    bijection: Bijection, *, stream: Stream | None = None, level: int = 0
) -> tuple[Tape, list[Tensor]]:
    # Torch differentiates the matrices, so that they are the parameters of the two passes in place of their weights.
    layers = [module for module in all_modules(bijection) if isinstance(module, LearnedMatrices)]
    matrices = matrices_of(layers)
    weights = {layer.weight for layer in layers}
    parameters: list[Tensor] = [p for p in trainable(bijection) if p not in weights]
    parameters += [matrix for matrix in matrices.values() if matrix.requires_grad]
    return Tape(matrices=matrices, stream=stream, level=level), parameters


@torch.compiler.disable  # type: ignore[untyped-decorator]
def begin_stream(steps: Steps, bijection: Bijection, x: Tensor) -> Stream:
    """Return the stream for a pass of `bijection` from `x`; its first batch runs the forward pass beforehand."""

    def push(x: Tensor, stream: Stream) -> None:
        with RandomState(x.device).replayed(), torch.autocast(**_autocast_state(x.device.type)):
            _pushed(bijection, x, Tape(stream=stream))

    return steps.begin(x.detach(), push)


@torch.compiler.disable  # type: ignore[untyped-decorator]
def end_stream(steps: Steps, stream: Stream) -> None:
    """See `Steps.end`."""
    steps.end(stream)


class _Reversible(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        bijection: Bijection,
        tape: Tape,
        box: list[Tensor],
        dtype: torch.dtype,
        x: Tensor,
        *parameters: Tensor,
    ) -> Tensor | tuple[Tensor, Tensor]:
        ctx.bijection, ctx.box, ctx.tape, ctx.autocast = bijection, box, tape, _autocast_state(x.device.type)
        with torch.autocast(**ctx.autocast):
            parts = _pushed(bijection, x.detach(), tape)
        y = joined(parts) if tape.step is None else _in_units(parts, tape.step, dtype)
        # A detached alias: keeping the output itself, whose grad_fn owns ctx, would be a reference cycle.
        ctx.output = [y.detach()] if tape.step is None else parts
        ctx.version = ctx.output[0]._version
        # Not by `save_for_backward`, whose hooks (checkpoint, save_on_cpu) give copies back.
        ctx.parameters = parameters
        ctx.weights = [(weight, weight._version) for weight in trainable(bijection)]
        return y if tape.log_det is None else (y, tape.log_det)

    @staticmethod
    def backward(ctx: Any, _: Tensor, grad_log_det: Tensor | None = None) -> tuple[Tensor | None, ...]:
        output = _take_output(ctx)
        if grad_log_det is not None and not ctx.box:  # nothing but the log-determinant was used
            ctx.box.append(torch.zeros_like(output[0]))
        ctx.tape.grad_log_det = grad_log_det
        grads = [ctx.box.pop()] if ctx.tape.step is None else _full_halves(ctx.box)
        state = BackwardState(output, grads, ctx.tape)
        del output, grads
        _check_parameters(ctx)
        with torch.autocast(**ctx.autocast):
            ctx.bijection.pull_back(state)
        grad_x = joined(state.take()[1])
        return None, None, None, None, grad_x, *(state.gradients.get(parameter) for parameter in ctx.parameters)


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
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor, None]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "A second derivative of a reversible network (create_graph=True): its backward pass is not recorded. "
                "Set backprop='stored' for it."
            )
        ctx.box.append(grad_y)
        return grad_y.new_zeros(()).expand_as(grad_y), None


def _check_parameters(ctx: Any) -> None:
    now = trainable(ctx.bijection)
    if len(now) != len(ctx.weights) or any(p is not q for (p, _), q in zip(ctx.weights, now, strict=True)):
        raise RuntimeError(
            "The parameters of the network were replaced between its forward and its backward pass, which rebuilds "
            "activations from them; use backprop='stored' here."
        )
    if any(parameter._version != version for parameter, version in ctx.weights):
        raise RuntimeError(
            "Parameters of the network were changed in place between its forward and its backward pass, which rebuilds "
            "activations from them; call optimizer.step() after backward(), or use backprop='stored'."
        )


def _pushed(bijection: Bijection, x: Tensor, tape: Tape) -> Parts:
    # Kernels for a state in steps run through memory in its order, so that it has to be the same for all tensors.
    return bijection.push([x] if tape.step is None else [in_steps(x.contiguous(), tape.step)], tape)


def _full_halves(box: list[Tensor]) -> Parts:
    """Take the gradient out of the box, as two halves of float32 in memory of their own."""
    grad = box.pop()
    return [half.to(torch.float32, copy=True, memory_format=torch.contiguous_format) for half in grad.chunk(2, 1)]


def _in_units(parts: Parts, step: Tensor, dtype: torch.dtype) -> Tensor:
    """Return parts in steps as one tensor of values, made in its own memory."""
    first = parts[0]
    y = first.new_empty((first.shape[0], channels_of(parts), *first.shape[2:]), dtype=dtype)
    for place, part in zip(torch.split(y, [part.shape[1] for part in parts], 1), parts, strict=True):
        place.copy_(part).mul_(step)
    return y


def _take_output(ctx: Any) -> Parts:
    y: Parts | None = ctx.output
    if y is None:
        raise RuntimeError(
            "A second backward pass through a reversible network: its activations are gone after the first. "
            "Sum the losses and call backward once, or use backprop='stored'."
        )
    if y[0]._version != ctx.version:
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


def _refuse_running_statistics(bijection: Bijection) -> None:
    for module in all_modules(bijection):
        if module.training and getattr(module, "running_mean", None) is not None:
            name = next(name for name, one in bijection.named_modules() if one is module)
            raise ValueError(
                f"{name} ({type(module).__name__}) keeps running statistics, which reversible backpropagation would "
                "update twice per step; use norm='instance' or 'group', or backprop='stored'."
            )
