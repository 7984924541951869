"""The sandbox's own controls, ``/_sandbox/…``: for a demonstration in another process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from django_connec.sandbox.accounts.controls import PEOPLE_CONTROLS, act
from django_connec.sandbox.catalogue import COLLECTIONS, SINGULAR
from django_connec.sandbox.faults import Fault
from django_connec.sandbox.messages import Response, error_response
from django_connec.sandbox.openapi import document
from django_connec.sandbox.records import Refused

if TYPE_CHECKING:
    from django_connec.sandbox.hub import SandboxHub

__all__ = ["Controls"]

Content = dict[str, Any]


class Controls:
    """What each control does to a hub. They need no authentication."""

    def __init__(self, hub: SandboxHub) -> None:
        self.hub = hub
        self._without_content: dict[tuple[str, str], Callable[[], Content | None]] = {
            ("GET", "log"): self._log,
            ("DELETE", "log"): hub.clear_log,
            ("GET", "faults"): lambda: {"faults": [asdict(fault) for fault in hub.faults.remaining()]},
            ("DELETE", "faults"): hub.faults.clear,
            ("GET", "behaviour"): lambda: asdict(hub.behaviour),
            ("GET", "openapi.json"): document,
            ("POST", "flush"): lambda: {"done": hub.flush()},
        }
        self._posted: dict[str, Callable[[Content], Content | None]] = {
            "faults": self._set_fault,
            "revoke": self._revoke,
            "redeliver": lambda content: asdict(hub.redeliver(int(content["number"]))),
            "behaviour": self._behave,
            "subscribe": self._subscribe,
            "seed": self._seed,
            "records": lambda content: {"records": hub.records(*self._place(content), external_ids=True)},
            "load": self._load,
            "merge": self._merge,
            "create": lambda content: hub.create(*self._place(content), **content["attributes"]),
            "update": self._update,
        } | {name: partial(act, hub, name) for name in PEOPLE_CONTROLS}

    def answer(self, method: str, path: str, content: Any) -> Response | None:
        """Do what a control is asked to do; ``None``: there is no such control."""
        name = path.removeprefix("/_sandbox/")
        if (method, name) in self._without_content:
            return Response(200, self._without_content[method, name]() or {})
        if method != "POST" or name not in self._posted:
            return None
        if not isinstance(content, dict):
            return error_response(400, "A control takes a JSON object")
        try:
            return Response(200, self._posted[name](content) or {})
        except Refused as error:
            return error_response(error.status, error.title)
        except (LookupError, TypeError, ValueError) as error:
            return error_response(400, f"{type(error).__name__}: {error}")

    def _set_fault(self, content: Content) -> None:
        self.hub.faults.add(Fault(**content))

    def _revoke(self, content: Content) -> None:
        self.hub.revoke(str(content["group"]))

    def _log(self) -> Content:
        calls = [asdict(call) for call in list(self.hub.calls)]
        notices = [asdict(notice) for notice in list(self.hub.notices.log)]
        deliveries = [asdict(delivery) for delivery in self.hub.deliveries]
        return {"calls": calls, "deliveries": deliveries, "notices": notices}

    def _place(self, content: Content) -> tuple[str, str]:
        org, resource = content["org"], content["resource"]
        if not isinstance(org, str) or resource not in COLLECTIONS | SINGULAR:
            raise ValueError("org must be a text, and resource one that the hub knows")
        return org, resource

    def _behave(self, content: Content) -> Content:
        self.hub.behaviour = replace(self.hub.behaviour, **content)
        return asdict(self.hub.behaviour)

    def _subscribe(self, content: Content) -> None:
        resources = content.get("resources")
        if resources is not None and not isinstance(resources, list):
            raise ValueError("resources must be a list, or null for all")
        self.hub.subscribe(str(content["api_id"]), resources)

    def _seed(self, content: Content) -> Content:
        org, size = content["org"], content.get("size", "small")
        if not isinstance(org, str):
            raise ValueError("org must be a text")
        return {"loaded": sum(self.hub.seed(org, size).values())}

    def _load(self, content: Content) -> Content:
        records = content["records"]
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise ValueError("records must be a list of objects")
        return {"loaded": self.hub.load(*self._place(content), records, notify=content.get("notify") is True)}

    def _merge(self, content: Content) -> None:
        self.hub.merge(*self._place(content), str(content["keeper"]), str(content["loser"]))

    def _update(self, content: Content) -> Content:
        return self.hub.update(*self._place(content), str(content["id"]), **content["attributes"])
