"""One home with a small untrained model for all tests of the command line, and a way to call it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from latentstudio.cli.main import main
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.places import user_models

MODEL = "example"


@dataclass(frozen=True)
class Answer:
    """What a call of the command line gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The answer: the one JSON value on stdout, or the last line of it; without its provenance."""
        value = json.loads(self.out.splitlines()[-1] if self.out.startswith("{") else self.out)
        value.pop("provenance", None)
        return value

    @property
    def provenance(self) -> Any:
        """Version, seed and hashes that the answer was made with."""
        return json.loads(self.out.splitlines()[-1])["provenance"]

    @property
    def complaint(self) -> str:
        """The one line on stderr."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


class Caller:
    """Calls ``main`` in this process with captured output."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *words: object) -> Answer:
        self._capture.readouterr()
        code = main([str(word) for word in words])
        captured = self._capture.readouterr()
        return Answer(code, captured.out, captured.err)


@pytest.fixture(scope="module")
def cli_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home that holds the model ``example``: a beta-VAE of 5 dimensions with random weights."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENTSTUDIO_HOME", str(folder))
        target = user_models() / MODEL
        target.mkdir(parents=True)
        backend: Any = find_catalogue().backend("beta_vae")
        backend.make_example(target, seed=1)
        yield folder


@pytest.fixture
def cli(cli_home: Path, capsys: pytest.CaptureFixture[str]) -> Caller:
    """The command line in the home with the model ``example``."""
    return Caller(capsys)
