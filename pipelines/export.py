"""Make a model folder of a run, ready to be pushed to a hub: weights, model card and MTEB's result files.

    python -m pipelines.export mocose/0 --to my-model

Nothing is sent anywhere. The folder loads with `SentenceTransformer` and with `AutoModel`.
"""

from __future__ import annotations

import argparse
import inspect
import shutil
import sys
from pathlib import Path

from pipelines import atomic, main, params, provenance
from pipelines.errors import NegbenchError
from pipelines.expected import expected
from pipelines.paths import DATA, EXPORTS, REPORTED, RESULTS, results_of, run_of
from reports import card, paper, records
from reports.paper import METRIC
from reports.records import Expected, Results

_AGAIN = "Run `dvc repro`."


def export(arguments: argparse.Namespace) -> None:
    """Write the folder, whole or not at all.

    Raises:
        NegbenchError: there is no such run, it diverged, its results are missing or stale, or the folder exists.
    """
    from methods.core.encoder import Encoder  # slow

    settings = params.load()
    method, seed = _named(arguments.run, settings)
    target: Path = arguments.to or EXPORTS / f"{method}-{seed}"
    if target.exists() or target.is_symlink():
        raise NegbenchError("the folder exists already", target, "Remove it, or name another with --to.")
    described = provenance.described(run_of(method, seed))
    if described["status"] == "failed":
        what = f"the run diverged, so that there is no model: {described.get('reason')}"
        raise NegbenchError(what, run_of(method, seed), "Choose another seed.")
    of_all = expected(settings)[method]
    results = _results(method, seed, of_all[seed])
    if described != provenance.described(results_of(method, seed)):
        raise NegbenchError("the results are of another training than the model", results_of(method, seed), _AGAIN)
    files = run_of(method, seed) / "mteb"
    revision = provenance.revision(settings, described, settings.mteb)
    if not [*files.glob(f"results/*/{revision}/experiments/seed_{seed}/*.json")]:
        raise NegbenchError("MTEB's result files are missing or stale", files, _AGAIN)
    try:
        encoder = Encoder.load(run_of(method, seed) / "model")
    except NegbenchError as error:
        raise NegbenchError(error.what, error.where, "Run `dvc checkout`, or `dvc repro`.") from error
    about = card.About(
        method=_about(method),
        corpus=settings.fetch.corpus,
        base_model=_base(settings),
        max_length=encoder.max_length,
        citation=_citation(results.methods[0].info.paper),
        averages=records.load(RESULTS, {method: of_all}).methods[0].values("avg", METRIC),
    )
    encoder.tokenizer.model_max_length = encoder.max_length  # for those who load it without our module files
    for ours in ("is_local", "local_files_only"):  # how it was loaded here, which the library writes down
        encoder.tokenizer.init_kwargs.pop(ours, None)
    with atomic.folder(target) as out:
        encoder.save(out)
        shutil.copytree(files, out / "mteb")
        (out / "README.md").write_text(card.build(results, about), encoding="utf-8")
    print(f"{target}: decide on its licence in README.md; `hf upload NAME {target}` would push it.")


def _named(run: str, settings: params.Params) -> tuple[str, int]:
    """Method and seed of `method/seed` or `runs/method/seed`."""
    name, _, seed = run.rstrip("/").removeprefix("runs/").rpartition("/")
    if not name or not seed.isdecimal():
        raise NegbenchError("not the name of a run", run, "Give method/seed, such as simcse/0.")
    params.check_method(name, run)
    if name in settings.untrained:
        raise NegbenchError("the method takes no training, so there is no model of its own", run, "Take a trained one.")
    if name not in settings.trained or int(seed) not in settings.seeds:
        what = "params.yaml names no such run, so nothing tells whether its results are fresh"
        raise NegbenchError(what, run, "Switch to its profile, or add the method to `trained` or the seed to `seeds`.")
    return name, int(seed)


def _base(settings: params.Params) -> str | None:
    """The backbone's name on the hub, as far as it is known; None for one of our own."""
    folder = settings.backbone.folder
    if settings.backbone.source == "pretrain" or folder is None or folder.parent != DATA / "models":
        return None  # the name of another folder is nobody's but its owner's
    fetched = settings.fetch.hub.models.get(folder.name) if settings.fetch.source == "hub" else None
    return fetched.repo if fetched else folder.name


def _results(method: str, seed: int, hashes: Expected) -> Results:
    """The records of one run, all of them fresh."""
    folder = results_of(method, seed)
    if not (folder / "records.json").is_file():
        raise NegbenchError("the run has no results", folder, _AGAIN)
    results = records.load(RESULTS, {method: {seed: hashes}})
    for left_out in results.left_out:
        raise NegbenchError(left_out.why, folder, _AGAIN)
    if results.methods[0].runs[0].search_provenance is None:
        raise NegbenchError("the run was not measured on retrieval and reranking", folder / "mteb", _AGAIN)
    return results


def _about(method: str) -> str:
    """What the method's file and class say of it."""
    from methods.core.contract import load_method  # slow

    kind = load_method(method)
    told = (inspect.getmodule(kind), kind)
    return " ".join(" ".join((inspect.getdoc(one) or "").split("\n\n")[0].split()) for one in told)


def _citation(key: str | None) -> str | None:
    """How the paper wants to be cited; None if the method has none."""
    return next((one.citation for one in paper.load_all(REPORTED) if one.key == key), None)


def options() -> argparse.ArgumentParser:
    """The program's options."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.export", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("run", metavar="RUN", help="method/seed, or runs/method/seed")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="a new folder (default: exports/<method>-<seed>)")
    return parser


if __name__ == "__main__":
    sys.exit(main.run(export, options()))
