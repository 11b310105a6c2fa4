"""``--html``: one page about a run, written at its end. It needs no network and nothing beside it.

timeline: what is kept while the run goes on, bounded. figures: the chart and the heat map. page: the whole.
"""

from monitor.output.report.page import Subject
from monitor.output.report.report import Report

__all__ = ["Report", "Subject"]
