"""Orthogonal matrices that are learned, and kept while they stay the same."""

from collections.abc import Sequence
from typing import Any, get_args

import torch
from torch import Tensor, nn

from iunet_med.nn.bijection import Bijection
from iunet_med.nn.orthogonal import OrthogonalMap, orthogonal_map, polished
from iunet_med.nn.surroundings import full_precision, is_exporting


class LearnedMatrices(Bijection):
    """A bijection with orthogonal matrices `start @ rotation(weight)`.

    The weight begins at zero, so the layer begins at its start exactly. Where no gradient is wanted in evaluation mode
    the matrices are computed once and kept in the buffer `cached_matrix` for as long as `start` and `weight` hold the
    same values. A trace, and an export with `torch.export` or ONNX, contain that buffer; `eval()` brings it up to date.

    Args:
        start: orthogonal matrices, (matrices, n, n).
        orthogonal: the map from weights to rotations.
        learnable: False fixes the weight; the state dict has the same entries.
    """

    start: Tensor
    cached_matrix: Tensor
    cached_start: Tensor
    cached_weight: Tensor
    map_number: Tensor

    def __init__(self, start: Tensor, *, orthogonal: OrthogonalMap, learnable: bool) -> None:
        super().__init__()
        self.rotation = orthogonal_map(orthogonal)
        dtype = torch.get_default_dtype()
        self.weight = nn.Parameter(torch.zeros_like(start, dtype=dtype), requires_grad=learnable)
        self.register_buffer("start", start.to(dtype))
        # Buffers of fixed shapes, so that all processes of a distributed training hold the same.
        for name in ("cached_matrix", "cached_start", "cached_weight"):
            self.register_buffer(name, torch.full_like(self.start, torch.nan), persistent=False)
        self._map = get_args(OrthogonalMap).index(orthogonal)  # also where the buffer was emptied
        self.register_buffer("map_number", torch.tensor(self._map, dtype=torch.uint8))
        self._cached_in: torch.dtype | None = None

    def matrix(self) -> Tensor:
        """Return the orthogonal matrices, (matrices, n, n)."""
        if self.training:
            if is_exporting() or torch.onnx.is_in_onnx_export():
                raise RuntimeError("Expected a network in evaluation mode to export; call .eval() before.")
            return self._computed_in_full()
        if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
            return self.cached_matrix
        if torch.compiler.is_compiling():
            # Dynamo compiles for weights that may change, an export is for these weights.
            return self._computed_in_full() if torch.compiler.is_dynamo_compiling() else self.cached_matrix
        # Tensors of other types stand for values that cannot be read: fake, batched or dual ones.
        readable = type(self.weight) is nn.Parameter and not self.weight.is_meta
        if not readable or (torch.is_grad_enabled() and self.weight.requires_grad):
            return self._computed_in_full()
        self._update()
        return self.cached_matrix

    def train(self, mode: bool = True) -> "LearnedMatrices":
        """Set the mode; the matrices for evaluation are computed here, for an export to find."""
        super().train(mode)
        self._prepare()
        return self

    def _computed_in_full(self) -> Tensor:
        with full_precision(self.weight):
            return self._computed()

    def _computed(self) -> Tensor:
        return self._rotated(self.start, self.weight)

    def _rotated(self, start: Tensor, weight: Tensor) -> Tensor:
        # A start that was rounded to another type becomes orthogonal to this type's precision.
        if weight.dtype == torch.float16 or weight.dtype == torch.bfloat16:
            return polished(start.float()) @ self.rotation(weight.float())
        return polished(start) @ self.rotation(weight)

    def _update(self) -> None:
        """Compute `cached_matrix` unless it belongs to the present values.

        The values are compared, because a change through `.data` leaves no trace in a version counter.
        """
        known = (
            self._cached_in == self.weight.dtype
            and torch.equal(self.cached_start, self.start)
            and torch.equal(self.cached_weight, self.weight)
        )
        if not known:
            with torch.inference_mode(False), torch.no_grad():
                self.cached_matrix = self._computed_in_full()
                self.cached_start, self.cached_weight = self.start.clone(), self.weight.detach().clone()
            self._cached_in = self.weight.dtype

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        known = state_dict.setdefault(
            f"{prefix}map_number", torch.tensor(self._map, dtype=torch.uint8)
        )  # not in older files
        maps = get_args(OrthogonalMap)
        if not known.is_meta and int(known) != self._map:
            errors: list[str] = args[-1]
            errors.append(
                f"{prefix}weight: expected weights for the map {maps[self._map]!r}, got those for "
                f"{maps[int(known)]!r}, which mean other matrices; build the network with "
                f"resampling={maps[int(known)]!r}."
            )
            return
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._prepare()

    def _prepare(self) -> None:
        if not self.training:
            with torch.no_grad():
                self.matrix()


def matrices_of(layers: Sequence[LearnedMatrices]) -> dict[nn.Module, Tensor]:
    """Return the matrices of each layer; in training mode those of one kind are computed together.

    They are small, so that a GPU spends the same time on all of them as on one.
    """
    kinds: dict[tuple[Any, ...], list[LearnedMatrices]] = {}
    for layer in layers:
        weight = layer.weight
        kind = (layer.rotation, weight.shape[-1], weight.dtype, weight.device, weight.requires_grad)
        kinds.setdefault(kind if layer.training else (layer,), []).append(layer)
    found: dict[nn.Module, Tensor] = {}
    for alike in kinds.values():
        if len(alike) == 1:
            found[alike[0]] = alike[0].matrix()
            continue
        starts, weights = torch.cat([one.start for one in alike]), torch.cat([one.weight for one in alike])
        with full_precision(weights):
            together = alike[0]._rotated(starts, weights)
        found.update(zip(alike, torch.split(together, [len(one.start) for one in alike]), strict=True))
    return found
