"""Calls of the hub's client that wait and try again, and what went wrong in one line."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import TypeVar

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RevisionNotFoundError,
)

from pipelines.errors import NegbenchError

# The client itself tries again what it asks before a download and takes up a connection that breaks during one; a 503
# in its place and a connection that is reset it does not.
_WAITS = (1, 4, 16)  # seconds before each further try
_LONGEST = 60  # seconds waited because the hub says so
_PASSING = (408, 429, 500, 502, 503, 504)  # answers that another try may change
_UNASKABLE = (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)  # the request was wrong before it was sent
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_AGAIN = "Run again later: whole files that came are kept."
T = TypeVar("T")


class OutOfReachError(NegbenchError):
    """Nobody answered, or nobody may be asked: what there is must come from the cache."""


def patiently(where: str, no_commit: str, call: Callable[[], T]) -> T:
    """Call the client, again after a while where that may help.

    Args:
        where: the setting behind the call, and the repository.
        no_commit: what to do where the hub has no such commit.
        call: gives what is wanted.

    Raises:
        OutOfReachError: there is no hub, or HF_HUB_OFFLINE is set, and the cache has not all of it.
        NegbenchError: the hub refuses, or the download failed.
    """
    waits, tries = iter(_WAITS), 0
    while True:
        tries += 1
        try:
            return call()
        except (httpx2.HTTPError, OSError) as error:
            cause = _cause(error)
            wait = next(waits, None)
            if wait is None or not _passes(cause):
                if isinstance(cause, RevisionNotFoundError):
                    raise NegbenchError("the hub has no such commit", where, no_commit) from error
                raise _told(cause, where, tries) from error
            time.sleep(max(wait, _asked_for(cause)))
        except (ValueError, LookupError, TypeError) as error:  # the client makes no sense of an answer
            next_step = "Check HF_ENDPOINT, and whether the network wants a login first."
            raise NegbenchError(f"what answers at {constants.ENDPOINT} is no hub", where, next_step) from error


def _cause(error: Exception) -> Exception:
    """Why the client fell back to its cache, if that is where it failed."""
    below = error.__cause__
    return below if isinstance(error, LocalEntryNotFoundError) and isinstance(below, Exception) else error


def _passes(error: Exception) -> bool:
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in _PASSING
    return isinstance(error, httpx2.TransportError) and not isinstance(error, (httpx2.ConnectError, *_UNASKABLE))


def _asked_for(error: Exception) -> int:
    """Seconds in the answer's Retry-After."""
    asked = error.response.headers.get("Retry-After", "") if isinstance(error, HfHubHTTPError) else ""
    return min(int(asked), _LONGEST) if asked.isdigit() else 0


def _told(error: Exception, where: str, tries: int) -> NegbenchError:
    if isinstance(error, HfHubHTTPError):
        return _answered(error, where, tries)
    if isinstance(error, OfflineModeIsEnabled | LocalEntryNotFoundError):
        next_step = "Unset HF_HUB_OFFLINE, or bring the cache (HF_HOME) from a machine that has fetched it."
        return OutOfReachError("the cache has not all of it, and the client is offline", where, next_step)
    if isinstance(error, _UNASKABLE):
        return NegbenchError(f"cannot ask {constants.ENDPOINT}: {error}", where, "Correct HF_ENDPOINT.")
    if isinstance(error, httpx2.TransportError):
        what = f"cannot reach {constants.ENDPOINT}: {str(error) or type(error).__name__}"
        return OutOfReachError(what, where, f"Check the network, or HF_ENDPOINT. {_AGAIN}")
    if isinstance(error, OSError) and error.errno in _FULL:
        what = f"no room for the download in {constants.HF_HUB_CACHE}: {error.strerror}"
        return NegbenchError(what, where, "Free some space, or set HF_HOME to a folder that has more, and run again.")
    return NegbenchError(f"the download failed: {str(error).splitlines()[0]}", where, _AGAIN)


def _answered(error: HfHubHTTPError, where: str, tries: int) -> NegbenchError:
    status, path = error.response.status_code, error.response.url.path  # never the query: it may hold a signature
    if isinstance(error, GatedRepoError):
        what, next_step = "only those who accepted its terms may read it", "Accept them on its page, then set HF_TOKEN."
    elif status in (401, 403):
        what = f"the hub has no such repository, or not for everybody ({status})"
        next_step = "Check the name; if it is private, set HF_TOKEN to a token that may read it."
    elif status == 404:
        what, next_step = f"the hub has no {path}", "Correct the setting."
    else:
        what = f"the hub answers {status} for {path}" + (f", after {tries} tries" if tries > 1 else "")
        passes = status in _PASSING or status >= 500
        next_step = _AGAIN if passes else "Ask who runs the hub, or the mirror in HF_ENDPOINT."
    return NegbenchError(what, where, next_step)
