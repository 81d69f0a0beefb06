"""The vocabulary that stage backbone trains: the same in every process."""

from __future__ import annotations

import subprocess
import sys

from pipelines.params import ROOT

PROGRAM = """
import random
from pipelines import params
from pipelines.backbone import _tokenizer
chance = random.Random(0)
words = ["".join(chance.choices("abcdefgéÀ", k=chance.randint(2, 9))) for _ in range(400)]  # many ties
sentences = [" ".join(chance.choices(words, k=8)) for _ in range(300)]
tokenizer = _tokenizer(params.Backbone(source="pretrain", vocab_size=250), sentences)
print(sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]))
"""


def test_the_vocabulary_is_the_same_in_every_process() -> None:
    runs = {
        subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    }
    assert len(runs) == 1
    (vocabulary,) = runs
    assert vocabulary.startswith("[('[PAD]', 0), ('[UNK]', 1), ('[CLS]', 2), ('[SEP]', 3), ('[MASK]', 4), ('a', 5)")
    assert "'##g'" in vocabulary
    assert "é" not in vocabulary  # BERT's own normalisation takes accents off
