"""The column that a host adds to the lists of its own models."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.templatetags.admin_list import result_headers, results
from django.contrib.auth.models import User
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from django_connec.admin import ConnecSyncAdminMixin
from django_connec.models import ConnecGroup, Failure
from tests.app.models import Company, Person, PersonProxy


class PersonAdmin(ConnecSyncAdminMixin, admin.ModelAdmin):
    list_display = ("last_name",)
    list_editable = ()
    ordering = ("pk",)


class EditableAdmin(PersonAdmin):
    list_display = ("pk", "connec_status", "last_name")
    list_editable = ("last_name",)
    readonly_fields = ("connec_status",)

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).only("pk", "last_name")


@pytest.fixture
def request_(db: None, rf: RequestFactory) -> Any:
    request = rf.get("/")
    request.user = User.objects.create_superuser("operator")
    return request


def statuses(model: Any, admin_class: Any, request: Any) -> tuple[list[str], int]:
    page = admin_class(model, admin.site)
    with CaptureQueriesContext(connection) as captured:
        response = page.changelist_view(request)
        changelist = response.context_data["cl"]
        # What the template does with the page, whose breadcrumbs ask for a registered model.
        headers = [header["text"] for header in result_headers(changelist)]
        rows = list(results(changelist))
    assert "Connec!" in headers
    assert len(rows) == changelist.result_count
    return [page.connec_status(row) for row in changelist.result_list], len(captured)


@pytest.fixture
def company(group: ConnecGroup) -> Company:
    return Company.objects.create(name="ours", connec_group=group)


@pytest.mark.parametrize("model", [Person, PersonProxy])
@pytest.mark.parametrize("admin_class", [PersonAdmin, EditableAdmin])
def test_where_rows_stand(model: Any, admin_class: Any, group: ConnecGroup, company: Company, request_: Any) -> None:
    in_step, changed, new, refused, unread, plain = (Person.objects.create(company=company) for _ in range(6))
    nobodys = Person.objects.create(company=Company.objects.create(name="nobody's"))
    known = {"connec_group": group, "connec_changed_at": None}
    Person.objects.filter(pk=in_step.pk).update(connec_id="p-1", **known)
    Person.objects.filter(pk=changed.pk).update(connec_id="p-2", connec_group=group)
    Person.objects.filter(pk=unread.pk).update(connec_id="p-3", **known)
    Person.objects.filter(pk=plain.pk).update(**known)
    Failure.objects.create(
        group=group,
        direction="push",
        resource="people",
        model_label="app.person",
        object_id=str(refused.pk),
        message="no",
    )
    Failure.objects.create(group=group, direction="pull", resource="people", object_id="p-3", message="bad date")
    # Another customer's record with the same id is not about these rows.
    other = ConnecGroup.objects.create(uid="cld-2")
    Failure.objects.create(group=other, direction="pull", resource="people", object_id="p-1", message="not ours")
    theirs = Person.objects.create(company=Company.objects.create(name="theirs", connec_group=other))
    Person.objects.filter(pk=theirs.pk).update(connec_id="p-3", connec_group=other, connec_changed_at=None)
    words, _ = statuses(model, admin_class, request_)
    assert dict(
        zip(
            [in_step.pk, changed.pk, new.pk, refused.pk, unread.pk, plain.pk, nobodys.pk, theirs.pk], words, strict=True
        )
    ) == {
        in_step.pk: "in step",
        changed.pk: "waiting to be sent",
        new.pk: "waiting to be sent",
        refused.pk: "failed: no",
        unread.pk: "failed: bad date",
        plain.pk: "not linked",
        nobodys.pk: "not linked",
        theirs.pk: "in step",
    }
    ConnecGroup.objects.update(is_active=False)
    assert set(statuses(model, admin_class, request_)[0]) == {"not linked"}


@pytest.mark.parametrize("admin_class", [PersonAdmin, EditableAdmin])
def test_no_query_a_row(admin_class: Any, company: Company, request_: Any) -> None:
    Person.objects.create(company=company)
    _, one = statuses(Person, admin_class, request_)
    for _number in range(19):
        Person.objects.create(company=company)
    words, twenty = statuses(Person, admin_class, request_)
    assert len(words) == 20
    assert one == twenty


def test_one_row_by_itself(company: Company) -> None:
    page = PersonAdmin(Person, admin.site)
    assert page.connec_status(Person.objects.create(company=company)) == "waiting to be sent"
    assert page.connec_status(Person()) == page.connec_status(None) == "not linked"


def test_a_model_without_a_mapper(group: ConnecGroup, request_: Any) -> None:
    Company.objects.create(name="ours", connec_group=group)

    class CompanyAdmin(ConnecSyncAdminMixin, admin.ModelAdmin):
        pass

    assert statuses(Company, CompanyAdmin, request_)[0] == ["not linked"]
