"""Random damage to a file: to its bytes, its lines, its numbers, and to its values where it is JSON or YAML."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

import yaml

# What readers trip over: line ends, bytes that are no UTF-8, numbers out of range, deep nesting, YAML's own tricks.
_TOKENS = (
    *(b"\0", b"\t", b"\r\n", b"\n\n", b"\xff", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b'"', b"'", b"\\", b"{", b"]", b": "),
    *(b"nan", b"-inf", b"1e999", b"-1", b"9" * 400, b"0x", b"null", b"true", b"{}", b"[]", b"2026-99-99", b"1:2:3"),
    *(b"[" * 3000, b"&a [*a]", b"*b", b"<<: 1", b"!!python/object/apply:os.system [true]", b"!!binary x", b"---\n"),
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 3, 0.5, -1e300, 10**18, float("nan"), float("inf")),
    *("", "x", "nan", "\ud800", "é\n", "x" * 500, [], {}, [[]], [None], {"": {}}, {"x": [1]}),
)  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")


def mutate(content: bytes, chance: random.Random) -> bytes:
    """`content` after one to four random changes."""
    for _ in range(chance.randint(1, 4)):
        content = chance.choice(_CHANGES)(content, chance)
    return content


def _flip(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content or b"\0")
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(content: bytes, chance: random.Random) -> bytes:
    start, end = _span(content, chance)
    return content[:start] + content[end:]


def _truncate(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randint(0, len(content))]


def _repeat(content: bytes, chance: random.Random) -> bytes:
    start, end = _span(content, chance)
    return content[:end] + content[start:]


def _insert(content: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(content))
    return content[:place] + chance.choice(_TOKENS) + content[place:]


def _swap_lines(content: bytes, chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


def _renumber(content: bytes, chance: random.Random) -> bytes:
    numbers = [*_NUMBER.finditer(content)]
    if not numbers:
        return _insert(content, chance)
    chosen = chance.choice(numbers)
    return content[: chosen.start()] + chance.choice(_TOKENS) + content[chosen.end() :]


def _revalue(content: bytes, chance: random.Random) -> bytes:
    """Another value, key or nesting somewhere in a JSON or YAML file, or in one line of JSON Lines."""
    lines = content.split(b"\n")
    number = chance.randrange(len(lines))
    for part, wrap in (
        (content, lambda new: new),
        (lines[number], lambda new: b"\n".join([*lines[:number], new, *lines[number + 1 :]])),
    ):
        try:
            tree = json.loads(part)
        except (ValueError, RecursionError):
            try:
                tree = yaml.safe_load(part)
            except (yaml.YAMLError, ValueError, RecursionError, AttributeError, TypeError):
                continue
        if isinstance(tree, dict | list) and tree:
            try:
                return wrap(json.dumps(_changed(tree, chance), default=str).encode())
            except (ValueError, TypeError, RecursionError):  # a cycle of YAML's, or a key that JSON has not
                continue
    return _flip(content, chance)


def _changed(tree: Any, chance: random.Random) -> Any:
    """The tree with one of its values replaced, removed, or given another name."""
    keys = [*tree] if isinstance(tree, dict) else [*range(len(tree))]
    key = chance.choice(keys)
    below = tree[key]
    copy = tree.copy()
    if isinstance(below, dict | list) and below and chance.random() < 0.8:
        copy[key] = _changed(below, chance)
    elif chance.random() < 0.2:
        del copy[key]
    elif isinstance(copy, dict) and chance.random() < 0.2:
        copy[chance.choice(("", "x", "train", "value"))] = copy.pop(key)
    else:
        copy[key] = chance.choice(_VALUES)
    return copy


def _span(content: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randint(0, len(content))
    return start, min(len(content), start + chance.choice((1, 2, 8, 64, 512)))


_CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_flip, _cut, _truncate, _repeat, _insert, _swap_lines, _renumber),
    *(_revalue,) * 4,  # what keeps to the grammar gets furthest
)
