"""Invented records in the hub's own layout, with every oddity that real ones were seen with.

Nothing is random: the same call gives the same records. What is odd here is odd on purpose: blocks that are
empty, missing or partly filled, attributes that are absent, null or blank, whole and fractional numbers, ids
that are numbers, whole addresses in one line, records that look like duplicates, and resources that neither
application maps.
"""

import uuid
from typing import Any

Record = dict[str, Any]

NAMESPACE = uuid.UUID("5b0d6a34-2f0e-4a37-9c1b-7a4e61f5c0de")
EMPTY_ADDRESS: Record = {"billing": {}, "billing2": {}, "shipping": {}, "shipping2": {}}

FIRST_NAMES = (
    *("Ines", "Tomas", "Amara", "Bruno", "Chidi", "Daphne", "Emil", "Farah", "Goran", "Hana", "Idris", "Jolanta"),
    *("Kofi", "Leila", "Matteo", "Nadia", "Oskar", "Priya", "Quentin", "Rosa", "Siobhán", "Tariq", "Ulrike", "Vikram"),
    "Zoë",
)
LAST_NAMES = (
    *("Okafor", "Brandt", "Castellanos", "Duarte", "Eriksen", "Fontaine", "Grünwald", "Haddad", "Ivanova", "Jensen"),
    *("Kowalska", "Lindqvist", "Moreau", "Nakamura", "O'Shea", "Papadakis", "Quiroga", "Rahman", "Sørensen", "Tamayo"),
    *("Underhill", "Valdez", "Wójcik", "Yilmaz", "Zeller"),
)
TRADES = ("Freight", "Bakery", "Optics", "Timber", "Robotics", "Ceramics", "Orchards", "Printing")
ANIMALS = ("Pelican", "Heron", "Otter", "Badger", "Wombat")
CITIES = (
    ("Cairns", "QLD", "4870", "Australia"),
    ("Bergen", "", "5003", "Norway"),
    ("Coimbra", "", "3000-213", "Portugal"),
    ("Duluth", "MN", "55802", "United States"),
    ("Galway", "", "H91 C3WP", "Ireland"),
)
JOBS = ("CFO", "Driver", "Buyer", "Night-shift lead", "", None)


def hub_id(resource: str, number: int) -> str:
    """Return the hub's id of one of our records."""
    return str(uuid.uuid5(NAMESPACE, f"{resource}/{number}"))


def _record(resource: str, number: int, **attributes: Any) -> Record:
    """Return a record with the attributes that the hub gives it; some records lack some of them."""
    record: Record = {
        "id": hub_id(resource, number),
        "status": "ACTIVE",
        "created_at": f"2017-{number % 12 + 1:02}-{number % 28 + 1:02}T0{number % 10}:15:00Z",
        "updated_at": f"2018-{number % 12 + 1:02}-{number % 28 + 1:02}T1{number % 10}:40:{number % 60:02}Z",
        "group_id": "cld-elsewhere",
        "channel_id": "org-elsewhere",
        "resource_type": resource,
        **attributes,
    }
    for every, name in ((11, "created_at"), (13, "group_id"), (17, "status")):
        # A status that says something stays.
        if number % every == every - 1 and record[name] not in ("INACTIVE", "ARCHIVED"):
            del record[name]
    return record


def company() -> list[Record]:
    """The one record of a singular resource, without a ``status``."""
    record = _record(
        "company",
        0,
        name="Pelican Freight Pty Ltd",
        timezone="-05:00",
        currency="AUD",
        email={},
        address=EMPTY_ADDRESS,
        phone={"landline": "07 5550 1111"},
        website={},
        logo={},
    )
    del record["status"]
    return [record]


def organizations(count: int = 40) -> list[Record]:
    return [_organization(number) for number in range(count)]


def _organization(number: int) -> Record:
    # The last one has the name of the first: two records, not one.
    trade, animal = TRADES[number % 39 % len(TRADES)], ANIMALS[number % 39 // len(TRADES)]
    name = f"{animal} {trade}"
    city, region, postal_code, country = CITIES[number % len(CITIES)]
    billing: Record = {"line1": f"{number + 1} Quay St", "line2": "", "city": city, "region": region}
    billing |= {"postal_code": postal_code, "country": country}
    if number % 8 == 3:
        # The whole address in its first line, as some applications write it.
        billing = {"line1": f"{number + 1} Quay St\n{city} {postal_code}\n{country}", "city": city}
    record = _record(
        "organizations",
        number,
        name=name,
        reference=f"OR-{number:03}",
        industry=f"{trade} \u2013 wholesale" if number % 4 else "",
        annual_revenue=(1_200_000, 30_000_000.0, None, 0.5)[number % 4],
        number_of_employees=(number * 7 + 3, float(number), None, 0)[number % 4],
        is_customer=number % 5 != 4,
        is_supplier=number % 3 == 0,
        is_lead=False,
        referred_leads=[],
        address={**EMPTY_ADDRESS, "billing": billing},
        phone={"landline": f"(07) 5550-{number:04}", "fax": ""},
        email={"address": f"office{number}@{animal.lower()}.example", "address2": ""} if number % 2 else {},
        website={"url": f"www.{animal.lower()}-{trade.lower()}.example"},
        contact_channel={},
        assignee_id=None,
        assignee_type="Entity::AppUser",
    )
    if number % 10 == 6:
        record["status"] = ("ARCHIVED", "INACTIVE")[number // 10 % 2]
    if number % 9 == 5:
        record |= {"address": {}, "phone": {}, "website": {}}
    if number % 9 == 7:
        for name in ("address", "phone", "website", "is_supplier", "number_of_employees"):
            del record[name]
    return record


def people(count: int = 250) -> list[Record]:
    return [_person(number) for number in range(count)]


def _person(number: int) -> Record:
    first, last = FIRST_NAMES[number % 25], LAST_NAMES[(number * 7 + number // 25) % 25]
    record = _record(
        "people",
        number,
        title=("Ms.", "Mr", "")[number % 3],
        first_name=first,
        last_name=last,
        job_title=JOBS[number % len(JOBS)],
        birth_date=f"{1950 + number % 50}-{number % 12 + 1:02}-{number % 28 + 1:02}T00:00:00Z",
        organization_id=hub_id("organizations", number % 40),
        is_customer=number % 2 == 0,
        is_supplier=False,
        is_lead=number % 6 == 0,
        email={"address": f"person{number}@pelican.example", "address2": ""},
        phone_work={"landline": f"07 5551 {number:04}", "mobile": f"0400 000 {number:03}", "fax": ""},
        phone_home={},
        address_work={**EMPTY_ADDRESS, "shipping": {"line1": f"{number} Hill Rd", "line2": "", "city": "Cairns"}},
        address_home=EMPTY_ADDRESS,
        website={},
        contact_channel={},
        notes=[],
        tasks=[],
        opportunities=[],
        referred_leads=[],
        lead_status="Open - Not Contacted" if number % 6 == 0 else "",
        lead_source="Web",
        lead_status_changes=[{"status": "Open - Not Contacted", "created_at": "2017-02-01T00:00:00Z"}],
    )
    if number % 20 == 9:
        record["status"] = ("ARCHIVED", "INACTIVE")[number // 20 % 2]
    if number % 15 == 4:
        record |= {"email": {}, "phone_work": {}, "birth_date": None, "organization_id": None}
    if number % 15 == 8:
        for name in ("email", "phone_work", "birth_date", "organization_id", "job_title", "title"):
            del record[name]
    if number % 15 == 11:
        record |= {"email": {"address": "", "address2": ""}, "phone_work": {"landline": "", "mobile": None, "fax": ""}}
    if number == 249:
        # One mailbox for two people: not the same person.
        record["email"] = {"address": "person3@pelican.example", "address2": ""}
    return record


ACCOUNT_KINDS = (
    ("Trading account", "ASSET", "BANK", "CASHONHAND"),
    ("Money owed to us", "ASSET", "ACCOUNTSRECEIVABLE", "ACCOUNTSRECEIVABLE"),
    ("Wages due \u2013 drivers", "LIABILITY", "OTHERCURRENTLIABILITY", "OTHERCURRENTLIABILITIES"),
    ("Fees earned", "REVENUE", "INCOME", "OTHERPRIMARYINCOME"),
    ("Van repairs", "EXPENSE", "EXPENSE", "TRAVEL"),
)


def accounts(count: int = 30) -> list[Record]:
    return [_account(number) for number in range(count)]


def _account(number: int) -> Record:
    name, kind, type_, sub_type = ACCOUNT_KINDS[number % 5]
    record = _record(
        "accounts",
        number,
        code=f"{90 + number:03}",
        name=f"{name} {number // 5 + 1}",
        currency="AUD" if number % 3 else "USD",
        classification=f"{kind}_{type_}_{sub_type}",
        type=type_,
        sub_type=sub_type,
        address=EMPTY_ADDRESS,
        bank_account={"account_number": f"{number:014}"} if type_ == "BANK" else {},
        tax_code_id=hub_id("tax_codes", 0),
        **{"class": kind},
    )
    if number % 3 == 0:
        record["description"] = "" if number % 2 else "Kept by the day, closed by the month. " * 8
    if number % 4 == 0:
        record["current_balance"] = (-140.0, 7050, 16260.25)[number // 4 % 3]
    if number % 7 == 5:
        record["status"] = "ARCHIVED"
    if number == 29:
        # An account without any class has the separators only.
        record["classification"] = "__"
        for attribute in ("class", "type", "sub_type"):
            del record[attribute]
    return record


def items(count: int = 24) -> list[Record]:
    return [_item(number) for number in range(count)]


def _item(number: int) -> Record:
    # Two in a row share code and name, as a record that was entered twice.
    twin = number // 2 * 2 if number < 4 else number
    record = _record(
        "items",
        number,
        code=f"IT{twin}",
        reference=f"HB-{twin:02}",
        name=f"Hex bolt {10 + twin} mm",
        is_inventoried=number % 2 == 0,
        sale_price={"currency": "AUD", "net_amount": (25000.0, 12, 0.35)[number % 3]},
        purchase_price={"currency": "AUD"},
    )
    if number % 2:
        del record["reference"]
    if number % 6 == 4:
        record |= {"sale_price": {}, "status": "INACTIVE"}
    return record


def invoices(count: int = 20) -> list[Record]:
    """Two of them are suppliers' bills, which Pelican Books leaves to others."""
    words = ("DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED")
    records = []
    for number in range(count):
        net = (100, 250.5, 0.0)[number % 3]
        record = _record(
            "invoices",
            number,
            title=f"Order {118 + number}",
            transaction_number=str(118 + number),
            transaction_date=f"2018-03-{number % 28 + 1:02}T00:00:00Z",
            due_date=f"2018-04-{number % 28 + 1:02}T00:00:00Z" if number % 4 else None,
            type="SUPPLIER" if number in (8, 15) else "CUSTOMER",
            organization_id=hub_id("organizations", number * 2),
            person_id=hub_id("people", number),
            amount={"net_amount": net, "tax_amount": net / 10, "total_amount": net * 1.1, "currency": "AUD"},
            balance=net,
            billing_address={},
            shipping_address={},
            lines=[],
        )
        record["status"] = words[number % len(words)]
        records.append(record)
    return records


def opportunities(count: int = 3) -> list[Record]:
    """A resource that neither application maps; ``lead_id`` comes as a number."""
    records = []
    for number in range(count):
        record = _record(
            "opportunities",
            number,
            name="Fleet deal",
            description="",
            lead_id=135_000_000 + number,
            assignee_id=None,
            assignee_type=("AppUser", "Entity::AppUser")[number % 2],
            amount={"total_amount": (9000, 0.0, 99.9)[number % 3]},
            probability=(40, 23.0)[number % 2],
            sales_stage="Open",
            sales_stage_changes=[{"status": "Open", "created_at": "2018-03-16T06:05:07Z"}],
            type="",
        )
        del record["status"]
        records.append(record)
    return records


def app_users(count: int = 2) -> list[Record]:
    records = []
    for number in range(count):
        record = _record(
            "app_users",
            number,
            first_name=FIRST_NAMES[number],
            last_name=LAST_NAMES[-number - 1],
            email={"address": f"clerk{number}@pelican.example", "address2": ""},
            address_work={**EMPTY_ADDRESS, "billing": {"line1": "line 1", "city": "here"}},
            address_home=EMPTY_ADDRESS,
            phone_work={"landline": "123", "landline2": "123", "mobile": "123", "fax": "123"},
            phone_home={"landline": ""},
            teams=[],
        )
        for attribute in ("status", "created_at", "updated_at", "group_id"):
            record.pop(attribute, None)
        records.append(record)
    return records


def everything() -> dict[str, list[Record]]:
    """Return all records by resource, what is referred to first."""
    makers = (company, accounts, organizations, people, items, invoices, opportunities, app_users)
    return {maker.__name__: maker() for maker in makers}
