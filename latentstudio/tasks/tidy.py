"""What killed processes left half done in the user's own folders goes at the next start."""

from __future__ import annotations

from collections.abc import Iterator

from latentstudio.files import remove_left_over
from latentstudio.places import own_folders
from latentstudio.steps import Step


def tidy_steps() -> Iterator[Step]:
    """Look through the folders of this user, one a step."""
    folders = own_folders()
    for number, folder in enumerate(folders, 1):
        yield Step(number / len(folders), metrics={"removed": remove_left_over(folder)})
