"""Sales, projects, time, pay and events (Connec! API v2, projects, time, leave, events, others)."""

from __future__ import annotations

from django_connec.sandbox.layouts.fields import (
    ACTIVE,
    ADDRESS,
    BOOLEAN,
    DATE,
    INTEGER,
    MOMENT,
    NUMBER,
    PHONE,
    REFERENCE,
    SUM,
    TEXT,
    Layout,
    block,
    choice,
    rows,
)

__all__ = ["WORK"]

_PERIOD: Layout = {"start_date": DATE, "end_date": DATE}
_ACTIVITY: Layout = {
    "employee_id": REFERENCE,
    "transaction_date": DATE,
    "hours": INTEGER,
    "minutes": INTEGER,
    "description": TEXT,
}

WORK: dict[str, Layout] = {
    "opportunities": {
        "name": TEXT,
        "description": TEXT,
        "type": TEXT,
        "sales_stage": TEXT,
        "sales_stage_changes": rows({"status": TEXT, "created_at": MOMENT}),
        "amount": SUM,
        "probability": NUMBER,
        "next_step": TEXT,
        "expected_close_date": MOMENT,
        "lead_id": REFERENCE,
        "assignee_id": REFERENCE,
        "assignee_type": choice("AppUser", "Entity::AppUser"),
    },
    "projects": {
        "name": TEXT,
        "description": TEXT,
        "status": ACTIVE,
        "organization_id": REFERENCE,
        "tasks": rows({"name": TEXT}),
    },
    "time_sheets": {
        "employee_id": REFERENCE,
        **_PERIOD,
        "status": choice("DRAFT", "SUBMITTED", "APPROVED", "PROCESSED", "REJECTED"),
        "time_sheet_lines": rows(
            {
                "line_order": INTEGER,
                "employee_id": REFERENCE,
                "project_id": REFERENCE,
                "project_task_id": TEXT,
                "time_activities": rows(_ACTIVITY),
            }
        ),
    },
    "time_activities": {**_ACTIVITY, "status": ACTIVE, "start_time": MOMENT, "end_time": MOMENT},
    "leave_applications": {
        "employee_id": REFERENCE,
        "pay_item_id": REFERENCE,
        "title": TEXT,
        "description": TEXT,
        "status": ACTIVE,
        **_PERIOD,
        "leave_periods": rows({**_PERIOD, "units": NUMBER, "status": TEXT}),
    },
    "pay_items": {
        "name": TEXT,
        "type": choice("LEAVE", "TIMEOFF", "REIMBURSEMENT", "DEDUCTION", "BENEFIT", "EARNINGS"),
        "sub_type": TEXT,
        "category": choice("UNPAID"),
        "status": ACTIVE,
        "show_pay_slip": BOOLEAN,
    },
    "pay_schedules": {
        "name": TEXT,
        "description": TEXT,
        "status": ACTIVE,
        "schedule_type": choice("WEEKLY", "BIWEEKLY", "SEMIMONTHLY", "MONTHLY"),
        "start_date": DATE,
        **dict.fromkeys(
            (
                "first_week_day",
                "transaction_week_day",
                "shift_assigned_day",
                "first_month_day",
                "transaction_month_day",
            ),
            INTEGER,
        ),
        "employees": rows({}),
    },
    # Their content was never seen.
    "pay_runs": {"status": ACTIVE, "pay_schedule_id": REFERENCE, **_PERIOD, "transaction_date": DATE},
    "pay_stubs": {
        "status": ACTIVE,
        "pay_run_id": REFERENCE,
        "employee_id": REFERENCE,
        "transaction_date": DATE,
        "amount": SUM,
    },
    "work_locations": {
        "name": TEXT,
        "description": TEXT,
        "status": ACTIVE,
        "latitude": NUMBER,
        "longitude": NUMBER,
        "address": ADDRESS,
        "phone": PHONE,
    },
    "events": {
        "name": TEXT,
        "description": TEXT,
        "url": TEXT,
        "status": choice("DRAFT", "LIVE", "COMPLETED"),
        "start_date": MOMENT,
        "end_date": MOMENT,
        "capacity": INTEGER,
        "currency": TEXT,
        "venue_id": REFERENCE,
        "ticket_classes": rows(
            {
                "name": TEXT,
                "description": TEXT,
                **dict.fromkeys(("quantity_total", "quantity_sold", "minimum_quantity", "maximum_quantity"), INTEGER),
                "sales_start": MOMENT,
                "sales_end": MOMENT,
                "cost": block({"total_amount": NUMBER}),
            }
        ),
    },
    "venues": {"name": TEXT, "status": ACTIVE},
    "event_orders": {
        "event_id": REFERENCE,
        "person_id": REFERENCE,
        "status": ACTIVE,
        "attendees": rows({"person_id": REFERENCE, "event_ticket_id": TEXT}),
    },
    "transaction_logs": {"entity_id": TEXT, "entity_name": TEXT, "message": TEXT, "status": choice("ERROR")},
    # Its content was never seen.
    "connector_syncs": {"status": TEXT, "message": TEXT},
}
