"""What the hub does where production's behaviour is not known (Connec! API v2, open points)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

__all__ = ["Behaviour"]

Unknown = Literal["refuse", "drop"]
Matching = Literal["all", "any"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One setting for each question that the reference leaves open. The defaults are what published clients rely on.

    Attributes:
        page_cap: The largest ``$top``, and the page where none is asked for.
        batch_cap: Operations that a batch may have.
        default_order: An ``$orderby`` for lists without one; empty: the order of creation.
        wide_filters: ``$filter`` takes ``or``, ``not`` and parentheses; they are a 400 otherwise.
        refuse_plain_ids: A POST with an id as text is a 409, as in the published emulator; the id is ignored
            otherwise.
        matching: Several ``matching_fields`` must ``all`` be equal, or ``any`` of them.
        unknown_references: A reference by an application's own id that leads nowhere: ``refuse`` the record with a
            400, or ``drop`` the reference.
        check_references: Treat a reference by the hub's id that leads nowhere in the same way; it is believed
            otherwise.
        deep_merge: A PUT merges blocks level by level; it replaces them whole otherwise.
        link_back_is_a_change: To give a record an id raises its ``updated_at`` and is notified.
        unique_codes: A ``code`` that another record of the resource has is a 400.
        check_values: A value that was never seen, where few were seen, is a 400.
        compute: Complete prices, totals and names, as production does.
        fill_blocks: A new record shows all of its blocks, and an address all of its places, those that nobody wrote as
            ``{}``; only what was written otherwise.
        default_customers: A new organisation is a customer unless its writer says otherwise.
        delete_deactivates: DELETE sets the status to INACTIVE; it is a 405 otherwise.
        singular_ids: The company is shown with its id.

    Raises:
        ValueError: A value is not of its setting's kind.
    """

    page_cap: int = 100
    batch_cap: int = 50
    default_order: str = ""
    wide_filters: bool = False
    refuse_plain_ids: bool = True
    matching: Matching = "all"
    unknown_references: Unknown = "refuse"
    check_references: bool = False
    deep_merge: bool = False
    link_back_is_a_change: bool = False
    unique_codes: bool = False
    check_values: bool = False
    compute: bool = True
    fill_blocks: bool = True
    default_customers: bool = True
    delete_deactivates: bool = False
    singular_ids: bool = True

    def __post_init__(self) -> None:
        for setting in fields(self):
            value: Any = getattr(self, setting.name)
            if type(value) is not type(setting.default):
                raise ValueError(f"{setting.name} must be of the kind of {setting.default!r}")
        for name, kinds in (("matching", get_args(Matching)), ("unknown_references", get_args(Unknown))):
            if getattr(self, name) not in kinds:
                raise ValueError(f"{name} must be one of {', '.join(kinds)}")
        if self.page_cap < 1 or self.batch_cap < 1:
            raise ValueError("page_cap and batch_cap must be at least 1")
