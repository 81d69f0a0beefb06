"""An untrained baseline that is the backbone under some pooling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from methods.core.contract import UntrainedMethod
from methods.core.encoder import Encoder
from pipelines import device


class UntrainedEncoder(UntrainedMethod):
    """The backbone as it is; a subclass names the pooling and adds nothing: stage mteb_untrained takes the bare one."""

    encoder: Encoder

    def __init__(self, backbone: str, sentences: Sequence[str]) -> None:
        self.encoder = Encoder.load(backbone, self.pooling).to(device.best())

    def encode(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Embed N sentences: (N, H), not normalised."""
        return self.encoder.encode(sentences, progress="encode")
