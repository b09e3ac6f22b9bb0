"""Finding an action by a few of its letters: pure string matching."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ActionRow:
    """One action as search and shortcut sheet show it."""

    id: str
    title: str
    shortcut: str = ""
    group: str = ""


def match_score(wanted: str, title: str) -> float | None:
    """How well the letters of ``wanted`` are found in order in ``title``; None where one is missing.

    Higher is better: letters at the beginning of words and letters in a run count more, long titles a little less.
    """
    letters = [letter for letter in wanted.lower() if not letter.isspace()]
    text = title.lower()
    at, previous, score = 0, -2, 0.0
    for letter in letters:
        found = _best_place(text, letter, at, previous)
        if found < 0:
            return None
        starts_word = found == 0 or not text[found - 1].isalnum()
        score += 1.0 + (2.0 if starts_word else 0.0) + (1.5 if found == previous + 1 else 0.0)
        previous, at = found, found + 1
    if wanted.strip().lower() in text:
        score += 4.0
    return score - 0.01 * len(title)


def _best_place(text: str, letter: str, start: int, previous: int) -> int:
    """Next to the letter before, else at the beginning of a word, else the first place."""
    if previous >= 0 and start < len(text) and text[start] == letter:
        return start
    first = text.find(letter, start)
    place = first
    while place >= 0:
        if place == 0 or not text[place - 1].isalnum():
            return place
        place = text.find(letter, place + 1)
    return first


def best_matches(wanted: str, rows: tuple[ActionRow, ...]) -> tuple[ActionRow, ...]:
    """The rows that match, best first; all of them in their order for an empty search."""
    if not wanted.strip():
        return rows
    scored = [(match_score(wanted, f"{row.title} {row.group}"), index) for index, row in enumerate(rows)]
    found = sorted((-score, index) for score, index in scored if score is not None)
    return tuple(rows[index] for _, index in found)
