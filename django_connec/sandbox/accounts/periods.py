"""When a recurring bill is charged again (Maestrano SDK, account API, recurring bill)."""

from __future__ import annotations

import calendar
import datetime as dt

__all__ = ["LONGEST", "following"]

#: The periods, and how many of them one cycle may have: it is no longer than a year.
LONGEST = {"day": 365, "week": 52, "semimonth": 1, "month": 12, "year": 1}
#: Days from the first charge of a month to its second.
HALF_MONTH = 15


def following(start: dt.datetime, period: str, frequency: int, after: dt.datetime) -> dt.datetime:
    """Return the first charge later than a moment.

    Counted from the start, so that a bill of a month's last day does not slide to an earlier one for good.

    Args:
        start: The first charge.
        period: One of :data:`LONGEST`.
        frequency: Periods from one charge to the next, at least 1.

    Raises:
        ValueError: That is after the year 9999.
    """
    count = frequency
    try:
        while (moment := _later(start, period, count)) <= after:
            count += frequency
    except OverflowError:
        raise ValueError("out of range") from None
    return moment


def _later(start: dt.datetime, period: str, count: int) -> dt.datetime:
    match period:
        case "day":
            return start + dt.timedelta(days=count)
        case "week":
            return start + dt.timedelta(weeks=count)
        case "semimonth":
            months, half = divmod(count, 2)
            if not half:
                return _months_later(start, months)
            if start.day <= HALF_MONTH:
                return _months_later(start, months) + dt.timedelta(days=HALF_MONTH)
            return _months_later(start.replace(day=start.day - HALF_MONTH), months + 1)
        case "month":
            return _months_later(start, count)
    return _months_later(start, count * 12)


def _months_later(start: dt.datetime, months: int) -> dt.datetime:
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    return start.replace(year=year, month=month + 1, day=min(start.day, calendar.monthrange(year, month + 1)[1]))
