"""Training pictures from folders, Fashion-MNIST's files, sprites and samples; what is unfit is told or refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentstudio.errors import AddOnError, TrainingError, UnknownNameError
from latentstudio.files import sha256_of
from latentstudio.places import data_folder
from latentstudio.training import datasets
from latentstudio.training.datasets import DataSet, data_set, data_set_folder, fetch_data_set, read_idx
from latentstudio.training.pictures import PictureSet
from latentstudio.training.sources import Wanted, fit_square, read_data, read_folder

WANTED = Wanted(16, 3)


def pictures_of(steps) -> PictureSet:
    found = [step.pictures for step in steps if step.pictures is not None]
    assert len(found) == 1
    return found[0]


def write_pictures(folder: Path, count: int, size: tuple[int, int] = (20, 16), mode: str = "RGB") -> None:
    folder.mkdir(exist_ok=True)
    source = np.random.default_rng(count)
    for index in range(count):
        pixels = source.integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
        Image.fromarray(pixels).convert(mode).save(folder / f"{mode}-{index:04d}.png")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no pictures"):
        list(read_folder(tmp_path, WANTED))


def test_a_folder_of_text_files_is_refused(tmp_path: Path) -> None:
    for index in range(20):
        (tmp_path / f"{index}.txt").write_text("words")
    with pytest.raises(TrainingError, match="holds no pictures"):
        list(read_folder(tmp_path, WANTED))


def test_text_under_picture_names_is_refused(tmp_path: Path) -> None:
    for index in range(20):
        (tmp_path / f"{index}.png").write_text("words")
    with pytest.raises(TrainingError, match=r"none of the 20 files.*0.png"):
        list(read_folder(tmp_path, WANTED))


def test_three_pictures_are_too_few(tmp_path: Path) -> None:
    write_pictures(tmp_path, 3)
    with pytest.raises(TrainingError, match="holds 3 pictures; expected at least 16"):
        list(read_folder(tmp_path, WANTED))


def test_sizes_and_modes_may_be_mixed(tmp_path: Path) -> None:
    for mode, size in (("RGB", (40, 30)), ("L", (16, 16)), ("P", (9, 31)), ("1", (50, 50)), ("RGBA", (20, 64))):
        write_pictures(tmp_path, 5, size, mode)
    found = pictures_of(read_folder(tmp_path, WANTED))
    assert found.training.shape[1:] == (3, 16, 16)
    assert len(found.training) + len(found.held_out) == 25
    assert found.notes == ()


def test_one_unreadable_file_among_a_thousand_is_counted_and_named(tmp_path: Path) -> None:
    write_pictures(tmp_path, 999, (8, 8))
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    found = pictures_of(read_folder(tmp_path, WANTED))
    assert len(found.training) + len(found.held_out) == 999
    assert "1 of 1000 files were skipped: broken.jpg" in found.notes[0]


def test_the_middle_square_is_taken() -> None:
    picture = np.zeros((10, 30, 3), dtype=np.uint8)
    picture[:, 10:20] = 200
    assert (fit_square(picture, Wanted(10, 3)) == 200).all()
    assert fit_square(picture, Wanted(5, 1)).shape == (1, 5, 5)


def test_batches_depend_on_seed_and_step_alone() -> None:
    source = np.random.default_rng(0)
    found = PictureSet(source.integers(0, 256, (40, 1, 4, 4)).astype(np.uint8), np.zeros((1, 1, 4, 4), np.uint8))
    one, again, other = (found.batch(8, data_seed=seed) for seed in (0, 0, 1))
    assert (one(5) == again(5)).all()
    assert not (one(5) == one(6)).all()
    assert not (one(5) == other(5)).all()
    assert float(one(5).max()) <= 1.0


def test_the_fingerprint_follows_the_content() -> None:
    pictures = np.zeros((40, 1, 4, 4), np.uint8)
    changed = pictures.copy()
    changed[39] = 1
    first = PictureSet(pictures, pictures[:1]).fingerprint
    assert first == PictureSet(pictures.copy(), pictures[:1]).fingerprint
    assert first != PictureSet(changed, pictures[:1]).fingerprint
    assert first != PictureSet(pictures[:39], pictures[:1]).fingerprint


def write_idx(path: Path, values: np.ndarray) -> None:
    header = bytes([0, 0, 8, values.ndim]) + b"".join(side.to_bytes(4, "big") for side in values.shape)
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes()))


@pytest.fixture
def small_fashion(home: Path) -> Path:
    folder = data_folder() / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    source = np.random.default_rng(1)
    for part, count in (("train", 40), ("t10k", 20)):
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", source.integers(0, 256, (count, 28, 28)))
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", source.integers(0, 10, count))
    return folder


def test_fashion_mnist_is_padded_to_32(small_fashion: Path) -> None:
    found = pictures_of(read_data("fashion-mnist", Wanted(32, 1)))
    assert found.training.shape == (40, 1, 32, 32)
    assert found.held_out.shape == (20, 1, 32, 32)
    assert found.training[:, :, :2].max() == 0
    assert found.training[:, :, 2:30, 2:30].max() > 0
    assert found.labels is not None
    assert found.labels.shape == (40,)


def test_a_broken_data_file_says_what_to_do(small_fashion: Path) -> None:
    (small_fashion / "train-images-idx3-ubyte.gz").write_bytes(b"nothing")
    with pytest.raises(TrainingError, match="fetch the data set again"):
        list(read_data("fashion-mnist", Wanted(32, 1)))


def test_fashion_mnist_that_is_not_there_says_how_to_get_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latentstudio.training.sources.data_set_folder", lambda found: None)
    with pytest.raises(TrainingError, match="models get fashion-mnist"):
        list(read_data("fashion-mnist", Wanted(32, 1)))


def test_unknown_data_is_named(home: Path) -> None:
    with pytest.raises(UnknownNameError, match="'dreams'"):
        list(read_data("dreams", WANTED))
    with pytest.raises(UnknownNameError, match="no data set 'dreams'"):
        data_set("dreams")


def test_sprites_have_one_size(home: Path) -> None:
    with pytest.raises(TrainingError, match="side = 64"):
        list(read_data("sprites", Wanted(32, 1, count=32)))
    assert pictures_of(read_data("sprites", Wanted(64, 1, count=64))).training.shape[1:] == (1, 64, 64)


def test_samples_are_drawn_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latentstudio.training.sources.HELD_OUT", 8)
    wanted = Wanted(32, 1, count=24)
    first = list(read_data("samples:sprites-b10", wanted))
    again = list(read_data("samples:sprites-b10", wanted))
    assert len(first) > 1
    assert len(again) == 1, "they come from the cache"
    one, other = first[-1].pictures, again[-1].pictures
    assert one is not None
    assert other is not None
    assert (one.training == other.training).all()
    assert one.training.shape == (24, 1, 32, 32)
    assert one.held_out.shape == (8, 1, 32, 32)


def debian_package(folder: Path, members: dict[str, bytes]) -> Path:
    import io
    import tarfile

    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:xz") as archive:
        for name, content in members.items():
            facts = tarfile.TarInfo(name)
            facts.size = len(content)
            archive.addfile(facts, io.BytesIO(content))
    data = stream.getvalue()
    package = folder / "package.deb"
    parts = b"!<arch>\n"
    for name, content in ((b"debian-binary", b"2.0\n"), (b"data.tar.xz", data)):
        parts += name.ljust(16) + b"0".ljust(32) + str(len(content)).encode().ljust(10) + b"`\n" + content
        parts += b"\n" * (len(content) % 2)
    package.write_bytes(parts)
    return package


def small_data_set(package: Path, **more: object) -> DataSet:
    told: dict = {"name": "fashion-mnist", "title": "small", "licence": "MIT", "licence_text": "text",
                  "url": package.as_uri(), "sha256": sha256_of(package), "bytes": package.stat().st_size,
                  "members": ("a.gz", "b.gz"), "debian_folder": "/nowhere", **more}
    return DataSet(**told)


def test_a_package_is_fetched_checked_and_unpacked(home: Path, tmp_path: Path) -> None:
    package = debian_package(tmp_path, {"./usr/share/x/a.gz": b"1", "./usr/share/x/b.gz": b"2", "./etc/c": b"3"})
    found = small_data_set(package)
    assert data_set_folder(found) is None
    list(fetch_data_set(found))
    folder = data_set_folder(found)
    assert folder is not None
    assert sorted(path.name for path in folder.iterdir()) == ["LICENCE.txt", "a.gz", "b.gz"]
    assert (folder / "b.gz").read_bytes() == b"2"


@pytest.mark.parametrize(("more", "words"), [
    ({"sha256": "0" * 64}, "SHA-256"), ({"members": ("z.gz",)}, "holds no z.gz"), ({"url": "file:///none"}, "fetched"),
])
def test_a_package_that_is_not_as_described_leaves_nothing(home, tmp_path, more, words) -> None:
    package = debian_package(tmp_path, {"./usr/share/x/a.gz": b"1"})
    with pytest.raises(AddOnError, match=words):
        list(fetch_data_set(small_data_set(package, **more)))
    assert not list((data_folder() / "datasets").iterdir())


def test_idx_files_are_read_with_their_shape(tmp_path: Path) -> None:
    values = np.arange(24).reshape(2, 3, 4)
    write_idx(tmp_path / "v.gz", values)
    assert (read_idx(tmp_path / "v.gz") == values).all()
    assert datasets.data_set_names() == ("fashion-mnist",)


@pytest.mark.parametrize("sign", ["card.json", "checkpoint.safetensors", "log.jsonl", "recipe.toml"])
def test_what_runs_and_models_below_the_data_drew_is_no_data(tmp_path: Path, sign: str) -> None:
    for number in range(20):
        Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(tmp_path / f"{number}.png")
    run = tmp_path / "deep" / "run"
    (run / "more").mkdir(parents=True)
    (run / sign).write_text("{}")
    for name in ("samples.png", "held_out.png", "more/samples.png"):
        Image.fromarray(np.full((8, 8, 3), 255, np.uint8)).save(run / name)
    (tmp_path / sign).write_text("{}")  # beside the pictures themselves it says nothing
    *_, last = read_folder(tmp_path, Wanted(8, 3))
    assert last.pictures is not None
    assert max(int(one.max()) for one in (last.pictures.training, last.pictures.held_out)) == 19
