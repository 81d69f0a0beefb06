"""How the cost of training grows: CPU time and peak memory against the size of the text, queue, batch, rows and matrix.

    python -m benchmarks.scale --data FOLDER [--out benchmarks/measured/scale.json]

Each point is measured in a process of its own, beside a plain reference in the same run (benchmarks/points.py). The
exponent is the slope of log time on log size over all points, and over the last two, where what is constant has lost
its share. The report shows the file as it was written last: write it from a committed tree.
"""

from __future__ import annotations

import multiprocessing
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks import points
from benchmarks.conditions import commit, conditions, ratio
from benchmarks.inputs import CORPUS, random_bert
from pipelines import atomic, device
from pipelines.main import run
from reports import scale
from reports.runs import Machine

LAYERS, WIDTH = 2, 128
BATCH = 64

Work = tuple[Callable[..., points.Measured], tuple[Any, ...]]


@dataclass(frozen=True)
class Curve:
    """Sizes, what is done at each, and what the reference does at those that it is asked for."""

    id: str
    label: str
    what: str
    sizes: Sequence[int]
    ours: Callable[[int], Work]
    reference: Callable[[int], Work]
    plain: str
    most: int  # size up to which the reference is measured


def curves(model: Path, corpus: Path) -> list[Curve]:
    """All of them."""
    plain = "transformers’ BertModel with padding"

    def simcse(size: int, length: int) -> Work:
        return points.step, (model, corpus, "simcse", {}, size, length)

    def queue(size: int) -> Work:
        settings = {"queue_size": size, "initial_fill": size}
        return points.step, (model, corpus, "mocose", settings, BATCH, points.LENGTH)

    return [
        Curve(
            "sentences",
            "sentences",
            f"an epoch of SimCSE, the text tokenised, batches of {points.EPOCH_BATCH}",
            [10_000, 30_000, 100_000, 300_000, 1_000_000],
            lambda n: (points.epoch, (model, corpus, n)),
            lambda n: (points.plain_epoch, (model, corpus, n)),
            f"{plain}, the text tokenised at once",
            100_000,
        ),
        Curve(
            "queue",
            "queue size",
            f"a step of MoCoSE, batch {BATCH}",
            [128, 512, 2_048, 8_192, 32_768, 65_536],
            queue,
            lambda _: simcse(BATCH, points.LENGTH),
            "a step of SimCSE, which has no queue",
            65_536,
        ),
        Curve(
            "batch",
            "batch size",
            f"a step of SimCSE, {points.LENGTH} word pieces a row",
            [16, 32, 64, 128, 256, 512, 1_024],
            lambda n: simcse(n, points.LENGTH),
            lambda n: (points.plain_step, (model, corpus, n, points.LENGTH)),
            plain,
            1_024,
        ),
        Curve(
            "length",
            "word pieces a row",
            "a step of SimCSE, batch 16",
            [16, 32, 64, 128, 256, 512],
            lambda n: simcse(16, n),
            lambda n: (points.plain_step, (model, corpus, 16, n)),
            plain,
            512,
        ),
        Curve(
            "runs",
            "methods × seeds",
            "three empty stages a run, one by one as `make repro JOBS=1` runs them",
            [3, 6, 12, 24, 48],
            lambda n: (points.stages, (n, 1)),
            lambda n: (points.stages, (n, None)),
            "`dvc repro`",
            48,
        ),
        Curve(
            "jobs",
            "the same, JOBS=2",
            "three empty stages a run, each in a process of its own as `make repro JOBS=2` runs them",
            [3, 6, 12, 24],
            lambda n: (points.stages, (n, 2)),
            lambda n: (points.stages, (n, None)),
            "`dvc repro`",
            24,
        ),
    ]


def measure(curve: Curve) -> scale.Curve:
    """Its points, a size after the other."""
    ours, reference = [], []
    for size in tqdm(curve.sizes, desc=curve.label, disable=None):
        ours.append(_point(size, curve.ours(size)))
        if size <= curve.most:
            reference.append(_point(size, curve.reference(size)))
    return scale.Curve(
        id=curve.id, label=curve.label, what=curve.what, plain=curve.plain, ours=ours, reference=reference
    )


def _point(size: int, work: Work) -> scale.Point:
    seconds, mib = in_a_process(*work)
    return scale.Point(size=size, seconds=seconds, mib=mib)


def in_a_process(work: Callable[..., points.Measured], arguments: tuple[Any, ...]) -> points.Measured:
    """What `work` measures in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(work, arguments)


def main(arguments: Namespace) -> None:
    """Measure, print and write."""
    at = commit()
    measured: list[scale.Curve] = []
    print(conditions("transformers"))
    print(f"{'':<18}{'size':>10}{'CPU seconds':>12}{'MiB':>9}{'reference':>12}{'MiB':>9}", flush=True)
    with random_bert(arguments.data, LAYERS, WIDTH) as model:
        for curve in curves(model, arguments.data / CORPUS):
            if not arguments.curves or curve.id in arguments.curves:
                measured.append(measure(curve))
                _print(measured[-1])
    if arguments.out:
        whole = scale.Scale(
            commit=at,
            model=f"BERT, {LAYERS} layers of {WIDTH}",
            machine=Machine(**device.machine()),
            torch=version("torch"),
            transformers=version("transformers"),
            curves=measured,
        )
        atomic.write_json(arguments.out, whole.model_dump(mode="json"))
    for done in measured:
        size, speedup = done.speedup()
        print(ratio(speedup, f"CPU time of {done.plain} to ours: {done.what}, {done.label} {size:,}"))


def _print(curve: scale.Curve) -> None:
    reference = {point.size: point for point in curve.reference}
    for point in curve.ours:
        both = [one for one in (point, reference.get(point.size)) if one]
        cells = [f"{one.seconds:>12.4f}{'' if one.mib is None else format(one.mib, '.1f'):>9}" for one in both]
        print(f"{curve.label:<18}{point.size:>10,}{''.join(cells)}")
    slopes = [
        f"{scale.exponent(found):.2f} (of the last two: {scale.exponent(found[-2:]):.2f})"
        for found in (curve.ours, curve.reference)
    ]
    print(f"{curve.label:<18}exponent {slopes[0]}, reference {slopes[1]}", flush=True)


def parser() -> ArgumentParser:
    """The options of `python -m benchmarks.scale`."""
    options = ArgumentParser("python -m benchmarks.scale", description="How the cost of training grows.")
    options.add_argument("--data", type=Path, required=True, help="a folder that holds corpus/ and models/")
    known = [curve.id for curve in curves(Path(), Path())]
    some = options.add_mutually_exclusive_group()
    some.add_argument("--curves", nargs="+", choices=known, metavar="ID", help=f"{' '.join(known)} (default: all)")
    some.add_argument("--out", type=Path, help="write what was measured here, for the report: all curves")
    return options


if __name__ == "__main__":
    sys.exit(run(main, parser()))
