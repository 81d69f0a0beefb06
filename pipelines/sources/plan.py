"""What a fetch would bring, from where and where to: a table, and nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.params import Fetch
from pipelines.sources import asked, generated, hub, local
from pipelines.sources.describe import describe
from pipelines.sources.download import Wanted

_UNKNOWN = "unknown offline"
_COLUMNS = ("into data/", "from", "commit", "licence", "in cache", "bytes")


@dataclass(frozen=True)
class Row:
    """One thing that a fetch would bring.

    Attributes:
        place: file or folder below data/.
        origin: a repository of the hub, a folder, or what makes it.
        commit: of the repository; "" where there is none.
        licence: as the repository states it; "" where there is none to state.
        cached: files that need no download, of how many; "" where nothing is downloaded.
        size: bytes; None where nobody here knows.
        cause: why the hub could not be asked; "" where it was, or was not to be.
    """

    place: str
    origin: str
    commit: str = ""
    licence: str = ""
    cached: str = ""
    size: int | None = None
    cause: str = ""


def rows(settings: Fetch, tasks: Sequence[str], earlier: Mapping[str, str]) -> list[Row]:
    """What source, settings and an earlier fetch come to; arguments as of `hub.wanted`.

    Raises:
        NegbenchError: the hub refuses, or neither the source nor `fetch.add` has such data.
    """
    corpus, tasks = asked.corpus(settings), asked.tasks(settings, tasks)
    own = local.added(settings.add, settings.corpus) if settings.add else []
    added = [Row("on top", f"links into {settings.add}", size=_bytes(own))] if own else []
    if settings.source == "generated":  # how large is known once it is made, in seconds
        made = f"generated here, seed {settings.generated.seed}"
        return [Row("senteval", made), Row("beir", made), Row(f"corpus/{generated.CORPUS}", made), *added]
    if settings.source == "local":
        folder = local.folder(settings)
        parts: dict[str, list[Path]] = {}
        for file in local.files(folder, corpus):
            name = file.relative_to(folder)
            parts.setdefault(name.as_posix() if name.parts[0] == "corpus" else name.parts[0], []).append(file)
        return [Row(place, f"links into {folder}", size=_bytes(found)) for place, found in parts.items()] + added
    return [*(_row(item) for item in hub.wanted(settings.hub, corpus, tasks, earlier)), *added]


def _bytes(found: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in found)


def _row(item: Wanted) -> Row:
    found = describe(item)
    if found.sizes is None:
        return Row(item.place, item.name, item.revision or _UNKNOWN, _UNKNOWN, "no", None, found.cause)
    licence = found.licence or ("none stated" if found.online else _UNKNOWN)
    cached = f"{len(found.cached)} of {len(found.sizes)} files"
    size = sum(size or 0 for size in found.sizes.values())
    return Row(item.place, item.name, found.commit or "", licence, cached, size, found.cause)


def table(found: Sequence[Row]) -> str:
    """The rows in aligned columns, and their total; below it why the hub could not be asked."""
    total = sum(row.size or 0 for row in found)
    unknown = any(row.size is None for row in found)
    body = [_cells(row) for row in found]
    body.append(("total", "", "", "", "", f"{total:,}{' and what is unknown' if unknown else ''}"))
    widths = [max(len(line[column]) for line in (_COLUMNS, *body)) for column in range(len(_COLUMNS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (_COLUMNS, *body)
    ]
    return "\n".join([*lines, *dict.fromkeys(row.cause for row in found if row.cause)])


def _cells(row: Row) -> tuple[str, ...]:
    size = "unknown" if row.size is None else f"{row.size:,}"
    return (row.place, row.origin, row.commit, row.licence, row.cached, size)
