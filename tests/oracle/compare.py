"""Where two answers differ. Numbers may differ in the last digits, kinds may not."""

import math


def same_number(left, right):
    if isinstance(left, int) and isinstance(right, int):
        return left == right
    return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)


def differences(left, right, path="answer"):
    """A list of sentences; empty if the answers are the same."""
    if isinstance(left, dict) and isinstance(right, dict):
        out = [f"{path}: only one side has {name}" for name in sorted(set(left) ^ set(right))]
        for name in left:
            if name in right:
                out += differences(left[name], right[name], f"{path}.{name}")
        return out
    if path.endswith(".interval") and left is not None and right is not None:
        # An end near 0 of a wide interval is a difference of great numbers.
        scale = max(map(abs, left)) or 1.0
        left, right = [one / scale for one in left], [one / scale for one in right]
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        out = []
        if len(left) != len(right):
            out.append(f"{path}: the oracle has {len(left)} entries, the server {len(right)}")
        for index, (one, other) in enumerate(zip(left, right)):
            out += differences(one, other, f"{path}[{index}]")
        return out
    numbers = [isinstance(one, (int, float)) and not isinstance(one, bool) for one in (left, right)]
    if all(numbers):
        equal = same_number(left, right)
    else:
        equal = type(left) is type(right) and left == right
    return [] if equal else [f"{path}: the oracle says {left!r}, the server {right!r}"]
