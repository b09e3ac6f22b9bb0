"""Plain sessions for the document's tests."""

from __future__ import annotations

import numpy as np
import pytest

from latentstudio.document.session import Session
from latentstudio.document.view import View
from latentstudio.generators.card import ModelCard
from latentstudio.latents import LatentSpace


@pytest.fixture
def card() -> ModelCard:
    """A model of 10 coordinates."""
    return ModelCard(
        name="toy", backend="toy", spaces=(LatentSpace("z", (10,)),), weights_sha256="ab" * 32
    )


@pytest.fixture
def view(card: ModelCard) -> View:
    """A view with awkward numbers in its latent."""
    latent = np.array([0.1, -1 / 3, 1e-38, -0.0, 3.4e38, 1, 2, 3, np.pi, -1e-45], dtype=np.float32)
    return View.start(card, latent, 7).with_position("x", 8.0).with_position("scale", 0.1)


@pytest.fixture
def session(view: View) -> Session:
    """A session of that one view."""
    return Session((view,))
