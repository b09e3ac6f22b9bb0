"""Maps of a model whose pictures are linear in its latents, and the files they are written to."""

from __future__ import annotations

import csv
import io
from xml.etree import ElementTree

import numpy as np
import pytest

from latentstudio import pixels
from latentstudio.errors import StorageError, UsageError
from latentstudio.factors.map_files import as_picture, write_map
from latentstudio.factors.map_sheet import map_sheet, ramp_colour
from latentstudio.factors.mapping import line_steps, map_steps, reduced
from latentstudio.latents import sample_prior
from tests.factors.map_parts import LinearModel, line_factor


def drawn(model=None, factors=(), **options):
    """The map, and all steps."""
    steps = list(map_steps(model or LinearModel(), factors, **options))
    return steps[-1].data, steps


def test_a_map_of_z_projects_the_latents_of_consecutive_seeds():
    model = LinearModel()
    data, steps = drawn(model, space="z", count=800, seed=40)
    assert model.drawn == 0
    assert data.seeds.tolist() == list(range(40, 840))
    assert np.array_equal(data.latents[7], sample_prior(model.card.spaces[0], count=1, seed=47)[0])
    assert data.cloud == pytest.approx(data.place(data.latents))
    assert data.cloud.shape == (800, 4)
    assert data.cloud.std(axis=0) == pytest.approx(np.ones(4), rel=0.12)
    assert float(data.components.explained.sum()) == pytest.approx(1.0, abs=1e-5)
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_a_map_of_pictures_finds_the_plane_of_the_two_coordinates_that_are_seen():
    model = LinearModel()
    data, steps = drawn(model, space="images", count=600)
    assert model.drawn == 600
    assert data.explained(1, 2) == pytest.approx((0.8, 0.2), abs=0.03)
    assert abs(np.corrcoef(data.cloud[:, 0], data.latents[:, 0])[0, 1]) > 0.999
    assert abs(np.corrcoef(data.cloud[:, 1], data.latents[:, 1])[0, 1]) > 0.999
    # half of the pixels change by a tenth: the root mean square over all is a tenth by the square root of two
    assert data.cloud[:, 0].std() == pytest.approx(0.1 / 2**0.5, rel=0.06)
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)


def test_pictures_and_latents_are_placed_where_their_samples_stand():
    model = LinearModel()
    data, _ = drawn(model, space="images", count=50)
    pictures = pixels.to_bytes(model.pictures(data.latents[:5]))
    assert data.place(data.latents[:5], pictures) == pytest.approx(data.cloud[:5], abs=1e-6)
    with pytest.raises(UsageError, match="given latents"):
        data.place(data.latents[:5])
    with pytest.raises(UsageError, match="pictures of 48 numbers"):
        data.place(data.latents[:1], np.zeros((1, 4, 4, 3), np.uint8))


def test_a_thumbnail_stands_where_its_large_picture_does():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 96, 200, 3)).astype(np.uint8)
    assert np.array_equal(reduced(pictures), reduced(pixels.shrink(pictures, 64)))
    assert reduced(pictures).shape == (2, 12 * 25 * 3)
    small = pictures[:, :20, :30]
    assert np.array_equal(reduced(small), small.reshape(2, -1))


def test_trajectories_are_placed_and_may_be_changed_afterwards():
    model = LinearModel()
    for space in ("z", "images"):
        data, _ = drawn(model, [line_factor(0), line_factor(1, name="y", evidence=False)], space=space, count=100)
        assert [line.trajectory.factor for line in data.lines] == ["x", "x"]
        first = data.lines[0]
        pictures = pixels.to_bytes(model.pictures(first.trajectory.latents))
        assert first.points == pytest.approx(data.place(first.trajectory.latents, pictures), abs=1e-6)
        other = list(line_steps(model, data, [line_factor(1, name="y")]))[-1].data
        assert [line.trajectory.factor for line in other.lines] == ["y", "y"]
        assert other.cloud is data.cloud
        assert list(line_steps(model, data, []))[-1].data.lines == ()


def test_a_slow_model_gets_a_map_of_fewer_samples(monkeypatch):
    clock = iter(np.arange(0.0, 1000.0, 0.5))
    monkeypatch.setattr("latentstudio.factors.mapping.time.perf_counter", lambda: float(next(clock)))
    model = LinearModel()
    data, _ = drawn(model, space="images", count=500, seconds=3.0)
    assert 11 <= len(data.cloud) < 500
    assert len(data.cloud) == len(data.latents) == len(data.seeds) == model.drawn


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"count": 0}, "count is 0; expected a whole number from 3 to 20,000"),
        ({"count": 20_001}, "count is 20001"),
        ({"space": "w"}, "space is 'w'; expected one of: z, images"),
    ],
)
def test_what_cannot_be_mapped_is_refused_before_anything_is_drawn(options, said):
    with pytest.raises(UsageError, match=said):
        map_steps(LinearModel(), **options)


@pytest.mark.parametrize("pair", [(1, 1), (0, 2), (1, 5)])
def test_components_must_be_two_that_exist(pair, tmp_path):
    data, _ = drawn(count=20)
    with pytest.raises(UsageError, match=f"{pair[0]}x{pair[1]}; expected two different ones from 1 to 4"):
        write_map(tmp_path / "map.svg", data, components=pair)
    assert list(tmp_path.iterdir()) == []


def test_the_table_holds_every_point(tmp_path):
    data, _ = drawn(factors=[line_factor(0)], count=30, seed=5)
    write_map(tmp_path / "map.csv", data, components=(2, 1))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "map.csv").read_text())))
    assert list(rows[0]) == ["kind", "factor", "start", "t", "unit", "seed", "c2", "c1"]
    samples = [row for row in rows if row["kind"] == "sample"]
    ways = [row for row in rows if row["kind"] == "trajectory"]
    assert [int(row["seed"]) for row in samples] == list(range(5, 35))
    assert [float(row["c1"]) for row in samples] == pytest.approx(data.cloud[:, 0], rel=1e-4)
    assert [(row["factor"], row["start"], float(row["t"]), row["unit"]) for row in ways[:2]] == [
        ("x", "0", -2.0, "px"), ("x", "0", -1.0, "px")
    ]
    assert len(ways) == 9


def test_the_drawing_has_axes_cloud_trajectories_and_a_legend(tmp_path):
    data, _ = drawn(factors=[line_factor(0)], count=30)
    write_map(tmp_path / "map.svg", data)
    root = ElementTree.parse(tmp_path / "map.svg").getroot()
    space = "{http://www.w3.org/2000/svg}"
    words = [element.text for element in root.iter(f"{space}text")]
    assert "x, 2 trajectories" in words
    assert "t from −2.0 px to +2.0 px" in words
    assert any(word.startswith("component 1 (") for word in words)
    ways = [element.attrib for element in root.iter(f"{space}path")]
    assert sum(way["d"].count("h0") for way in ways if way["stroke"] == "#8b93a1") == 30
    for way in ways:
        numbers = [float(number) for number in way["d"].replace("M", " ").replace("L", " ").replace("h0", " ").split()]
        assert 0 <= min(numbers[::2]) <= max(numbers[::2]) <= 960
        assert 0 <= min(numbers[1::2]) <= max(numbers[1::2]) <= 720


def test_the_picture_shows_the_cloud_where_the_sheet_puts_it(tmp_path):
    data, _ = drawn(factors=[line_factor(0)], count=12)
    sheet = map_sheet(data)
    picture = as_picture(sheet)
    assert picture.shape == (1440, 960 * 2, 3)
    x, y = sheet_cloud(sheet)[0]
    assert picture[round(2 * y), round(2 * x)].max() < 230
    write_map(tmp_path / "map.png", data)
    assert np.array_equal(pixels.read_picture(tmp_path / "map.png"), picture)


def sheet_cloud(sheet):
    """Where the samples stand on a sheet."""
    return next(shape.points for shape in sheet.shapes if getattr(shape, "radius", 0) == 1.6)


def test_colours_run_from_one_end_over_the_middle_to_the_other():
    assert ramp_colour(0.0, "#0000ff", "#808080", "#ff0000") == "#808080"
    assert ramp_colour(-1.0, "#0000ff", "#808080", "#ff0000") == "#0000ff"
    assert ramp_colour(7.0, "#0000ff", "#808080", "#ff0000") == "#ff0000"


def test_a_map_goes_to_no_other_kind_of_file_and_says_when_it_cannot_be_written(tmp_path):
    data, _ = drawn(count=20)
    with pytest.raises(UsageError, match=r"map\.pdf is no kind of file .* \.svg, \.csv, \.png"):
        write_map(tmp_path / "map.pdf", data)
    (tmp_path / "taken.svg").mkdir()
    with pytest.raises(StorageError, match="a folder is in the way"):
        write_map(tmp_path / "taken.svg", data)
