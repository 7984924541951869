"""What invented records are made of: small lists of words, and chance that is the same every time."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["FIRST_NAMES", "LAST_NAMES", "PLACES", "THINGS", "TRADES", "id_of", "mix", "pick"]

FIRST_NAMES = (
    *("Ada", "Bo", "Cleo", "Dario", "Edda", "Finn", "Gala", "Hugo", "Ines", "Jon"),
    *("Kaya", "Leif", "Mira", "Noor", "Otto", "Pia", "Quinn", "Rafi", "Sena", "Tove"),
)
LAST_NAMES = (
    *("Alder", "Birch", "Cedar", "Dune", "Ember", "Fern", "Grove", "Heath", "Inlet", "Juniper"),
    *("Knoll", "Larch", "Meadow", "Nettle", "Oakley", "Pine", "Quill", "Reed", "Sorrel", "Thistle"),
)
MATERIALS = ["Brass", "Copper", "Cotton", "Glass", "Maple", "Nylon", "Pewter", "Rubber", "Steel", "Walnut"]
KINDS = ["Bolt", "Bracket", "Cable", "Clamp", "Crate", "Filter", "Hinge", "Lamp", "Rope", "Valve"]
THINGS = [f"{material} {kind.lower()}" for material in MATERIALS for kind in KINDS]
TRADES = [
    "Bakery",
    "Boatyard",
    "Chandlers",
    "Foundry",
    "Freight",
    "Joinery",
    "Nursery",
    "Optics",
    "Printing",
    "Repairs",
]
#: City, region, postal code, country: places of a country each, no address in particular.
PLACES: Sequence[tuple[str, str, str, str]] = (
    ("Cairns", "QLD", "4870", "Australia"),
    ("Perth", "WA", "6000", "Australia"),
    ("Dunedin", "OTA", "9016", "New Zealand"),
    ("Leeds", "YSW", "LS1", "United Kingdom"),
    ("Duluth", "MN", "55802", "United States"),
    ("Singapore", "", "018956", "Singapore"),
)

_MASK = 2**64 - 1


def mix(number: int, salt: int) -> int:
    """Return a number of 56 bits that looks like chance and is the same for the same two."""
    found = (number * 0x9E3779B97F4A7C15 + salt * 0xBF58476D1CE4E5B9 + 0x94D049BB133111EB) & _MASK
    return ((found ^ (found >> 32)) * 0xD6E8FEB86659FD93 & _MASK) >> 8


def pick(words: Sequence[str], number: int, salt: int) -> str:
    """Return one of some words."""
    return words[mix(number, salt) % len(words)]


def id_of(salt: int, number: int) -> str:
    """Return the id of a record, in the form of a version-4 UUID."""
    high, low = mix(number, salt), mix(number, salt + 1)
    return (
        f"{high & 0xFFFFFFFF:08x}-{high >> 32 & 0xFFFF:04x}-4{low & 0xFFF:03x}-"
        f"8{low >> 12 & 0xFFF:03x}-{number * 0x9E3779B97F4B & 0xFFFFFFFFFFFF:012x}"
    )
