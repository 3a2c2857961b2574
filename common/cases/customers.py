"""Whose the addresses of alerts are, from the ranges that `c360-warehouse export-ranges` writes."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping

from common.addresses import NETWORK_SIGN
from common.display import counted
from common.errors import NdrError, one_line
from common.runtime.output import message
from common.storage.text_rows import text_rows

Row = Mapping[str, str | None]
Customer = dict[str, str | None]
"""Customer, plan and region of an address; empty where the project names no file of ranges."""

COLUMNS = ("customer_id", "plan_id", "region")
RANGE = "ip_range"
NOBODY: Customer = dict.fromkeys(COLUMNS)
SHOWN = 3
"""Rows left out that a warning names."""


class Customers:
    """Finds the customer of an address: the one with the longest range that holds it."""

    def __init__(self, ranges: Iterable[tuple[int, Row]]) -> None:
        """Takes the rows of the ranges with their numbers, and warns of those that are left out."""
        self._found: dict[tuple[int, int], dict[int, Customer]] = {}
        wrong = [f"row {number}: {problem}" for number, row in ranges if (problem := self._add(row))]
        if wrong:
            shown = "; ".join(wrong[:SHOWN]) + ("; ..." if len(wrong) > SHOWN else "")
            message(f"customer_ranges: {counted(len(wrong), 'row')} left out: {shown}", "warning")
        self._sizes = sorted(self._found, key=lambda size: -size[1])

    def _add(self, row: Row) -> str:
        """Adds a range; gives what is wrong with it, if anything."""
        text = row.get(RANGE) or ""
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            return f"{text!r} is no range of addresses"
        if not row.get("customer_id"):
            return f"{text} has no customer_id"
        same = self._found.setdefault((network.version, network.prefixlen), {})
        values = {name: row.get(name) or None for name in COLUMNS}
        first = same.setdefault(int(network.network_address), values)
        return "" if first == values else f"{text} is of customer {first['customer_id']} already"

    def of(self, host: str) -> Customer:
        """Customer, plan and region of a host, whose address may have the name of a network; nulls if nobody's."""
        address = ipaddress.ip_address(host.partition(NETWORK_SIGN)[0])
        for version, length in self._sizes:
            rest = address.max_prefixlen - length
            if version == address.version and (found := self._found[version, length].get(int(address) >> rest << rest)):
                return found
        return NOBODY


def finder(uri: str | None) -> Callable[[str], Customer]:
    """What gives the customer of a host, by the file of ranges; without a file, nothing for any host.

    A file that cannot be read gives a warning and no customers: alerts are shown all the same.
    """
    if not uri:
        return lambda host: {}
    try:
        return Customers(enumerate(text_rows(uri, (RANGE, *COLUMNS)), start=1)).of
    except NdrError as error:
        message(f"customer_ranges: alerts are without customers: {error}", "warning")
    return Customers(()).of


def customer_words(customer: Customer) -> list[str]:
    """A line that says whose the address is; none if nobody's."""
    if not customer.get("customer_id"):
        return []
    labels = {"customer_id": "customer", "plan_id": "plan", "region": "region"}
    return [", ".join(f"{label} {one_line(value)}" for name, label in labels.items() if (value := customer[name]))]
