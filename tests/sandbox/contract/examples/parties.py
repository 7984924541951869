"""Who takes part (Connec! API v2, sections 5.4, 5.5, 5.6, 5.9 and 5.13)."""

from __future__ import annotations

from typing import Any

from tests.sandbox.contract.examples.blocks import ADDRESS, ASSIGNEE, EMAIL, PHONE, ROLES, Example

__all__ = ["PARTIES"]

_PERSON: dict[str, Any] = {
    "code": "PE192",
    "status": "ACTIVE",
    "title": "Ms.",
    "first_name": "Ines",
    "last_name": "Okafor",
    "job_title": "CFO",
    "birth_date": "1984-06-07T00:00:00Z",
    "description": "",
    "organization_id": "or-1",
    "company_name": "Pelican Freight",
    **ROLES,
    "address_work": ADDRESS,
    "address_home": {"billing": {}, "billing2": {}, "shipping": {}, "shipping2": {}},
    "email": EMAIL,
    "website": {"url": "https://pelican.example"},
    "phone_work": PHONE,
    "phone_home": {},
    "contact_channel": {"skype": "pelican.freight"},
    "lead_status": "Open - Not Contacted",
    "lead_source": "Web",
    "lead_status_changes": [{"id": "c-1", "status": "Open - Not Contacted", "created_at": "2018-02-01T00:00:00Z"}],
    "lead_conversion_date": "2018-02-20T00:00:00Z",
    "referred_leads": [],
    "opportunities": [],
    "notes": [{"id": "n-1", "description": "prefers email", "tag": "acme-books"}],
    "tasks": [],
    **ASSIGNEE,
}
_PERSONAL = {"first_name": "Ines", "last_name": "Okafor", "email": EMAIL}

PARTIES: list[Example] = [
    (
        "5.4",
        "company",
        {
            "name": "Pelican Freight Pty Ltd",
            "timezone": "+10:00",
            "currency": "AUD",
            "tax_number": "51 000 000 000",
            "employer_id": "E-77",
            "industry": "Logistics",
            "note": "",
            "email": EMAIL,
            "address": ADDRESS,
            "website": {"url": "https://pelican.example"},
            "phone": PHONE,
            "logo": {"logo": "https://cdn.example/l.png"},
        },
    ),
    (
        "5.5",
        "organizations",
        {
            "code": "OR3",
            "reference": "PEL",
            "name": "Pelican Freight",
            "description": "",
            "status": "ACTIVE",
            "industry": "Logistics",
            "annual_revenue": 1200000.0,
            "capital": 50000,
            "number_of_employees": 42,
            **ROLES,
            "referred_leads": [],
            "address": ADDRESS,
            "email": {},
            "website": {"url": "pelican.example"},
            "phone": PHONE,
            "contact_channel": {"skype": "pelican.freight"},
            **ASSIGNEE,
        },
    ),
    ("5.6", "people", _PERSON),
    ("5.6", "contacts", {"name": "Ines Okafor", "is_person": True, **_PERSON}),
    (
        "5.9",
        "employees",
        {
            "code": "EM2",
            "employee_id": "E-204",
            "first_name": "Tomas",
            "last_name": "Brandt",
            "full_name": "Tomas Brandt",
            "gender": "M",
            "birth_date": "1990-02-11",
            "social_security_number": "***-**-1234",
            "job_title": "Driver",
            "hired_date": "2017-05-01",
            "released_date": None,
            "note": "",
            "address": ADDRESS,
            "phone": PHONE,
            "email": EMAIL,
            "work_locations": [{"id": "w-1", "work_location_id": "wl-1"}],
            "employee_salaries": [
                {
                    "id": "s-1",
                    "name": "Base",
                    "type": "SALARY",
                    "frequency": "MONTHLY",
                    "annual_salary": 61000,
                    "hourly_rate": None,
                    "hours_per_week": 38,
                    "currency": "AUD",
                }
            ],
        },
    ),
    (
        "5.13",
        "app_users",
        {
            "code": "US3",
            "mno_user_id": "usr-1",
            **_PERSONAL,
            "role": "Admin",
            "is_admin": True,
            "address_work": ADDRESS,
            "address_home": ADDRESS,
            "phone_work": PHONE,
            "phone_home": {},
            "teams": [{"id": "te-1"}],
        },
    ),
    ("5.13", "teams", {"name": "East", "description": "", "members": [{"id": "us-1"}]}),
]
