"""Projects, time, leave, events, sales (Connec! API v2, sections 5.13 and 5.14)."""

from __future__ import annotations

from tests.sandbox.contract.examples.blocks import ADDRESS, ASSIGNEE, Example

__all__ = ["WORK"]

_DAYS = {"start_date": "2018-03-05", "end_date": "2018-03-11"}
_ACTIVITY = {"transaction_date": "2018-03-05", "hours": 7, "minutes": 30, "description": "", "employee_id": "em-1"}

WORK: list[Example] = [
    (
        "5.13",
        "projects",
        {
            "name": "Depot move",
            "description": "",
            "organization_id": "or-1",
            "tasks": [{"id": "t-1", "name": "Survey"}],
        },
    ),
    (
        "5.13",
        "time_sheets",
        {
            "employee_id": "em-1",
            **_DAYS,
            "status": "SUBMITTED",
            "time_sheet_lines": [
                {
                    "id": "l-1",
                    "line_order": 1,
                    "employee_id": "em-1",
                    "project_id": "pr-1",
                    "project_task_id": "t-1",
                    "time_activities": [{"id": "a-1", **_ACTIVITY}],
                }
            ],
        },
    ),
    (
        "5.13",
        "time_activities",
        {**_ACTIVITY, "start_time": "2018-03-05T08:00:00Z", "end_time": "2018-03-05T15:30:00Z"},
    ),
    (
        "5.13",
        "leave_applications",
        {
            "employee_id": "em-1",
            "pay_item_id": "pi-1",
            "title": "Away",
            "description": "",
            **_DAYS,
            "leave_periods": [{"id": "p-1", **_DAYS, "units": 8, "status": "APPROVED"}],
        },
    ),
    ("5.13", "pay_items", {"name": "Annual leave", "type": "LEAVE", "sub_type": "ANNUAL", "show_pay_slip": True}),
    (
        "5.13",
        "pay_schedules",
        {
            "name": "Fortnightly",
            "description": "",
            "schedule_type": "BIWEEKLY",
            "start_date": "2018-01-01",
            "first_week_day": 1,
            "transaction_week_day": 3,
            "shift_assigned_day": 1,
            "first_month_day": 1,
            "transaction_month_day": 15,
            "employees": [{"id": "em-1"}],
        },
    ),
    (
        "5.13",
        "work_locations",
        {
            "name": "Depot",
            "description": "",
            "latitude": -16.9,
            "longitude": 145.7,
            "address": ADDRESS,
            "phone": {"landline": "", "fax": ""},
        },
    ),
    (
        "5.13",
        "events",
        {
            "code": "EV1",
            "name": "Open day",
            "description": "",
            "url": "",
            "status": "LIVE",
            "start_date": "2018-05-01T09:00:00Z",
            "end_date": "2018-05-01T17:00:00Z",
            "capacity": 80,
            "currency": "AUD",
            "ticket_classes": [
                {
                    "id": "t-1",
                    "name": "Adult",
                    "description": "",
                    "quantity_total": 80,
                    "quantity_sold": 5,
                    "minimum_quantity": 1,
                    "maximum_quantity": 4,
                    "sales_start": "2018-04-01T00:00:00Z",
                    "sales_end": "2018-04-30T00:00:00Z",
                    "cost": {"total_amount": 20.0},
                }
            ],
        },
    ),
    (
        "5.13",
        "event_orders",
        {
            "event_id": "ev-1",
            "person_id": "pe-1",
            "attendees": [{"id": "a-1", "person_id": "pe-1", "event_ticket_id": "t-1"}],
        },
    ),
    (
        "5.13",
        "opportunities",
        {
            "code": "POT1",
            "name": "Fleet deal",
            "description": "",
            "type": "New Business",
            "sales_stage": "Qualification",
            "sales_stage_changes": [{"id": "s-1", "status": "Qualification", "created_at": "2018-02-01T00:00:00Z"}],
            "amount": {"total_amount": 9000.0, "currency": "AUD"},
            "probability": 40.0,
            "next_step": "",
            "expected_close_date": "2018-06-30T00:00:00Z",
            "lead_id": "pe-1",
            **ASSIGNEE,
        },
    ),
    ("5.13", "venues", {"name": "Hall"}),
    (
        "5.14",
        "transaction_logs",
        {"entity_id": "em-1", "entity_name": "Employee", "message": "no name", "status": "ERROR"},
    ),
]
