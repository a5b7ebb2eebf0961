"""`wdprefect trigger test` and `show --automation`: what a flow's triggers would do, and what they need."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from wdprefect.api import block_of_prefect, open_run_storage
from wdprefect.cli.table import iso, print_json, print_table, printable, shown_time
from wdprefect.errors import EXIT_FAILED, EXIT_SURROUNDINGS, UsageError
from wdprefect.execution.blocks import Blocks
from wdprefect.intake.book import find_book
from wdprefect.intake.chosen import chosen_flows
from wdprefect.intake.duties import duties_of
from wdprefect.intake.duty import Duty
from wdprefect.intake.means import Means
from wdprefect.intake.trial import CannotPoll, Trial, Tried, try_out
from wdprefect.masking import Masker


def trial(args: argparse.Namespace) -> int:
    """Print what each trigger of the flow would take.

    Exit code 1 where a bucket may not be listed, 3 where it could not be because its server does not answer.
    """
    masker = Masker()
    duties = _duties(args.flow, args.storage, args.trigger, masker)
    book, codes, facts = find_book(args.book), {0}, []
    try:
        for duty in duties:
            try:
                found = try_out(duty, book, args.begin)
            except CannotPoll as error:
                codes.add(EXIT_SURROUNDINGS if error.is_passing else EXIT_FAILED)
                print(f"{duty.name}: {masker.hide(str(error))}", file=sys.stderr)
                continue
            if args.format == "json":
                facts.append(_trial_facts(duty, found))
            else:
                _print_trial(duty, found)
    finally:
        if book:
            book.close()
    if args.format == "json":
        print_json(facts)
    # What somebody has to mend counts more than what may pass.
    return EXIT_FAILED if EXIT_FAILED in codes else max(codes)


def automation(args: argparse.Namespace) -> int:
    """Print what prefect.yaml needs for the triggers of the flow whose runs an automation starts."""
    from wdprefect.on_prefect.automations import snippet  # what others need not load

    for duty in _duties(args.trigger, None, args.object, Masker()):
        if duty.start_by == "automation":
            print(snippet(duty), end="")
        else:
            step = "write 'startBy: automation' into the trigger if a Prefect automation is to do it"
            print(f"{duty.name}: its runs are started directly, and need no automation; {step}", file=sys.stderr)
    return 0


def _duties(path: str, storage: str | None, trigger_id: str | None, masker: Masker) -> list[Duty]:
    if Path(path).is_dir():
        raise UsageError(f"'{path}' is a folder: name the YAML file of a flow")
    (flow,) = chosen_flows([path]).values()
    means = Means(open_run_storage(storage), masker, _find_secret, Blocks(block_of_prefect, masker))
    duties = duties_of(flow, means, runs=1)
    found = [duty for duty in duties if trigger_id in (None, duty.trigger_id)]
    if not found:
        known = ", ".join(duty.trigger_id for duty in duties)
        raise UsageError(f"the flow has no S3 trigger '{trigger_id}'; it has: {known}")
    return found


def _find_secret(name: str) -> str | None:
    """As listeners do; a flow without secrets needs no API."""
    from wdprefect.on_prefect.local_api import use_api  # importing Prefect takes a second
    from wdprefect.on_prefect.secrets import secrets_of_blocks

    use_api()
    return secrets_of_blocks()(name)


def _print_trial(duty: Duty, trial: Trial) -> None:
    count = sum(map(len, trial.batches))
    bound = f"at most {duty.size} object{'' if duty.size == 1 else 's'} each"
    order = "one after the other" if duty.limit == 1 else "side by side"
    print(f"{duty.name}: s3://{duty.watch.bucket}/{printable(duty.watch.prefix)}, {trial.listed} listed")
    print(f"would take {count} in {len(trial.batches)} runs ({bound}, {order})")
    for number, batch in enumerate(trial.batches, 1):
        print(f"  run {number}:")
        print_table(([one.foretold.change or "again", *_tried_row(one)] for one in batch), indent="    ")
    print(f"would leave {len(trial.left)}")
    if trial.left:
        print_table([_why_left(one), *_tried_row(one)] for one in trial.left)


def _tried_row(one: Tried) -> list[str]:
    return [f"{one.seen.size} B", shown_time(one.seen.modified), printable(one.seen.key)]


def _why_left(one: Tried) -> str:
    if one.foretold.id is None:
        return f"not wanted ({one.foretold.change})"
    return f"{one.foretold.status} (object {one.foretold.id})"


def _trial_facts(duty: Duty, trial: Trial) -> dict[str, Any]:
    return {
        "trigger": duty.name,
        "listed": trial.listed,
        "batches": [[_tried_facts(one) for one in batch] for batch in trial.batches],
        "left": [_tried_facts(one) for one in trial.left],
    }


def _tried_facts(one: Tried) -> dict[str, Any]:
    seen = {
        "key": one.seen.key,
        "version": one.seen.version,
        "size": one.seen.size,
        "modified": iso(one.seen.modified),
    }
    return {**seen, "id": one.foretold.id, "status": one.foretold.status, "change": one.foretold.change}
