"""The HTML report: bounded, harmless whatever the log held, and right in a real browser."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine.snapshot import Interval, Quantiles, Row, State, Summary, Table
from monitor.errors import TaplineError
from monitor.formats.batch import Malformed
from monitor.formats.times import EARLIEST, LATEST
from monitor.output.report import Report, Subject
from monitor.output.report.timeline import SECTIONS, Timeline
from monitor.output.text import Times
from monitor.units import Threshold
from tests.requires import need

from .output_made import START, TEN, interval, record, rows, summary, traffic, transition

UTC = Times(utc=True)
SUBJECT = Subject(("access.log",), TEN, "hits", 120)
HOSTILE = b"/<script>document.title='owned'</script>\"'><img src=x onerror=document.title='owned'>\x1b[2J\xff&lt;"


def write(path: Path, told: Summary, *intervals: Interval, subject: Subject = SUBJECT) -> str:
    report = Report(path, subject, 10, UTC)
    for each in intervals:
        report.interval(each)
    report.summary(told, "common", {Table.CLIENTS: rows((b"192.0.2.1", 40), (b"192.0.2.2", 9))})
    return path.read_text("utf-8")


def busy(tmp_path: Path, **told: object) -> str:
    whole = summary((record(), record(recovered=False, at=START + 900)), **told)
    return write(tmp_path / "report.html", whole, *(interval(index, 30 + index % 90) for index in range(120)))


class Checked(HTMLParser):
    """Holds a page to be well formed, and keeps what it could run or fetch."""

    VOID = ("meta", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_says_what_was_counted(tmp_path: Path) -> None:
    text = busy(tmp_path)
    Checked(text)
    for told in (
        "2019-02-07 21:12:30 to 2019-02-07 22:12:30 (UTC+00:00)",
        "High traffic generated an alert - hits = 1206",
    ):
        assert told in text
    for told in ("still on", "1 m 27 s", "/api", "192.0.2.1", "threshold", "line", "\\x1b[2Jbad \\xff"):
        assert told in text


def test_alerts_of_further_rules_are_told_apart(tmp_path: Path) -> None:
    own = record(at=START + 900)
    named = replace(record(recovered=False), raised=transition(rule="5xx > 1/s in /<i>"))
    subject = Subject(("access.log",), TEN, "hits", 120, ("5xx > 1/s in /<i>", "p95 > 2s"))
    text = write(tmp_path / "report.html", summary((named, own)), interval(0), interval(120), subject=subject)
    Checked(text)
    assert "Further rules: 5xx &gt; 1/s in /&lt;i&gt;; p95 &gt; 2s." in text
    assert "<dt>alerts</dt><dd>2<small>1 still on</small></dd>" in text  # also where a later one is over
    assert (text.count('<rect class="band"'), text.count('<rect class="strip"')) == (1, 1)
    assert text.index('<rect class="band"') < text.index('<rect class="strip"')  # a strip is never behind a band
    assert "alert of a further rule" in text
    assert "of a further rule" not in busy(tmp_path)


def test_a_threshold_that_was_changed_is_drawn_as_it_was_over_time(tmp_path: Path) -> None:
    report = Report(tmp_path / "report.html", SUBJECT, 10, UTC)
    report.threshold(None, Threshold.parse("9"))  # before the first hit
    for index in range(100):
        report.interval(interval(index, 50, 600))
        for at, text in ((19, "4"), (49, "6/s"), (49, "5"), (69, "<1/s>"), (89, "5")):
            if index == at:
                limit = Threshold(Fraction(1000), text, False) if "<" in text else Threshold.parse(text)
                report.threshold(START + 10 * (at + 1), limit)
    report.summary(summary(), "common", {})
    text = (tmp_path / "report.html").read_text("utf-8")
    Checked(text)
    assert (
        "More than 9/s of hits on average over 2m raises an alert. The threshold was changed: "
        "4/s from 2019-02-07 21:15:50 on, 5/s from 2019-02-07 21:20:50 on, "
        "&lt;1/s&gt; from 2019-02-07 21:24:10 on, 5/s from 2019-02-07 21:27:30 on."
    ) in text
    assert "threshold (above the picture: &lt;1/s&gt;)" in text
    assert "the threshold was 9/s at the start and is 5/s at the end" in text
    (path,) = re.findall(r'class="threshold" d="([^"]*)"', text)
    moves = re.findall(r"([MHV])([\d.]+)(?: ([\d.]+))?", path)
    assert [kind for kind, _, _ in moves] == ["M", "H", "V", "H", "V", "H", "M", "H"]
    assert [float(x) for kind, x, _ in moves if kind in "MH"] == [0, 200, 500, 700, 900, 1000]
    levels = [float(y if kind == "M" else x) for kind, x, y in moves if kind in "MV"]
    assert levels[1] > levels[2] == levels[3] > levels[0]  # 4, 5, 5, 9 from the foot


def test_a_threshold_that_was_never_changed_is_a_straight_line(tmp_path: Path) -> None:
    (path,) = re.findall(r'class="threshold" d="([^"]*)"', busy(tmp_path))
    assert re.fullmatch(r"M0\.00 [\d.]+H1000\.00", path)
    assert "was changed" not in busy(tmp_path)


def test_changes_of_the_threshold_are_bounded(tmp_path: Path) -> None:
    report = Report(tmp_path / "report.html", SUBJECT, 10, UTC)
    for index in range(1200):
        report.threshold(START + index, Threshold.parse(str(10 + index % 7)))
    report.interval(interval(0, 50, 600))
    report.summary(summary(), "common", {})
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "The threshold was changed: 980 times, then " in text
    assert text.count(" from 2019-02-07 21:32") == 20


def test_an_alert_of_an_earlier_run_is_in_the_table_and_not_in_the_picture(tmp_path: Path) -> None:
    begun = record(at=START - 9000)
    over = transition(State.RECOVERED, 12, START - 3000, since_before=True)
    told = summary((replace(begun, recovered=over, earlier=True), record()))
    text = write(tmp_path / "report.html", told, *(interval(index) for index in range(60)))
    assert text.count('<rect class="band"') == 1
    assert "before 2019-02-07 20:22:30</td>" in text
    assert "at most 1 h 40 m</td>" in text
    assert "still on" not in text


def test_a_file_that_is_no_page_is_not_overwritten(tmp_path: Path) -> None:
    log, page, empty = tmp_path / "access.log", tmp_path / "report.html", tmp_path / "empty"
    log.write_text('192.0.2.1 - - [07/Feb/2019:21:12:30 +0000] "GET / HTTP/1.0" 200 5\n')
    empty.touch()
    before = log.read_bytes()
    with pytest.raises(TaplineError, match=r"--html .*access\.log: there is a file that is no HTML page"):
        Report(log, SUBJECT, 10, UTC)
    assert log.read_bytes() == before
    for path in (page, page, empty, empty):
        assert "<!DOCTYPE html>" in write(path, summary())


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Look from there at files as a user who owns none of them."""
    folder.chmod(0o755)
    os.chdir(folder)  # the folders above are for pytest's user alone
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (".", "Is a directory"),
        ("none/page.html", "cannot be written"),
        ("file/page.html", "cannot be written"),
        ("closed/page.html", "Permission denied"),
        ("x" * 300, "File name too long"),
    ],
)
def test_where_no_page_can_be_written_the_start_says_why_in_one_line(
    path: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # and back in the end
    (tmp_path / "file").touch()
    (tmp_path / "closed").mkdir(mode=0)
    with as_nobody(tmp_path), pytest.raises(TaplineError, match=f"^--html {re.escape(path)}: {why}$"):
        Report(Path(path), SUBJECT, 10, UTC)


def test_what_may_be_written_but_not_read_may_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page"
    page.write_text("text")
    page.chmod(0o222)
    with as_nobody(tmp_path):
        Report(Path("page"), SUBJECT, 10, UTC)


def test_a_run_without_a_hit_is_a_page_too(tmp_path: Path) -> None:
    none = replace(summary(hits=0), first=None, last=None, busiest=None, samples=())
    text = write(tmp_path / "report.html", none)
    Checked(text)
    assert "No traffic." in text


def test_response_times_are_told_where_the_log_has_them(tmp_path: Path) -> None:
    times = Quantiles(1200, 250_000, 3_000_000)
    known = (*rows((b"/api", 40), times=times), *rows((b"/report", 20)))
    text = write(tmp_path / "report.html", summary(sections=known, times=times), interval(0))
    Checked(text)
    assert "<dt>response time, p95</dt><dd>250 ms<small>median 1.2 ms, p99 3.0 s</small></dd>" in text
    assert '<td data-v="250000">250 ms</td>' in text
    assert '<td data-v="-1">-</td>' in text  # a section without one
    assert "p95" not in busy(tmp_path)


def test_a_log_of_all_the_times_that_there_are_is_a_page_too(tmp_path: Path) -> None:
    first, last = EARLIEST - EARLIEST % 10, LATEST - 10
    ends = [Interval(at, at + 10, traffic(60), 60, Fraction(1, 2)) for at in (first, START, last)]
    text = write(tmp_path / "report.html", replace(summary(), first=first, last=last), *ends)
    Checked(text)
    assert text.count('class="bar"') >= 2
    head = text.split('<table class="heat"')[1].split("</thead>")[0]
    assert re.findall(r">(\d{4}-\d\d-\d\d)</th>", head)  # of columns this wide the day is enough


def test_a_pipe_gets_the_whole_page(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        report = Report(pipe, SUBJECT, 10, UTC)
        report.summary(summary(), "common", {})
        Checked(os.read(reading, 1_000_000).decode())
    finally:
        os.close(reading)
    assert pipe.is_fifo()


def test_a_folder_that_is_gone_at_the_end_is_a_named_error(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    report = Report(folder / "report.html", SUBJECT, 10, UTC)
    folder.rmdir()
    with pytest.raises(TaplineError, match=r"^--html .*report\.html: No such file or directory$"):
        report.summary(summary(), "common", {})


def test_nothing_from_the_log_becomes_markup(tmp_path: Path) -> None:
    sections = rows((HOSTILE, 50))
    whole = replace(
        summary(sections=sections, methods={HOSTILE: 5}), samples=(Malformed(1, HOSTILE, HOSTILE.decode("latin-1")),)
    )
    whole = replace(whole, traffic=replace(whole.traffic, codes={HOSTILE: 3}))
    subject = Subject((HOSTILE.decode("latin-1"),), TEN, "hits", 120)
    text = write(tmp_path / "report.html", whole, interval(0, 50, sections=sections), subject=subject)
    checked = Checked(text)
    assert "img" not in checked.tags
    assert not checked.attributes & {"onerror", "onload", "style", "src", "href"}
    assert text.count("<script>") == 1
    assert "\x1b" not in text


def test_the_page_is_complete_in_itself(tmp_path: Path) -> None:
    text = busy(tmp_path)
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text
    assert not re.search(r"https?://|url\(|@import", text)
    assert "unsafe-inline" not in text


def test_tables_have_headers_for_those_who_hear_them(tmp_path: Path) -> None:
    text = busy(tmp_path)
    assert text.count("<table") == text.count("<thead><tr><th")
    assert not re.search(r"<th(?! scope=)[ >]", text)
    assert 'role="img" aria-label="Traffic over time: at most' in text


def test_the_page_is_bounded_however_much_there_was(tmp_path: Path) -> None:
    sections = tuple(Row(b"/" + b"%d" % index + b"x" * 900, 5, 5, 5) for index in range(1000))
    whole = summary(tuple(record(at=START + 300 * index) for index in range(1000)), sections=sections)
    many = [interval(index * 7, 30, sections=sections[index % 900 :][:100]) for index in range(3000)]
    text = write(tmp_path / "report.html", whole, *many)
    assert len(text) < 2_500_000
    assert text.count('class="bar"') <= 721
    assert "800 are before them" in text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 50)), min_size=1, max_size=60), st.integers(2, 50))
def test_no_hit_is_lost_when_slots_are_put_together(told: list[tuple[int, int]], limit: int) -> None:
    timeline = Timeline(10, limit, sections=True)
    for tens, hits in told:
        timeline.add(Interval(tens * 10, tens * 10 + 10, traffic(hits, rows((b"/a", hits))), 0, Fraction(hits)))
    assert sum(slot.hits for slot in timeline.slots.values()) == sum(hits for _, hits in told)
    assert sum(slot.sections[b"/a"] for slot in timeline.slots.values()) == sum(hits for _, hits in told)
    assert max(slot.average for slot in timeline.slots.values()) == max(hits for _, hits in told)
    assert (timeline.end - timeline.start) // timeline.width <= limit


def test_a_slot_of_the_heat_map_holds_a_bounded_number_of_sections() -> None:
    timeline = Timeline(10, 60, sections=True)
    for index in range(50):
        timeline.add(interval(0, 100, sections=rows((b"/top", 9), *((b"/%d-%d" % (index, n), 1) for n in range(100)))))
    (slot,) = timeline.slots.values()
    assert len(slot.sections) <= SECTIONS
    assert slot.sections[b"/top"] == 450


def test_where_nothing_can_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none" / "report.html"):
        with pytest.raises(TaplineError, match="--html "):
            Report(path, SUBJECT, 10, UTC)


def test_an_older_page_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    write(path, summary())
    assert "old" not in path.read_text().split("<style>")[0]
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def chromium(tmp_path: Path, page: Path, *options: str) -> str:
    """Open a page in headless Chromium and return what its document then is."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    need(browser, "Chromium (Debian: chromium)")
    assert browser
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1200,900", *options, "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout


def test_in_a_browser_the_page_runs_its_own_script_and_no_other(tmp_path: Path) -> None:
    sections = rows((HOSTILE, 50))
    write(tmp_path / "report.html", summary(sections=sections), interval(0, 50, sections=sections))
    document = chromium(tmp_path, tmp_path / "report.html")
    assert "<title>Traffic report: access.log</title>" in document
    assert '<th scope="col"><button type="button">hits</button></th>' in document


def test_in_a_browser_a_click_on_a_head_sorts_the_table(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    text = write(page, summary(sections=rows((b"/a", 900), (b"/b", 10_000), (b"/c", 20))), interval(0))
    clicks = "document.querySelectorAll('[aria-label=\"Table by section\"] button')[1].click();"
    # The policy would not let the test's own script run: it is taken out here, and only here.
    page.write_text(re.sub(r"<meta http-equiv[^>]*>", "", text).replace("</body>", f"<script>{clicks}</script></body>"))
    document = chromium(tmp_path, page)
    table = document.split('aria-label="Table by section"')[1].split("</table>")[0]
    assert 'aria-sort="descending"' in table
    assert re.findall(r'<th scope="row">(/.)', table) == ["/b", "/a", "/c"]


def test_in_a_browser_of_a_phone_nothing_is_wider_than_the_screen(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    text = busy(tmp_path)
    # Chromium's windows have a least width of their own: a frame has not.
    frame = tmp_path / "frame.html"
    fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    tell = f"<script>addEventListener('load', () => parent.postMessage({fits}, '*'))</script>"
    page.write_text(re.sub(r"<meta http-equiv[^>]*>", "", text).replace("</body>", f"{tell}</body>"))
    frame.write_text(
        '<!DOCTYPE html><script>addEventListener("message", (event) => document.title = "fits: " + event.data)</script>'
        '<iframe src="report.html" width="360" height="800" style="border: 0"></iframe>'
    )
    document = chromium(tmp_path, frame, "--virtual-time-budget=5000")
    assert "<title>fits: true</title>" in document
