"""The state machine finds bugs that packages of this kind have had."""

from __future__ import annotations

import pytest
from django.db.models import F
from hypothesis import Phase, seed

from django_connec.inbound import apply, chunk, nested, pairing
from django_connec.models.columns import Columns
from django_connec.outbound import encoding, rows, send
from django_connec.sql import update_rows
from django_connec.testing.statemachine import check_convergence
from django_connec.tracking.clock import next_stamp
from tests.convergence import RecordsMachine, RowsMachine

pytestmark = pytest.mark.django_db(transaction=True)


def clears_without_comparing(monkeypatch):
    def clear(self, mapper, items):
        for item in items:
            item.row.connec_changed_at = None
        update_rows(mapper.model, [item.row for item in items], ("connec_changed_at",), using=self.using)

    monkeypatch.setattr(send.Sender, "_clear", clear)


def applying_marks(monkeypatch):
    def write_chunk(group, mapper, pairs, **options):
        result = chunk.write_chunk(group, mapper, pairs, **options)
        pks = [pk for found in result.outcome.updated_pks.values() for pk in found]
        mapper.model._base_manager.filter(pk__in=pks).update(connec_id=F("connec_id"), connec_changed_at=next_stamp())
        return result

    monkeypatch.setattr(apply, "write_chunk", write_chunk)


def ignores_updated_at(monkeypatch):
    class Blind(Columns):
        hub_updated_at = None

    monkeypatch.setattr(apply, "is_older", lambda item, held: False)
    monkeypatch.setattr(chunk, "Columns", Blind)


def posts_without_external_id(monkeypatch):
    def payload(*arguments):
        return {name: value for name, value in create_payload(*arguments).items() if name != "id"}

    create_payload = encoding._create_payload
    monkeypatch.setattr(encoding, "_create_payload", payload)


def forgets_what_it_is_about_to_send(monkeypatch):
    def prepare(*arguments, **options):
        prepared = encoding.prepare(*arguments, **options)
        for item in prepared:
            item.agreement.sent = {}
        return prepared

    monkeypatch.setattr(send, "prepare", prepare)


def forgets_what_was_deleted(monkeypatch):
    monkeypatch.setattr(apply, "is_buried", lambda grave, item: False)


def pairs_rows_by_position(monkeypatch):
    def pair(nested, rows, incoming):
        both = min(len(rows), len(incoming))
        remote = [(item, item.connec_id or "") for item in incoming[both:]]
        return pairing.Paired(list(zip(rows, incoming, strict=False)), remote, list(rows[both:]))

    monkeypatch.setattr(nested, "pair_rows", pair)


def sends_rows_without_their_ids(monkeypatch):
    monkeypatch.setattr(rows.RowsOfRecords, "_id", lambda self, nested, ours: None)


def forgets_removed_rows(monkeypatch):
    encode = rows.RowsOfRecords.encode

    def forget(self, parent, agreement, *, is_update):
        sent = encode(self, parent, agreement, is_update=is_update)
        sent.is_whole = False
        return sent

    monkeypatch.setattr(rows.RowsOfRecords, "encode", forget)


#: More than any of them takes; with its seed, mostly a few.
EXAMPLES = 300
#: Each with the machine, the steps of an example, and a seed whose examples soon come upon it.
BUGS = [
    (clears_without_comparing, RecordsMachine, 20, 4),
    (applying_marks, RecordsMachine, 20, 10),
    (ignores_updated_at, RecordsMachine, 40, 2),
    (posts_without_external_id, RecordsMachine, 20, 7),
    (forgets_what_it_is_about_to_send, RecordsMachine, 20, 7),
    (forgets_what_was_deleted, RecordsMachine, 20, 4),
    (pairs_rows_by_position, RowsMachine, 40, 2),
    (sends_rows_without_their_ids, RowsMachine, 20, 2),
    (forgets_removed_rows, RowsMachine, 20, 7),
]


@pytest.mark.parametrize(("plant", "machine", "steps", "number"), BUGS, ids=[bug[0].__name__ for bug in BUGS])
def test_planted_bug_is_found(plant, machine, steps, number, monkeypatch):
    plant(monkeypatch)
    seeded = seed(number)(type("Seeded", (machine,), {}))
    with pytest.raises(AssertionError):
        check_convergence(seeded, phases=[Phase.generate], max_examples=EXAMPLES, stateful_step_count=steps)
