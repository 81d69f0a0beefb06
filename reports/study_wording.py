"""How the report calls studies, their settings and their cells."""

from __future__ import annotations

import math
from typing import Any

from reports.study import Cell, Study
from reports.wording import listing, plain

TITLES = {
    "augmentation": "Augmentation of the embeddings",
    "batch_size": "Batch size",
    "collapse": "Collapse without a momentum encoder",
    "collapse_released": "Collapse without a momentum encoder, as released",
    "ema_decay": "Decay of the momentum encoder",
    "fgsm": "Step of FGSM",
    "fidelity": "Slides and released code",
    "kmeans_queue": "A queue in clusters",
    "out_size": "Length of queries and keys",
    "projector_predictor": "Layers of projector and predictor",
    "queue_distance": "Age of the negatives",
    "queue_fill": "Size of the queue and its rows at the start",
    "queue_slices": "Part of the queue",
    "softcse_sharpness": "Sharpness of the weights",
    "softcse_similarity": "Whose similarity weighs the negatives",
    "softcse_temperature_sharpness": "Sharpness of the temperatures",
    "temperature": "Temperature",
}
TERMS = {
    "augment_at_evaluation": "augmented evaluation",
    "batch_size": "batch size",
    "detach_keys": "detached keys",
    "double_initial_fill": "twice the rows at the start",
    "d_trace": "maximum traceable distance",
    "ema_decay": "EMA decay η",
    "ema_schedule": "rise of the decay",
    "feature_cutoff": "feature cut-off",
    "fgsm_epsilon": "FGSM ε",
    "fidelity": "reading",
    "in_batch_negatives": "negatives of the batch too",
    "initial_fill": "rows at the start",
    "predictor_layers": "predictor layers",
    "projector_dimension": "length",
    "projector_layers": "projector layers",
    "queue_clusters": "clusters",
    "queue_size": "queue size",
    "queue_slice": "slice",
    "select": "checkpoint chosen by",
    "shuffle_positions": "shuffled positions",
    "token_cutoff": "token cut-off",
}
# The kinds of figures, with what each draws of ours; a study that is not named is drawn as dots.
MARKS = {
    "boxes": "boxes are quartiles, of three seeds or more, open points single seeds, squares reported means",
    "collapse": "lines are means, bands one standard deviation",
    "curve": "filled points are means, open points single seeds, the band one standard deviation",
    "dots": "filled points are means, open points single seeds, lines their range",
    "heat": "means",
}
KINDS = {
    "batch_size": "curve",
    "collapse": "collapse",
    "collapse_released": "collapse",
    "ema_decay": "curve",
    "out_size": "boxes",
    "projector_predictor": "heat",
    "queue_distance": "curve",
    "queue_fill": "boxes",
    "softcse_sharpness": "curve",
    "softcse_temperature_sharpness": "curve",
    "temperature": "curve",
}
ABOUT = {"queue_distance": "d_trace"}  # what a study is about where that is no setting
MEANINGS = {
    "queue_distance": "The distance is 1 / (1 − η) + *K* / *B*, with a queue of *K* and batches of *B*: the updates "
    "between the online encoder and its oldest negatives.",
}
READING = "fidelity"  # a setting that all others of its study follow from
LIMITS = {"sharpness": "all negatives alike"}  # what a setting at infinity comes to


def kind(study: Study) -> str:
    """How a study is drawn, a key of MARKS: as KINDS says where its cells allow that, else as dots."""
    numbers = all(_number(value) for cell in study.cells for value in cell.settings.values())
    allowed = {
        "boxes": numbers and len(study.varied) in (1, 2),
        "collapse": any(cell.curve for cell in study.cells),
        "curve": axis_of(study) != "",
        "heat": numbers and len(study.varied) == 2,
    }
    found = KINDS.get(study.name, "dots")
    return found if allowed.get(found) else "dots"


def axis_of(study: Study) -> str:
    """The number that all cells with a score differ in: a constant, or the only setting that varies; else empty."""
    key = ABOUT.get(study.name, study.varied[0] if len(study.varied) == 1 else "")
    return key if all(_number(cell.known.get(key)) for cell in study.done) else ""


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def title(study: str) -> str:
    """What a study asks about; one that is not ours goes by its name."""
    return TITLES.get(study, study.replace("_", " ").capitalize())


def term(setting: str) -> str:
    """A setting or a derived constant, as tables and axes call it."""
    return TERMS.get(setting, setting.replace("_", " "))


def shown(value: Any) -> str:
    """The value of a setting, or of a constant that follows from them, in print."""
    if value is None or isinstance(value, bool):
        return {None: "default", True: "yes", False: "no"}[value]
    if isinstance(value, str):
        return value.replace("_", " ")
    if math.isinf(value):
        return "∞"
    digits, _, power = f"{round(value, 2) if abs(value) >= 1 else value:g}".partition("e")
    return plain(float(digits)) if not power else f"{digits}e{plain(int(power))}"


def label(study: Study, cell: Cell) -> str:
    """A cell among those of its study: where many settings vary, by its numbers and by what the first cell has not."""
    if len(study.varied) < 2:
        return shown(cell.settings[study.varied[0]]) if study.varied else "the only cell"
    first = study.cells[0].settings
    found = cell.settings
    if len(study.varied) > 2:
        found = {key: value for key, value in found.items() if (value if _number(value) else value != first[key])}
    if READING in found:
        return shown(found[READING])
    bare = len(study.varied) == 2  # then each word says by itself what it is of
    return ", ".join(_part(key, value, bare) for key, value in found.items()) or "none of these"


def _part(key: str, value: Any, bare: bool) -> str:
    if isinstance(value, bool):
        return term(key) if value else f"no {term(key)}"
    return shown(value) if bare and isinstance(value, str) else f"{term(key)} {shown(value)}"


def place(study: Study, cell: Cell) -> str:
    """A cell within a sentence, by what its study is about."""
    fact = ABOUT.get(study.name)
    if fact in cell.facts:
        return f"{term(fact)} {shown(cell.facts[fact])}"
    return f"{term(study.varied[0])} {label(study, cell)}" if len(study.varied) == 1 else label(study, cell)


def about(study: Study) -> str:
    """What varies in a study, within a sentence."""
    return listing([term(key) for key in ([ABOUT[study.name]] if study.name in ABOUT else study.varied)]) or "seed"
