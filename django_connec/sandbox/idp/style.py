"""How an identity provider answers, where marketplaces differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["Algorithm", "AnswerStyle"]

Algorithm = Literal["sha1", "sha256"]


@dataclass(frozen=True, slots=True)
class AnswerStyle:
    """What marketplaces may do differently.

    Attributes:
        algorithm: ``sha256``, or ``sha1`` as the SDKs' sandbox has it; for signature and digest.
        issuer: ``None``: the address of the sign-on up to its first ``&``, different each time; else this.
        audience: ``None``: scheme and host of the consume URL and a slash; else this.

    Raises:
        ValueError: There is no such algorithm.
    """

    algorithm: Algorithm = "sha256"
    issuer: str | None = None
    audience: str | None = None

    def __post_init__(self) -> None:
        if self.algorithm not in get_args(Algorithm):
            raise ValueError("algorithm must be sha1 or sha256")
