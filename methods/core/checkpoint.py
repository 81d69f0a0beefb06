"""The state of a training run on disk, to go on from after a kill: tensors as safetensors, all else as JSON in one.

safetensors holds no checksum of what it stores, so that a flipped bit would be trained on; ours is the SHA-256 of every
tensor's name, type, shape and bytes, in the file's metadata.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from pipelines import atomic
from pipelines.errors import NegbenchError

_FACTS = "facts.json"  # as a tensor of bytes: the history of a long run is larger than a safetensors header may be
_METHOD, _BEST, _OPTIMISER, _RNG, _DEVICE_RNG = "method/", "best/", "optimiser/", "rng", "device_rng"


def save(
    path: Path,
    method: nn.Module,
    optimiser: Optimizer,
    schedule: LRScheduler,
    best: Mapping[str, Tensor],
    facts: Mapping[str, Any],
) -> None:
    """Write the state whole or not at all: a kill never leaves half of one, nor do two runs at once.

    Args:
        path: the file.
        method: its weights and buffers, a queue or an average among them; one that two modules share is written once.
        optimiser: its moments and groups.
        schedule: of the learning rate.
        best: weights to keep beside the present ones.
        facts: JSON-like values that `load` gives back.

    Raises:
        NegbenchError: the file cannot be written.
    """
    state = optimiser.state_dict()
    device = next(method.parameters()).device
    facts = {"facts": facts, "schedule": schedule.state_dict(), "groups": state["param_groups"]}
    tensors = {
        **{_METHOD + name: tensor.detach() for name, tensor in _own(method).items()},
        **{_BEST + name: tensor for name, tensor in best.items()},
        **{f"{_OPTIMISER}{i}/{name}": tensor for i, own in state["state"].items() for name, tensor in own.items()},
        _RNG: torch.get_rng_state(),
        _FACTS: torch.frombuffer(bytearray(json.dumps(facts).encode()), dtype=torch.uint8),
    }
    if device.type == "cuda":  # dropout draws there
        tensors[_DEVICE_RNG] = torch.cuda.get_rng_state(device)
    tensors = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    try:
        with atomic.file(path) as out:
            save_file(tensors, out.name, {"sha256": _digest(tensors)})
    except (SafetensorError, OSError) as error:  # safetensors tells a full disk as an error of its own
        cause = str(error).splitlines()[0]
        raise NegbenchError(f"cannot write the checkpoint: {cause}", path, "Free some space and run again.") from error


def load(
    path: Path, method: nn.Module, optimiser: Optimizer, schedule: LRScheduler
) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Restore what `save` wrote, the generators of random numbers included; `best` and `facts`, None without a file.

    Raises:
        NegbenchError: the file is damaged, or is of another method.
    """
    try:
        with safe_open(path, "pt") as file:
            digest = (file.metadata() or {}).get("sha256")
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError) as error:
        raise _damaged(path) from error
    if digest != _digest(tensors):
        raise _damaged(path)
    device = next(method.parameters()).device
    own, stored = _own(method), _below(tensors, _METHOD)
    shapes, found = ({name: tensor.shape for name, tensor in of.items()} for of in (own, stored))
    if shapes != found or (device.type == "cuda") != (_DEVICE_RNG in tensors):
        raise NegbenchError("the checkpoint is of another method or device", path, "Delete it and run again.")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(stored[name])
    facts = json.loads(tensors[_FACTS].numpy().tobytes())
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _below(tensors, _OPTIMISER).items():
        index, _, key = name.partition("/")
        moments.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict({"state": moments, "param_groups": facts["groups"]})
    schedule.load_state_dict(facts["schedule"])
    torch.set_rng_state(tensors[_RNG])
    if device.type == "cuda":
        torch.cuda.set_rng_state(tensors[_DEVICE_RNG], device)
    return _below(tensors, _BEST), facts["facts"]


def _own(method: nn.Module) -> dict[str, Tensor]:
    """Every weight and buffer once, under the first of its names."""
    return {**dict(method.named_parameters()), **dict(method.named_buffers())}


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _damaged(path: Path) -> NegbenchError:
    return NegbenchError("the checkpoint is damaged", path, "Delete it and run again.")
