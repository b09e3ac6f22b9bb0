"""Settings are said once: every class of settings of the package, its words, checks and flags, from its annotations."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

import pytest

import latentstudio
from latentstudio.cli.options import Parser, add_settings, settings_of
from latentstudio.errors import TrainingError, UsageError
from latentstudio.settings import Field, Setting, Settings, changed, fields_of, settings_from, without

ROOT = Path(__file__).resolve().parent.parent


def all_settings() -> list[type[Settings]]:
    """Every class of settings in a file ``settings.py`` of the package."""
    for found in pkgutil.walk_packages(latentstudio.__path__, "latentstudio."):
        if found.name.endswith(".settings"):
            importlib.import_module(found.name)

    def below(kind: type[Settings]) -> Iterator[type[Settings]]:
        for one in kind.__subclasses__():
            if one.__module__.startswith("latentstudio."):
                yield one
            yield from below(one)

    return sorted(below(Settings), key=lambda kind: kind.__qualname__)


KINDS = all_settings()
FIELDS = [(kind, field) for kind in KINDS for field in fields_of(kind)]
IDS = [f"{kind.__name__}.{field.name}" for kind, field in FIELDS]


def wrong_values(field: Field) -> list[object]:
    """Values that no setting of this kind may take."""
    wrong: list[object] = [object(), [0.5]] if field.optional else [None, object(), [0.5]]
    if field.kind in (int, float):
        wrong += [float("nan"), float("inf"), "1", True]
        least, most = field.setting.least, field.setting.most
        wrong += [] if least is None else [least if field.setting.above else least - 1]
        wrong += [] if most is None else [most if field.setting.below else most + 1]
        wrong += [1.5] if field.kind is int else []
    elif field.kind is bool:
        wrong += [0, "yes"]
    elif field.kind is str:
        wrong += [3] + (["no such choice"] if field.choices else [])
    return wrong


@dataclass(frozen=True)
class Example(Settings):
    share: Annotated[float, Setting("Share", 0, 1, below=True, why="as tried")] = 0.5
    count: Annotated[int | None, Setting("Count", 1, usual="as many as there are", flag="number")] = None
    on: Annotated[bool, Setting("On")] = True
    kind: Annotated[Literal["one", "other"], Setting("Kind")] = "one"
    marks: Annotated[tuple[int, ...], Setting("Marks")] = ()
    plain: int = 3


def test_classes_of_settings_are_found() -> None:
    assert {"LearnSettings", "InversionSettings", "TuningSettings"} <= {kind.__name__ for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_field_is_a_setting_with_words_and_a_default_that_it_takes(kind: type[Settings]) -> None:
    assert {field.name for field in fields_of(kind)} == {field.name for field in fields(kind)}
    for field in fields_of(kind):
        assert field.setting.label[:1].isupper(), field.name
        assert not field.setting.label.endswith("."), field.name
        assert not field.optional or field.setting.usual, f"{field.name}: what None means"
        assert field.setting.why or field.choices or len(field.setting.label.split()) > 1 or field.setting.usual
        field.check(field.default)
        assert field.read(field.written(field.default)) == field.default


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=IDS)
def test_a_wrong_value_is_one_typed_error_with_name_expectation_and_what_to_do(
    kind: type[Settings], field: Field
) -> None:
    for wrong in wrong_values(field):
        with pytest.raises(UsageError) as said:
            kind(**{field.name: wrong})
        assert said.value.found.startswith(field.name.replace("_", " "))
        assert said.value.expected == field.expected
        assert said.value.action


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_flags_are_complete_and_give_back_what_was_written(kind: type[Settings]) -> None:
    parser = Parser()
    add_settings(parser, kind, title="settings", prefix="a_")
    parser.add_argument("--seed", type=int, default=None)
    assert settings_of(parser.parse_args([]), kind(), prefix="a_") == kind()
    shown = "".join(parser.format_help().split())
    for field in without(kind, ("seed",)):
        option = f"--a-{field.setting.flag or field.name}".replace("_", "-")
        assert option in shown
        assert "".join(field.help.split()) in shown
        if field.kind is bool:
            found = parser.parse_args([option.replace("--", "--no-", 1) if field.default else option])
            assert getattr(settings_of(found, kind(), prefix="a_"), field.name) is not field.default
        elif field.kind is str and not field.choices:
            found = parser.parse_args([option, "mse"])
            assert getattr(settings_of(found, kind(), prefix="a_"), field.name) == "mse"
        else:
            with pytest.raises(UsageError, match=f"{option} is 'none of these'"):
                parser.parse_args([option, "none of these"])


def test_an_example_reads_checks_and_says_what_it_takes() -> None:
    share, count, on, kind, marks = fields_of(Example)
    assert share.help == "Share: as tried (default 0.5)"
    assert (share.expected, count.expected) == ("a number from 0 and below 1", "a whole number of 1 or more, or none")
    assert (kind.expected, on.expected) == ("one of: one, other", "yes or no")
    assert (share.read(" 0.25 "), count.read(""), on.read("No"), marks.read("3, 7")) == (0.25, None, False, (3, 7))
    with pytest.raises(UsageError, match="count is 'many'; expected a whole number of 1 or more, or none; leave"):
        count.read("many")
    with pytest.raises(UsageError, match="there is no setting 'shade'"):
        changed(Example(), shade=1)
    assert changed(Example(), share=0.75).share == 0.75


def test_a_files_table_may_write_whole_numbers_as_it_likes_and_says_what_it_got_wrong() -> None:
    assert settings_from(Example, {"count": 6.0, "share": 0}, where="the recipe has", error=TrainingError).count == 6
    with pytest.raises(TrainingError, match="the recipe has the setting 'shade'; expected one of: share, count"):
        settings_from(Example, {"shade": 1.0}, where="the recipe has", error=TrainingError)
    with pytest.raises(TrainingError, match="the recipe has a setting count that is 0"):
        settings_from(Example, {"count": 0.0}, where="the recipe has", error=TrainingError)


def test_words_stay_where_docstrings_are_thrown_away() -> None:
    code = "from latentstudio.factors.settings import LearnSettings as L\n" \
           "from latentstudio.settings import fields_of\n" \
           "print(all(f.setting.label for f in fields_of(L)), fields_of(L)[0].help, L(starts=9).starts)"
    done = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, text=True, timeout=60, check=True,
                          cwd=ROOT)
    assert done.stdout.startswith("True Starting points: drawn at random")
    assert done.stdout.strip().endswith("9")


def test_an_annotation_of_another_type_is_a_mistake_of_the_program() -> None:
    @dataclass(frozen=True)
    class Odd(Settings):
        where: Annotated[dict, Setting("Where")] = None

    with pytest.raises(TypeError, match="where"):
        fields_of(Odd)


def test_flags_go_into_a_group_of_their_own() -> None:
    parser = argparse.ArgumentParser()
    add_settings(parser, Example, title="an example", elsewhere=("on",))
    assert "an example:" in parser.format_help()
    assert "--number" in parser.format_help()
    assert "--on" not in parser.format_help()
