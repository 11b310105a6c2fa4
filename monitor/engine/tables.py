"""The keys of the tables of a screen or a report besides the sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.engine.agents import family
from monitor.engine.snapshot import Table
from monitor.formats.batch import Batch


def columns(batch: Batch) -> Mapping[Table, Sequence[bytes]]:
    """Return the keys of a batch's rows, for each table besides the sections that its format can fill."""
    found: dict[Table, Sequence[bytes]] = {
        Table.CLIENTS: batch.hosts,
        Table.STATUSES: batch.statuses,
        Table.METHODS: batch.methods,
    }
    if batch.vhosts is not None:
        found[Table.HOSTS] = batch.vhosts
    if batch.referers is not None:
        found[Table.REFERERS] = batch.referers
    if batch.agents is not None:
        found[Table.AGENTS] = [family(agent) for agent in batch.agents]
    return found
