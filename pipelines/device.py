"""Where tensors live."""

from __future__ import annotations

import os
import platform
from typing import Any

import torch


def best() -> torch.device:
    """The GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def has_bf16() -> bool:
    """Whether the device computes in bfloat16; one that only imitates it takes several times as long as in float32."""
    if best().type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    built = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return bool(built and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def machine() -> dict[str, Any]:
    """What this process computes on: platform, device, cores, and the threads of one operation."""
    return {
        "platform": f"{platform.system()} {platform.machine()}",
        "device": torch.cuda.get_device_name() if best().type == "cuda" else "CPU",
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
    }
