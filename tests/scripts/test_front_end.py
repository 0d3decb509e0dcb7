"""The front end is built when a source is newer than a bundle, and linked into the JupyterLab of the environment."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest

from scripts import front_end


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout that was never built, with one source of time 100."""
    monkeypatch.setattr(front_end, "SOURCES", tmp_path / "labextension")
    made = tmp_path / "static" / "widget.js", tmp_path / "bundle" / "package.json"
    monkeypatch.setattr(front_end, "_MADE", made)
    monkeypatch.setattr(front_end, "_BUNDLE", tmp_path / "bundle")
    write(tmp_path / "labextension" / "package.json", 100)
    write(tmp_path / "labextension" / "src" / "lab" / "bus.ts", 100)
    return tmp_path


def write(path: Path, time: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}", encoding="utf-8")
    os.utime(path, (time, time))


def write_bundles(checkout: Path, time: int) -> None:
    write(checkout / "static" / "widget.js", time)
    write(checkout / "bundle" / "package.json", time)


def test_the_package_and_the_extension_have_one_version() -> None:
    root = Path(__file__).parents[2]
    package = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    extension = json.loads((root / "labextension" / "package.json").read_text(encoding="utf-8"))["version"]
    assert package == extension


def test_a_checkout_that_was_never_built_needs_building(checkout: Path) -> None:
    assert not front_end.is_built()


def test_a_bundle_of_the_same_time_is_up_to_date_as_in_a_source_archive(checkout: Path) -> None:
    write_bundles(checkout, 100)
    assert front_end.is_built()


@pytest.mark.parametrize("source", ["package-lock.json", "src/lab/new.ts", "style/transcript.css"])
def test_a_newer_source_is_built_again(checkout: Path, source: str) -> None:
    write_bundles(checkout, 150)
    write(checkout / "labextension" / source, 200)
    assert not front_end.is_built()


def test_half_a_build_is_none(checkout: Path) -> None:
    write(checkout / "static" / "widget.js", 200)
    assert not front_end.is_built()


@pytest.mark.parametrize("before", ["nothing", "a copy", "a link elsewhere"])
def test_the_bundle_is_linked_in_place_of_whatever_was_there(checkout: Path, before: str) -> None:
    write_bundles(checkout, 150)
    place = checkout / "env" / "share" / "jupyter" / "labextensions" / front_end.NAME
    if before == "a copy":
        write(place / "package.json", 100)
    elif before == "a link elsewhere":
        place.parent.mkdir(parents=True)
        place.symlink_to(checkout / "gone", target_is_directory=True)
    front_end.link(checkout / "env")
    front_end.link(checkout / "env")
    assert place.resolve() == checkout / "bundle"
    assert (place / "package.json").is_file()
