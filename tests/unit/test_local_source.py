"""Linking a data folder, its manifest, and what is said of folders that lack something."""

from __future__ import annotations

import hashlib
import json
import lzma
import shutil
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from beir_fixture import write_set

from eval import transfer_sets
from eval.senteval import SPLITS, TASKS, load_sts
from pipelines import fetch, params, profile
from pipelines.errors import NegbenchError
from pipelines.sources import asked, local, manifest, plan, published


@pytest.fixture
def source(sts_tree: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like the real data's, with the small sets' own sizes as the expected ones."""
    (sts_tree / "corpus").mkdir()
    (sts_tree / "corpus" / "wiki.txt").write_text("one\ntwo\n")
    (sts_tree / "corpus" / "other.txt.xz").write_bytes(lzma.compress(b"three\nfour\nfive\n"))
    (sts_tree / "beir" / "tiny" / "qrels").mkdir(parents=True)
    (sts_tree / "beir" / "tiny" / "corpus.jsonl").write_text('{"_id": "d", "text": "a"}\n')
    (sts_tree / "beir" / "tiny" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")
    trec = sts_tree / "senteval/downstream/TREC"
    trec.mkdir()
    for name, size in {"train_5500": 5, "TREC_10": 3}.items():
        (trec / f"{name}.label").write_text("NUM:dist How far ?\n" * size)
    sizes = {
        task: {split: sum(len(s.gold) for s in load_sts(sts_tree, task, split)) for split in SPLITS[task]}
        for task in TASKS
    }
    monkeypatch.setattr(published, "EXPECTED_ROWS", {**sizes, "TREC": {"train": 5, "test": 3}})
    return sts_tree


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of the user's: a text and a set."""
    (tmp_path / "own/corpus").mkdir(parents=True)
    (tmp_path / "own/corpus/mine.txt").write_text("six\nseven\n")
    (tmp_path / "own/beir/set").mkdir(parents=True)
    (tmp_path / "own/beir/set/corpus.jsonl").write_text("{}\n")
    (tmp_path / "own/readme.md").write_text("not data")
    return tmp_path / "own"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def write_settings(*overrides: str) -> None:
    """Those of a run that needs no more than the small folders have."""
    few = "evaluate={histogram_sentences: 2, fit_sentences: 2}"
    small = ["trained=[simcse]", "study=[]", few, "backbone.sentences=2", "train.sentences=2", "mteb.tasks=[tiny]"]
    Path("params.yaml").write_text(profile.compose("demo", [*small, *overrides]))


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_the_tree_is_linked_and_nothing_copied(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    local.fetch(source, target, "wiki.txt")
    assert files(target) == files(source) - {"corpus/other.txt.xz"}
    for path in target.rglob("*"):
        assert path.is_dir() != path.is_symlink()
        if path.is_symlink():
            assert path.resolve() == source / path.relative_to(target)


def test_the_plan_tells_what_would_be_linked(source: Path, tmp_path: Path) -> None:
    settings = params.Fetch(source="local", path=source, corpus="wiki.txt")
    found = {row.place: row.size for row in plan.rows(settings, [], {})}
    target = tmp_path / "target"
    local.fetch(source, target, "wiki.txt")
    assert found == {
        "senteval": sum(path.stat().st_size for path in (target / "senteval").rglob("*") if path.is_file()),
        "beir": sum(path.stat().st_size for path in (target / "beir").rglob("*") if path.is_file()),
        "corpus/wiki.txt": len("one\ntwo\n"),
    }
    assert plan.table(plan.rows(settings, [], {})).splitlines()[-1].split() == ["total", f"{sum(found.values()):,}"]


def test_the_plan_counts_what_comes_on_top(source: Path, own: Path) -> None:
    settings = params.Fetch(source="local", path=source, corpus="mine.txt", add=own)
    size = len("six\nseven\n") + len("{}\n")
    assert {row.place: row.size for row in plan.rows(settings, [], {})}["on top"] == size
    settings = params.Fetch(source="local", path=source, corpus="wiki.txt", add=own)
    assert {row.place: row.size for row in plan.rows(settings, [], {})}["on top"] == len("{}\n")
    (own / "none").mkdir()
    with pytest.raises(NegbenchError, match="nothing to add"):
        plan.rows(settings.model_copy(update={"add": own / "none"}), [], {})


def test_a_set_under_the_name_of_one_of_beirs_is_that_set(source: Path, own: Path, tmp_path: Path) -> None:
    write_set(source / "beir/nfcorpus")
    sizes = "60 documents, 8 queries and [0-9]+ relevant judgements, and the published set has 3,633 documents, 323 "
    with pytest.raises(NegbenchError, match=rf"{sizes}queries and 12,334 relevant .*\S+/beir/nfcorpus.*another name"):
        local.fetch(source, tmp_path / "target", "wiki.txt")
    (source / "beir/nfcorpus").rename(own / "beir/nfcorpus")
    with pytest.raises(NegbenchError, match=sizes):
        local.add(own, tmp_path / "target", "mine.txt")
    assert not (tmp_path / "target").exists()
    (own / "beir/nfcorpus").rename(own / "beir/mine")
    local.add(own, tmp_path / "target", "mine.txt")


def test_folders_that_are_links_are_followed(source: Path, tmp_path: Path) -> None:
    shutil.move(source / "beir" / "tiny", tmp_path / "elsewhere")
    (source / "beir" / "tiny").symlink_to(tmp_path / "elsewhere")
    local.fetch(source, tmp_path / "target", "wiki.txt")
    linked = tmp_path / "target" / "beir" / "tiny"
    assert not linked.is_symlink()
    assert (linked / "qrels" / "test.tsv").resolve() == tmp_path / "elsewhere" / "qrels" / "test.tsv"


def test_a_link_that_leads_nowhere_is_named(source: Path, tmp_path: Path) -> None:
    (source / "beir/tiny/gone").symlink_to(tmp_path / "gone")
    with pytest.raises(NegbenchError, match=r"a link leads nowhere \(\S+/beir/tiny/gone\)"):
        local.fetch(source, tmp_path / "target", "wiki.txt")
    assert not (tmp_path / "target").exists()


def test_a_missing_set_is_named(source: Path, tmp_path: Path) -> None:
    shutil.rmtree(source / "senteval" / "downstream" / "STS" / "STS14-en-test")
    with pytest.raises(NegbenchError, match=r"STS14 test: the file is missing \(.*STS14-en-test.*\)\. \w+"):
        local.fetch(source, tmp_path / "target", "wiki.txt")
    assert not (tmp_path / "target").exists()


def test_a_set_of_another_size_is_named_with_both_sizes(source: Path, tmp_path: Path) -> None:
    path = source / "senteval/downstream/STS/STSBenchmark/sts-dev.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-3]))
    with pytest.raises(NegbenchError, match="STSB dev has 5 scored examples and the published set 8"):
        local.fetch(source, tmp_path / "target", "wiki.txt")
    assert not (tmp_path / "target").exists()


def test_a_transfer_set_is_checked_too(source: Path, tmp_path: Path) -> None:
    path = source / "senteval/downstream/TREC/train_5500.label"
    path.write_text("NUM:dist How far ?\n" * 4)
    with pytest.raises(NegbenchError, match="TREC train has 4 scored examples and the published set 5"):
        local.fetch(source, tmp_path / "target", "wiki.txt")
    path.unlink()
    with pytest.raises(NegbenchError, match=r"the file is missing \(.*train_5500\.label\)"):
        local.fetch(source, tmp_path / "target", "wiki.txt")
    assert not (tmp_path / "target").exists()


def test_every_task_of_a_run_is_checked() -> None:
    assert {*published.EXPECTED_ROWS} == {*TASKS, *transfer_sets.TASKS}


def test_a_broken_set_is_named_with_its_line(source: Path, tmp_path: Path) -> None:
    path = source / "senteval/downstream/STS/STS13-en-test/STS.gs.FNWN.txt"
    path.write_text(path.read_text().replace("\n", "\nhigh\n", 1))
    with pytest.raises(NegbenchError, match=r"STS13 test: 8 pairs but 9 lines of scores"):
        local.fetch(source, tmp_path / "target", "wiki.txt")


def local_settings(folder: Path, corpus: str = "wiki.txt", **others: Any) -> params.Fetch:
    return params.Fetch(source="local", path=folder, corpus=corpus, **others)


def test_a_missing_corpus_is_met_with_the_nearest(source: Path, own: Path) -> None:
    assert asked.corpus(local_settings(source)) == "wiki.txt"
    assert asked.corpus(local_settings(source, "mine.txt", add=own)) is None
    with pytest.raises(NegbenchError, match=r"no corpus 'wikki\.txt' in \S+/corpus \(fetch.corpus\).*'wiki\.txt'"):
        asked.corpus(local_settings(source, "wikki.txt"))
    with pytest.raises(NegbenchError, match=r"'min\.txt' in \S+ and none in \S+/own/corpus, which fetch.*'mine\.txt'"):
        asked.corpus(local_settings(source, "min.txt", add=own))
    shutil.rmtree(source / "corpus")
    with pytest.raises(NegbenchError, match=r"no corpus 'wiki\.txt'.*Put a text file"):
        asked.corpus(local_settings(source))


def test_a_misspelt_task_is_met_with_the_nearest(source: Path, own: Path) -> None:
    (source / "beir/tiny").rename(source / "beir/scifact")
    (source / "beir/empty").mkdir()
    everything = ["SciFact", "set", "TRECCOVID"]  # of MTEB's that come from its hub if they must
    sources = [local_settings(source, add=own), params.Fetch(source="hub", corpus="mine.txt", add=own)]
    sources.append(params.Fetch(source="generated", corpus="generated.txt", add=own))
    misspelt = {"NFCropus": "Did you mean 'NFCorpus'", "sett": "'set'", "empty": "", "scifact": "MTEB's SciFact"}
    for settings in sources:
        assert asked.tasks(settings, everything) == ["SciFact", "TRECCOVID"]
        for name, problem in misspelt.items():
            with pytest.raises(NegbenchError, match=rf"'{name}' .*{problem}"):
                asked.tasks(settings, [name])
    assert asked.tasks(sources[-1], ["world-qa"]) == ["world-qa"]
    with pytest.raises(NegbenchError, match="Did you mean 'world-qa'"):
        asked.tasks(sources[-1], ["world-qaa"])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", r"the corpus is empty \(\S+/own/corpus/mine\.txt\)"),
        (b"a\n" * 99 + b"caf\xe9\n", r"0xe9 is not UTF-8 \(\S+/own/corpus/mine\.txt:100\)"),
        (
            b"a\n" * 40,
            r"^train.sentences asks for 41 .* has 40 lines \(fetch.corpus, mine.txt\).* larger corpus\.$",
        ),
    ],
)
def test_a_text_that_will_not_do_ends_the_fetch(
    source: Path, own: Path, project: Path, content: bytes, problem: str
) -> None:
    (own / "corpus/mine.txt").write_bytes(content)
    data = f"fetch={{source: local, path: {source}, corpus: mine.txt, add: {own}}}"
    write_settings(data, "backbone.sentences=40", "train.sentences=41")
    with pytest.raises(NegbenchError, match=problem):
        fetch.fetch(Namespace(plan=False))
    assert not (project / "data").exists()


@pytest.mark.parametrize(
    ("setting", "who"),
    [
        ("methods.simcse.train.sentences=3", "methods.simcse.train.sentences"),
        ("methods.simcse.train.sentences=3.0", "methods.simcse.train.sentences"),
        ("+ablate.own={method: mocose, seeds: [0], train: {sentences: 3}, cells: [{}]}", "ablate.own"),
        ("+ablate.own={method: mocose, seeds: [0], cells: [{}, {train: {sentences: 3}}]}", "ablate.own"),
        ("evaluate.fit_sentences=3", "evaluate.fit_sentences"),
    ],
)
def test_all_that_ask_for_sentences_are_heard_before_work_begins(project: Path, setting: str, who: str) -> None:
    """With the fetch, and where settings have changed since."""
    world = "fetch={source: generated, corpus: generated.txt, generated: {corpus_sentences: 2, pairs_per_subset: 2}}"
    sets = "mteb.tasks=[world-qa]"
    write_settings(world, sets)
    fetch.fetch(Namespace(plan=False))
    asked.check(params.load(), Path("data"))
    write_settings(world, sets, setting)
    for check in (lambda: fetch.fetch(Namespace(plan=False)), lambda: asked.check(params.load(), Path("data"))):
        with pytest.raises(
            NegbenchError, match=rf"^{who} asks for 3 .* has 2 lines.*raise fetch.generated.corpus_sent"
        ):
            check()


def test_a_study_that_asks_for_less_than_its_method_is_taken_at_its_word(project: Path) -> None:
    study = "+ablate.own={method: mocose, seeds: [0], train: {sentences: 2}, cells: [{}]}"
    write_settings(study, "methods.mocose.train.sentences=3")
    assert max(count for _, count in params.load().sentences()) == 2


def test_a_text_that_nobody_asked_for_is_not_read(source: Path, own: Path, project: Path) -> None:
    (own / "corpus/broken.txt.xz").write_bytes(b"no archive")
    write_settings(f"fetch={{source: local, path: {source}, corpus: mine.txt, add: {own}}}")
    fetch.fetch(Namespace(plan=False))
    assert [path.name for path in (project / "data/corpus").iterdir()] == ["mine.txt"]
    write_settings(f"fetch={{source: local, path: {source}, corpus: broken.txt.xz, add: {own}}}")
    with pytest.raises(NegbenchError, match=r"damaged \(\S+/own/corpus/broken\.txt\.xz\)"):
        fetch.fetch(Namespace(plan=False))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NegbenchError, match=r"the data folder does not exist \(.*nowhere\)\. Correct fetch\.path"):
        local.folder(local_settings(tmp_path / "nowhere"))
    with pytest.raises(NegbenchError, match=r"the folder does not exist \(.*nowhere\)\. Correct fetch\.add"):
        asked.corpus(local_settings(tmp_path, add=tmp_path / "nowhere"))


def test_the_folder_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEGBENCH_DATA", str(tmp_path))
    settings = params.Fetch(source="local", corpus="wiki.txt")
    assert local.folder(settings) == tmp_path
    (tmp_path / "file").touch()
    monkeypatch.setenv("NEGBENCH_DATA", str(tmp_path / "file"))
    with pytest.raises(NegbenchError, match="the data folder is a file"):
        local.folder(settings)
    monkeypatch.setenv("NEGBENCH_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(NegbenchError, match=r"does not exist \(.*nowhere\)\. Set NEGBENCH_DATA"):
        local.folder(settings)


@pytest.mark.parametrize("value", [None, ""])
def test_an_unset_folder_says_how_to_set_it(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEGBENCH_DATA", raising=False)
    if value is not None:
        monkeypatch.setenv("NEGBENCH_DATA", value)
    with pytest.raises(NegbenchError, match=r"no data folder is set \(NEGBENCH_DATA\)\. export NEGBENCH_DATA="):
        local.folder(params.Fetch(source="local", corpus="wiki.txt"))


def test_the_manifest_describes_every_file(source: Path) -> None:
    (source / "models").mkdir()
    (source / "models" / "weights.bin").write_bytes(b"\x00\x01\n\x02")
    (source / "models" / "no_final_newline.txt").write_bytes(b"a\nb")
    (source / "models" / "empty.txt").touch()
    found = manifest.write(source)
    assert set(found) == files(source) - {"manifest.json"}
    for name, entry in found.items():
        content = (source / name).read_bytes()
        assert (entry["sha256"], entry["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    rows = {name: entry["rows"] for name, entry in found.items()}
    assert rows["corpus/other.txt.xz"] == 3
    assert rows["corpus/wiki.txt"] == 2
    assert rows["senteval/downstream/SICK/SICK_train.txt"] == 9
    assert rows["models/weights.bin"] is None
    assert rows["models/no_final_newline.txt"] == 2
    assert rows["models/empty.txt"] == 0


def test_the_manifest_depends_on_content_alone(source: Path, tmp_path: Path) -> None:
    local.fetch(source, tmp_path / "linked", "wiki.txt")
    shutil.copytree(tmp_path / "linked", tmp_path / "copied")
    linked, copied = manifest.write(tmp_path / "linked"), manifest.write(tmp_path / "copied")
    assert linked == copied
    texts = [(tmp_path / name / "manifest.json").read_bytes() for name in ("linked", "copied")]
    assert texts[0] == texts[1]
    assert manifest.write(tmp_path / "copied") == copied  # an earlier manifest.json does not count
    changed = tmp_path / "copied" / "corpus" / "wiki.txt"
    changed.write_text("one\ntwq\n")
    assert manifest.write(tmp_path / "copied") != copied


def test_a_cut_archive_does_not_get_a_manifest(source: Path) -> None:
    archive = source / "corpus" / "other.txt.xz"
    archive.write_bytes(archive.read_bytes()[:-8])
    with pytest.raises(NegbenchError, match="cut short or damaged"):
        manifest.write(source)
    assert not (source / "manifest.json").exists()


def test_the_real_folder_is_complete(real_data: Path, tmp_path: Path) -> None:
    local.fetch(real_data, tmp_path, "wiki1m_for_simcse.first12k.txt")
    found = manifest.write(tmp_path)
    assert found["corpus/wiki1m_for_simcse.first12k.txt"]["rows"] == 11_915
    assert found["senteval/downstream/MRPC/msr_paraphrase_test.txt"]["rows"] == 1_726  # with its header
    assert found["beir/nfcorpus/corpus.jsonl"]["rows"] == 3_633
    assert not any(name.startswith("corpus/wiki_sentences") for name in found)


def test_a_folder_of_ones_own_comes_on_top(source: Path, own: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    local.fetch(source, target, None)
    local.add(own, target, "mine.txt")
    added = {"corpus/mine.txt", "beir/set/corpus.jsonl"}
    assert files(target) == files(source) - {"corpus/other.txt.xz", "corpus/wiki.txt"} | added
    for name in added:
        assert (target / name).resolve() == own / name


@pytest.mark.parametrize("text", ["mine.txt", "wiki.txt"])
def test_the_stage_trains_on_the_text_of_either_folder(source: Path, own: Path, project: Path, text: str) -> None:
    write_settings(f"fetch={{source: local, path: {source}, add: {own}, corpus: {text}}}")
    fetch.fetch(Namespace(plan=False))
    assert {f"corpus/{text}", "beir/set/corpus.jsonl"} <= files(project / "data")
    assert f"corpus/{text}" in json.loads(Path("data/manifest.json").read_text())


@pytest.mark.parametrize("name", ["FiQA2018", "fiqa"])
def test_a_set_of_ones_own_goes_by_mtebs_name_or_beirs(own: Path, name: str) -> None:
    (own / "beir/set").rename(own / "beir" / name)
    settings = params.Fetch(source="hub", corpus="mine.txt", add=own)
    assert asked.tasks(settings, ["SciFact", "FiQA2018"]) == ["SciFact"]


def test_what_cannot_be_added_is_refused_and_nothing_linked(source: Path, own: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    local.fetch(source, target, "wiki.txt")
    before = files(target)
    with pytest.raises(NegbenchError, match="nothing to add"):
        local.add(tmp_path / "none", target, "wiki.txt")
    (own / "corpus/wiki.txt").write_text("another text of that name\n")
    with pytest.raises(NegbenchError, match="the source has a file of this name too"):
        local.add(own, target, "wiki.txt")
    assert files(target) == before


@pytest.mark.parametrize(
    ("settings", "setting", "name"),
    [
        ("backbone.vocab=models/bert/vocab.txt", "backbone.vocab", "models/bert/vocab.txt"),
        ("teacher.large={model: data/models/large, pooling: mean}", "teacher.large.model", "models/large"),
        ("backbone={source: folder, folder: data/models/bert}", "backbone.folder", "models/bert"),
    ],
)
def test_what_a_setting_names_must_have_come(
    source: Path, project: Path, settings: str, setting: str, name: str
) -> None:
    """Hours of pretraining lie between the fetch and the stage that would miss it."""
    write_settings(f"fetch={{source: local, path: {source}, corpus: wiki.txt}}", settings)
    expected = rf"^{setting} names it and it did not come \(data/{name}\)\. Put it .* NEGBENCH_DATA"
    with pytest.raises(NegbenchError, match=expected):
        fetch.fetch(Namespace(plan=False))
    assert not (project / "data").exists()
    (source / name).parent.mkdir(parents=True)
    (source / name).write_text("here")
    fetch.fetch(Namespace(plan=False))
    assert (project / "data" / name).resolve() == source / name


def test_a_misspelt_generated_text_is_told_at_once(project: Path) -> None:
    Path("params.yaml").write_text(profile.compose("demo", ["fetch.corpus=wikki.txt"]))
    with pytest.raises(NegbenchError, match=r"^there is no corpus 'wikki.txt' in the gen.*Valid: generated.txt\.$"):
        fetch.fetch(Namespace(plan=False))
    assert not (project / "data").exists()
