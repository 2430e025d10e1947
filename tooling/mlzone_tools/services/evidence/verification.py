"""Is the evidence whole? Every hash is reckoned again, and every event is looked for.

The vault's lock keeps records; this tells when it did not, or when somebody wrote beside it. A
chain shows by itself what was changed, dropped in the middle or reordered. What was dropped at its
end shows against the KPI store, which keeps every event too and is written by another function.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlzone.estate import Estate
from mlzone_runtime import evidence
from mlzone_tools.cloud.session import Session
from mlzone_tools.services import kpi
from mlzone_tools.services.evidence.chain import Record, chains, records, vault_of


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that is not as it was recorded."""

    record: int
    """The record's number; 0 for what concerns the whole chain."""
    what: str


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A chain of records, verified."""

    name: str
    """`unit/model`, or `platform`."""
    records: int
    head: str
    """The hash of the last record: whoever keeps it can tell later that all before is the same."""
    problems: tuple[Problem, ...]


def verify(shared: Session, estate: Estate, model: str | None = None) -> tuple[Chain, ...]:
    """Verify all chains, or one model's.

    Raises:
        ConfigError: there is no such model.
    """
    if model:
        unit, _, item = estate.model(model)
        names = [f"{unit.name}/{item.name}"]
    else:
        names = list(chains(estate))
    kept = kpi.events(shared, estate)
    locked = _locked(shared, vault_of(estate))
    found = (_verified(name, records(shared, estate, name), kept, locked=locked) for name in names)
    return tuple(chain for chain in found if chain.records or chain.problems or model)


def _verified(
    name: str, found: Sequence[Record], kept: Sequence[kpi.Event], *, locked: bool
) -> Chain:
    problems = [*_chained(name, found), *_told(found, [e for e in kept if e.model == name])]
    if found and not locked:
        problems.append(Problem(record=0, what="the vault does not lock what is written into it"))
    return Chain(
        name=name,
        records=len(found),
        head=found[-1].hash if found else evidence.GENESIS,
        problems=tuple(problems),
    )


def _chained(name: str, found: Sequence[Record]) -> Iterator[Problem]:
    """Yield where records do not follow one another."""
    previous, expected = evidence.GENESIS, 1
    for record in found:
        if record.number == 0:
            yield Problem(record=0, what="there is an object that is no record")
            continue
        for number in range(expected, record.number):
            yield Problem(record=number, what="is missing")
        for wrong in _alone(name, record):
            yield Problem(record=record.number, what=wrong)
        if record.number == expected and record.content.get("previous") != previous:
            yield Problem(record=record.number, what="does not name the record before it")
        previous, expected = record.hash, record.number + 1


def _alone(name: str, record: Record) -> Iterator[str]:
    """Yield what is wrong with a record by itself."""
    if record.deleted:
        yield "was deleted; the vault still has it"
    if record.versions > 1:
        yield f"was written {record.versions} times; what was written first counts"
    if not record.canonical:
        yield "is not written as the recorder writes"
    elif (record.content.get("chain"), record.content.get("number")) != (name, record.number):
        yield "says that it is another record"


def _told(found: Sequence[Record], kept: Sequence[kpi.Event]) -> Iterator[Problem]:
    """Yield the events that are not recorded, or are recorded otherwise."""
    recorded = {record.content.get("event"): record for record in found}
    for event in kept:
        record = recorded.get(event.id)
        if record is None:
            yield Problem(record=0, what=f"event {event.id} ({event.kind}) is not recorded")
        elif (record.kind, record.content.get("actor", "")) != (event.kind, event.actor):
            yield Problem(
                record=record.number,
                what=f"the KPI store says {event.kind} by {event.actor or 'nobody'}",
            )


def _locked(shared: Session, bucket: str) -> bool:
    s3 = shared.client("s3")
    versioning = s3.get_bucket_versioning(Bucket=bucket).get("Status", "")
    lock = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    mode = lock.get("Rule", {}).get("DefaultRetention", {}).get("Mode", "")
    return (str(versioning), str(mode)) == ("Enabled", "COMPLIANCE")
