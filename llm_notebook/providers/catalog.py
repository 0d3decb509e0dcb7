"""The models that providers offer, one data file each in `catalogs/`: what each can do, its limits and its price."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["CatalogModel", "catalog"]

_FOLDER = Path(__file__).with_name("catalogs")


@dataclass(slots=True, frozen=True)
class CatalogModel:
    """One model of a provider's.

    Attributes:
        id: the provider's own id of it.
        aliases: other names that it answers to here.
        context: tokens that prompt and answer may have together.
        max_output: tokens that an answer may have.
        price: US dollars per million tokens: `input`, `output` and `cached_input`; None where it is not known.
        supports: what it can do.
    """

    id: str
    aliases: tuple[str, ...] = ()
    context: int | None = None
    max_output: int | None = None
    price: dict[str, float] | None = None
    supports: tuple[str, ...] = ()


def catalog(provider: str) -> list[CatalogModel]:
    """The models in a provider's data file, in its order."""
    models: list[dict[str, Any]] = json.loads((_FOLDER / f"{provider}.json").read_text(encoding="utf-8"))["models"]
    return [
        CatalogModel(
            model["id"],
            tuple(model.get("aliases", ())),
            model.get("context"),
            model.get("max_output"),
            model.get("price"),
            tuple(model.get("supports", ())),
        )
        for model in models
    ]
