"""One run of the monitor: batches are counted, and what the engine tells is handed to everybody who listens.

Knows nothing of where blocks come from (``live``, ``replay``) or of how anything is shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from monitor.config import Settings
from monitor.engine.alert import basic
from monitor.engine.engine import Engine
from monitor.engine.snapshot import Event, Interval, Note, Transition
from monitor.formats import Batch, Columns, Format, Malformed, Reader
from monitor.output.presenter import Presenter

LAST_MALFORMED = 100  # kept for the screen


class Session:
    """Readers, the engine and the presenters of one run."""

    def __init__(
        self, settings: Settings, form: Format | None, columns: Columns, presenters: Sequence[Presenter], *, live: bool
    ) -> None:
        self.settings = settings
        self.form = form
        self.columns = columns
        self.presenters = presenters
        self.engine = self.new_engine(live=live)
        self.malformed: deque[Malformed] = deque(maxlen=LAST_MALFORMED)
        self._readers: dict[int, Reader] = {}

    def new_engine(self, *, live: bool) -> Engine:
        """Make an engine by the settings, for the whole or for what a filter lets through."""
        settings = self.settings
        return Engine(
            basic(settings.threshold, settings.window, settings.metric),
            interval=settings.interval,
            lateness=settings.lateness,
            top=settings.top,
            live=live,
        )

    def reader(self, log: int) -> Reader:
        """Return the reader of a log, which remembers the log's format."""
        if log not in self._readers:
            self._readers[log] = Reader(self.form, self.columns)
        return self._readers[log]

    def read(self, log: int, data: bytes, name: str = "") -> Batch:
        """Read a block of a log; what its reader has to say is told, with the log's name where there are several."""
        reader = self.reader(log)
        batch = reader.read(data)
        self.malformed.extend(batch.samples)
        for text in reader.messages():
            self.note(f"{name}: {text}" if name else text)
        return batch

    @property
    def reading(self) -> str:
        """How the logs were read, in one line."""
        told = dict.fromkeys(reader.description for reader in self._readers.values())
        return "; ".join(told) or "nothing was read"

    def tell(self, events: Iterable[Event]) -> None:
        """Hand events to every presenter, in their order."""
        for event in events:
            match event:
                case Interval():
                    self._each(lambda presenter, event=event: presenter.interval(event))  # type: ignore[misc]
                case Transition():
                    record = self.engine.alert_of(event)
                    self._each(lambda presenter, event=event, record=record: presenter.transition(event, record))  # type: ignore[misc]
                case Note():
                    self.note(event.text)

    def note(self, text: str) -> None:
        """Tell a person something."""
        self._each(lambda presenter: presenter.note(text))

    def summarize(self) -> None:
        """Tell the whole, once, at the end."""
        summary, reading = self.engine.summary(), self.reading
        self._each(lambda presenter: presenter.summary(summary, reading))

    def _each(self, call: Callable[[Presenter], None]) -> None:
        for presenter in self.presenters:
            call(presenter)
