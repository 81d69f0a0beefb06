"""Seeds by named axes, so that one source of randomness can change while the others stay."""

from __future__ import annotations

import hashlib


def seed_for(seed: int, *axes: str) -> int:
    """A 32-bit seed for one use of randomness in the run with this human seed.

    Args:
        seed: the seed named in params.yaml (0, 1, 2, ...).
        axes: what it is for, such as "data_order" or "dropout".
    """
    digest = hashlib.sha256("/".join([str(seed), *axes]).encode()).digest()
    return int.from_bytes(digest[:4], "big")
