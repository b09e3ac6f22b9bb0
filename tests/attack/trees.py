"""Changes of JSON and TOML by value: another type, huge numbers, deep nesting, keys that are there twice or not at all.

What neither writer would write (an integer of 5,000 digits, a nesting of 20,000, half a surrogate pair) stands in the
tree as a ``Raw`` and is put into the text as it is.
"""

from __future__ import annotations

import copy
import json
import random
from dataclasses import dataclass

Tree = object


@dataclass(frozen=True)
class Raw:
    """Text that goes into the file unchanged, in place of a value."""

    text: str


def changed(tree: Tree, rng: random.Random) -> Tree:
    """A copy of ``tree`` with one to three of its values, keys or lengths changed."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(tree))
        if not places:
            return odd_value(rng)
        holder, key = rng.choice(places)
        _change(holder, key, rng)
    return tree


def _places(tree: Tree) -> list[tuple[dict | list, object]]:
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in items:
            found.append((node, key))
            waiting.append(value)
    return found


def _change(holder: dict | list, key: object, rng: random.Random) -> None:
    way = rng.randrange(12)
    if way < 6:
        holder[key] = near(holder[key], rng) if rng.random() < 0.3 else odd_value(rng)
    elif way == 6:
        del holder[key]
    elif way == 7 and isinstance(holder, list):
        holder.extend([holder[key]] * rng.choice((1, 3, 100, 3000)))
    elif way == 7:
        holder[Raw(json.dumps(str(key)))] = odd_value(rng)  # a key that is there twice
    elif way == 8 and isinstance(holder, dict):
        holder[odd_text(rng)] = holder.pop(key)
    elif way == 8:
        rng.shuffle(holder)
    elif way == 9:
        others = list(holder) if isinstance(holder, dict) else range(len(holder))
        other = rng.choice(list(others))
        holder[key], holder[other] = holder[other], holder[key]
    elif way == 10:
        holder[key] = [holder[key]] if rng.random() < 0.5 else {"value": holder[key]}
    else:
        holder[key] = near(holder[key], rng)


def near(value: Tree, rng: random.Random) -> Tree:
    """A value of the same kind, a little or far off."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice((value + 1, value - 1, -value, 0, value * 2, value * 1000, 2**31, 2**32, 2**63 - 1, 2**63,
                           2**64))
    if isinstance(value, float):
        return rng.choice((-value, 0.0, value * 1e6, 1e-300, 1e300, -1e300, Raw("1e999"), Raw("NaN"), 5e-324))
    if isinstance(value, str):
        cut = rng.randrange(len(value) + 1)
        return rng.choice((value[:cut], value + "/../..", "../" + value, value * 50, value[:cut] + "\0" + value[cut:],
                           value.upper(), value[:cut] + "\u202e" + value[cut:], value[:cut] + "9" * 400 + value[cut:]))
    return odd_value(rng)


def odd_value(rng: random.Random) -> Tree:
    """A value of any kind."""
    return rng.choice((
        lambda: None, lambda: True, lambda: 0, lambda: -1, lambda: 2**31, lambda: 2**63, lambda: -(2**63) - 1,
        lambda: 2**64, lambda: 10**18, lambda: 1e308, lambda: -0.0, lambda: 0.5, lambda: Raw("1e999"),
        lambda: Raw("NaN"), lambda: Raw("-Infinity"), lambda: Raw("9" * rng.choice((20, 400, 5000))),
        lambda: Raw("1." + "0" * 3000 + "1"), lambda: odd_text(rng), lambda: odd_text(rng), list,
        dict, lambda: [[]] * 50, lambda: {"a": {"b": {"c": []}}}, lambda: _deep(rng), lambda: _deep(rng),
        lambda: Raw(f"[{', '.join(['0.0'] * rng.choice((1, 7, 100_000)))}]"),
        lambda: {f"k{n}": n for n in range(rng.choice((3, 500)))},
        lambda: list(range(20)), lambda: "A" * rng.choice((300, 5000, 200_000)),
    ))()


def odd_text(rng: random.Random) -> Tree:
    """A text that few expect."""
    return rng.choice((
        "", " ", "\0", "a\0b", "..", "../../etc/passwd", "/etc/passwd", "x" * 300, "x" * 5000, "\u202eabc",
        "ä\u0308" * 99,
        "nan", "1e999", "con", "a/b", "a\\b", "\n\n", "%s%n{0}", "$(id)", Raw('"\\ud800"'), Raw('"\\u0000"'),
        "\U0001f600" * 40,
        "z", "w", "float64", "F8_E4M3", "cuda", "samples:tiny", "http://127.0.0.1/", "-1", "[[]]", "e" * 64, "0" * 64,
    ))


def _deep(rng: random.Random) -> Raw:
    depth = rng.choice((50, 200, 990, 1100, 20_000, 100_000))
    start, end = rng.choice((("[", "]"), ('{"a":', "}")))
    middle = "" if start == "[" else "1"
    return Raw(start * depth + middle + end * (depth if rng.random() < 0.7 else depth // 2))


def as_json(tree: Tree) -> bytes:
    """The tree as JSON."""
    return _written(tree, _json_key, ":").encode("utf-8", errors="surrogatepass")


def _json_key(key: object) -> str:
    return key.text if isinstance(key, Raw) else json.dumps(str(key))


def _written(tree: Tree, key: object, between: str) -> str:
    if isinstance(tree, Raw):
        return tree.text
    if isinstance(tree, dict):
        parts = (f"{key(name)}{between}{_written(value, key, between)}" for name, value in tree.items())
        return "{" + ",".join(parts) + "}"
    if isinstance(tree, list | tuple):
        return "[" + ",".join(_written(value, key, between) for value in tree) + "]"
    return json.dumps(tree)


def as_toml(tree: Tree, rng: random.Random) -> bytes:
    """The tree as TOML; tables at the top stand under headings. At times with keys of very many dots."""
    if not isinstance(tree, dict):
        return _written(tree, _toml_key, " = ").encode("utf-8", errors="surrogatepass")
    flat = {key: value for key, value in tree.items() if not isinstance(value, dict)}
    lines = [f"{_toml_key(key)} = {_toml(value)}" for key, value in flat.items()]
    if rng.random() < 0.05:
        dotted = rng.choice(("a.", "config.", '"".')) * rng.choice((30, 1000, 20_000))
        lines.append(rng.choice((f"{dotted}z = 1", f"[{dotted}z]", f"[[{dotted}z]]")))
    for key, value in tree.items():
        if isinstance(value, dict):
            lines += ["", rng.choice(("[{}]", "[{}]", "[{}]", "[[{}]]")).format(_toml_key(key))]
            lines += [f"{_toml_key(name)} = {_toml(part)}" for name, part in value.items()]
    if rng.random() < 0.05:
        lines.append(rng.choice(lines or [""]))
    return ("\n".join(lines) + "\n").encode("utf-8", errors="surrogatepass")


def _toml(value: Tree) -> str:
    text = _written(value, _toml_key, " = ")
    return {"NaN": "nan", "-Infinity": "-inf", "1e999": "inf", "null": "''"}.get(text, text)


def _toml_key(key: object) -> str:
    return key.text if isinstance(key, Raw) else json.dumps(str(key))
