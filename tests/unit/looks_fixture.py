"""Methods with nothing but looks at their runs, for the tests of what is told from looks."""

from __future__ import annotations

from collections.abc import Sequence

from reports.records import Info, Look, Method, Provenance, Record, Run

ORIGIN = Provenance(profile="demo", comparable="never", params_hash="", code_hash="", data_hash="", versions={})


def looked_at(
    name: str,
    runs: Sequence[Sequence[tuple[float | None, float | None]]],
    select: str = "stsb-dev",
    records: tuple[Record, ...] = (),
    steps: int | None = None,
) -> Method:
    """A method with a run for each list of scores (STS-B dev, STS tests), looked at every 10 steps, up to the end."""
    found = []
    for seed, scores in enumerate(runs):
        looks = [Look(step=10 * at, stsb_dev=dev, sts_test=test) for at, (dev, test) in enumerate(scores, start=1)]
        info = Info(label=name.upper(), looks=looks, steps=steps or 10 * len(looks), train={"select": select})
        found.append(Run(name, seed, info, ORIGIN, records, None, (), None, None))
    return Method(name, tuple(found))
