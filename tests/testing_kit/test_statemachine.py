"""The state machine finds bugs that packages of this kind have had."""

from __future__ import annotations

import pytest
from django.db.models import F
from hypothesis import Phase

from django_connec.inbound import apply, chunk
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


def sends_rows_without_their_ids(monkeypatch):
    monkeypatch.setattr(rows.RowsOfRecords, "_id", lambda self, nested, ours: None)


def forgets_removed_rows(monkeypatch):
    encode = rows.RowsOfRecords.encode

    def forget(self, parent, agreement, *, is_update):
        sent = encode(self, parent, agreement, is_update=is_update)
        sent.is_whole = False
        return sent

    monkeypatch.setattr(rows.RowsOfRecords, "encode", forget)


#: Enough that one is found whatever the examples happen to be; mostly it takes some ten.
EXAMPLES = 300
#: Each with the steps of an example: more where what is wrong shows late.
BUGS = {
    clears_without_comparing: 20,
    applying_marks: 40,
    ignores_updated_at: 40,
    posts_without_external_id: 20,
    forgets_what_it_is_about_to_send: 20,
    forgets_what_was_deleted: 20,
}
BUGS_OF_ROWS = {sends_rows_without_their_ids: 20, forgets_removed_rows: 20}


@pytest.mark.parametrize(("plant", "steps"), BUGS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_planted_bug_is_found(plant, steps, monkeypatch):
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        check_convergence(RecordsMachine, phases=[Phase.generate], max_examples=EXAMPLES, stateful_step_count=steps)


@pytest.mark.parametrize(("plant", "steps"), BUGS_OF_ROWS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_planted_bug_of_rows_inside_records_is_found(plant, steps, monkeypatch):
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        check_convergence(RowsMachine, phases=[Phase.generate], max_examples=EXAMPLES, stateful_step_count=steps)
