"""Moments with nanoseconds, which Python's have not: values of KV stores and Ion have nine digits."""

from __future__ import annotations

import datetime as dt


class Instant(dt.datetime):
    """A moment whose microsecond has a rest of `rest` nanoseconds. Calculating with it gives moments without one."""

    rest: int

    def __reduce_ex__(self, protocol: object) -> tuple[object, ...]:
        """Keep the rest in copies."""
        plain = dt.datetime.combine(self.date(), self.timetz())
        return with_nanosecond, (plain, nanosecond_of(self))


def nanosecond_of(moment: dt.datetime | dt.time) -> int:
    """The nanoseconds of its second."""
    return moment.microsecond * 1000 + getattr(moment, "rest", 0)


def with_nanosecond(moment: dt.datetime, nanosecond: int) -> dt.datetime:
    """The same second with other nanoseconds."""
    microsecond, rest = divmod(nanosecond, 1000)
    if not rest:
        return moment.replace(microsecond=microsecond)
    fields = moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, microsecond
    instant = Instant(*fields, tzinfo=moment.tzinfo, fold=moment.fold)
    instant.rest = rest
    return instant


def moved(moment: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """The same moment in another zone."""
    # Through UTC: a time that the zone's clocks skip is one of the hour after it.
    there = moment.astimezone(dt.timezone.utc).astimezone(zone)
    return with_nanosecond(there, nanosecond_of(moment))
