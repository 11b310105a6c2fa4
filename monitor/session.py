"""One run of the monitor: batches are counted, and what the engine tells is handed to everybody who listens.

Knows nothing of where blocks come from (``live``, ``replay``) or of how anything is shown.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from monitor.config import Settings
from monitor.engine.alert import basic
from monitor.engine.engine import Engine
from monitor.engine.snapshot import Event, Interval, Scope, Table, Transition, View
from monitor.formats import Batch, Columns, Format, Malformed, Reader
from monitor.output.outlets import Outlets
from monitor.output.presenter import Presenter
from monitor.units import Threshold

LAST_MALFORMED = 100  # kept for the screen
ROWS = 100  # of each table in a report


class Session:
    """Readers, the engine and the presenters of one run."""

    def __init__(
        self,
        settings: Settings,
        form_of: Callable[[str], Format | None],
        columns: Columns,
        presenters: Sequence[Presenter],
        outlets: Outlets,
        *,
        detail: bool,
    ) -> None:
        """``form_of`` gives a log's format by its name, None: to be found out. ``detail``: all tables are wanted."""
        self.settings = settings
        self.form_of = form_of
        self.columns = columns
        self.presenters = presenters
        self.outlets = outlets
        self.names: Sequence[str] = settings.logs  # of the logs, in the order of their indexes; patterns add to them
        self.malformed: deque[Malformed] = deque(maxlen=LAST_MALFORMED)
        self._threshold = settings.threshold
        self._detail = detail
        self._readers: dict[int, Reader] = {}
        self._lines: Counter[int] = Counter()  # of each log, counted so far
        self._looked = float("-inf")
        self.engine = self.new_engine()

    @property
    def live(self) -> bool:
        """Whether the clock goes on by itself."""
        return not self.settings.replay

    def restart(self) -> None:
        """Forget all that was counted and read."""
        self.engine = self.new_engine()
        self._readers.clear()

    def new_engine(self) -> Engine:
        """Make an engine by the settings, for the whole or for what a filter lets through."""
        settings = self.settings
        engine = Engine(
            basic(self._threshold, settings.window, settings.metric),
            tuple(dict.fromkeys(settings.alert)),
            interval=settings.interval,
            lateness=settings.lateness,
            top=max(settings.top, self.outlets.rows) if settings.top else 0,
            live=self.live,
            detail=self._detail,
        )
        engine.recall(self.outlets.history)
        return engine

    def set_threshold(self, threshold: Threshold) -> None:
        """Hold the traffic against another threshold from now on, whoever counts it."""
        self._threshold = threshold
        self.outlets.threshold(self.engine.set_threshold(threshold), threshold)

    def new_reader(self, log: int) -> Reader:
        """Make a reader of a log that has read nothing yet."""
        return Reader(self.form_of(self.names[log]), self.columns)

    def reader(self, log: int) -> Reader:
        """Return the reader of a log, which remembers the log's format."""
        if log not in self._readers:
            self._readers[log] = self.new_reader(log)
        return self._readers[log]

    def read(self, log: int, data: bytes) -> Batch:
        """Read a block of a log; what its reader has to say is told, with the log's name where there are several."""
        reader = self.reader(log)
        batch = reader.read(data)
        self.keep_malformed(log, batch)
        for text in reader.messages():
            self.note(f"{self.names[log]}: {text}" if len(self.names) > 1 else text)
        return batch

    def keep_malformed(self, log: int, batch: Batch) -> None:
        """Keep a log's next batch's malformed lines for the screen, numbered through the log as in the summary."""
        before, name = self._lines[log], f"{self.names[log]}: " if len(self.names) > 1 else ""
        self.malformed.extend(
            replace(sample, line=before + sample.line, reason=f"{name}{sample.reason}") for sample in batch.samples
        )
        self._lines[log] += batch.lines

    @property
    def reading(self) -> str:
        """How the logs were read, in one line."""
        told = dict.fromkeys(reader.description for reader in self._readers.values())
        return "; ".join(told) or "nothing was read"

    def tell(self, events: Iterable[Event]) -> None:
        """Hand events to everybody, in their order."""
        for event in events:
            match event:
                case Interval():
                    self.outlets.interval(event)
                    shown = event.cut(self.settings.top)
                    for presenter in self.presenters:
                        presenter.interval(shown)
                case Transition():
                    for presenter in (*self.presenters, self.outlets):
                        presenter.transition(event, event.record)
                case _:
                    self.note(event.text)

    def note(self, text: str) -> None:
        """Tell a person something."""
        for presenter in self.presenters:
            presenter.note(text)

    def look_around(self, now: float, unread: Callable[[], int]) -> None:
        """Tell the metrics of the present, once a second; pass on what the others beyond the screen have to say.

        ``unread`` tells the bytes that wait in the logs.
        """
        if self.outlets.wants_state and now - self._looked >= 1:
            self._looked = now
            self.outlets.state(self.engine.present(), unread())
        for text in self.outlets.messages():
            self.note(text)

    def summarize(self) -> None:
        """Tell the whole, once, at the end."""
        summary, reading = self.engine.summary(), self.reading
        shown = summary.cut(self.settings.top)
        for presenter in self.presenters:
            presenter.summary(shown, reading)
        tables = {}
        if self.outlets.wants_tables:
            tables = {table: self.engine.snapshot(View(Scope.TOTAL, table, limit=ROWS)).rows for table in Table}
        self.outlets.summary(summary, reading, tables)
