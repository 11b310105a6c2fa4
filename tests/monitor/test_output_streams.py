"""The two views for pipes: whole text against whole text."""

import io
import json
from collections.abc import Callable
from fractions import Fraction

from monitor.engine.snapshot import Interval, Quantiles, State, Summary
from monitor.output.jsonl import JsonLines
from monitor.output.plain import Plain
from monitor.output.quiet import Quiet
from monitor.output.text import Times
from tests.monitor.output_made import START, interval, record, rows, summary, traffic, transition


def plain(tell: Callable[[Plain], object], replay: bool = False) -> str:
    out = io.StringIO()
    tell(Plain(out, out, Times(utc=True), replay))
    return out.getvalue()


def jsonl(tell: Callable[[JsonLines], object]) -> str:
    out = io.StringIO()
    tell(JsonLines(out, io.StringIO(), Times(utc=True)))
    return out.getvalue()


def test_an_interval_is_a_block_with_its_top_sections_and_statistics() -> None:
    assert plain(lambda to: to.interval(interval(late=2, malformed=1))) == (
        "2019-02-07 21:12:30 - 21:12:40  60 hits, 6.0/s, 30.7 kB, 7 clients, 5.0/s over the window\n"
        "       hits   share    errors     bytes  section\n"
        "         40   66.7%         4   20.5 kB  /api\n"
        "         20   33.3%         4   10.2 kB  /report\n"
        "  statuses: 2xx 55, 4xx 4, 5xx 1; methods: GET 59, POST 1\n"
        "  malformed: 1; late: 2\n"
        "\n"
    )


def test_response_times_are_shown_where_the_log_has_them() -> None:
    times = Quantiles(1200, 250_000, 3_000_000)
    told = interval(sections=rows((b"/api", 60), times=times), times=times)
    text = plain(lambda to: to.interval(told))
    assert "  times: median 1.2 ms, p95 250 ms, p99 3.0 s\n" in text
    assert "       hits   share    errors     bytes      p95  section\n" in text


def test_alerts_stand_between_intervals_and_all_again_at_the_end() -> None:
    alert = record()
    assert alert.recovered

    def tell(to: Plain) -> None:
        to.transition(alert.raised, alert)
        assert alert.recovered
        to.transition(alert.recovered, alert)
        to.summary(summary((alert, record(recovered=False, at=START + 606)), transitions=5), "common")

    assert plain(tell) == (
        "High traffic generated an alert - hits = 1206, triggered at 2019-02-07 21:12:36 "
        "(10.1/s over 2m, threshold 10/s)\n\n"
        "Traffic recovered - hits = 1198, triggered at 2019-02-07 21:14:03 (9.9/s over 2m, threshold 10/s)\n\n"
        "Summary  2019-02-07 21:12:30 - 2019-02-07 22:12:30\n"
        "  64 lines: 60 hits, 2 malformed, 1 blank, 1 comments; 3 late; format: common\n"
        "  30.7 kB, 7 clients, busiest second 2019-02-07 21:12:35 with 12 hits\n"
        "       hits   share    errors     bytes  section\n"
        "         40   66.7%         4   20.5 kB  /api\n"
        "         20   33.3%         4   10.2 kB  /report\n"
        "  statuses: 2xx 55, 4xx 4, 5xx 1; methods: GET 59, POST 1\n"
        "\n"
        "Malformed lines, 1 of 2\n"
        "  line 17: time: no date: \\x1b[2Jbad \\xff\n"
        "\n"
        "Alerts  5\n"
        "  the first 2 are no longer kept\n"
        "  High traffic generated an alert - hits = 1206, triggered at 2019-02-07 21:12:36 "
        "(10.1/s over 2m, threshold 10/s)\n"
        "  Traffic recovered - hits = 1198, triggered at 2019-02-07 21:14:03 (9.9/s over 2m, threshold 10/s)\n"
        "    lasted 1 m 27 s, peak 1411 hits at 2019-02-07 21:13:06\n"
        "  High traffic generated an alert - hits = 1206, triggered at 2019-02-07 21:22:36 "
        "(10.1/s over 2m, threshold 10/s)\n"
        "    still on, peak 1411 hits at 2019-02-07 21:23:06\n"
    )


def silence(to: Plain) -> None:
    to.interval(interval(0))
    to.interval(interval(1, hits=0))
    to.transition(transition(State.RECOVERED, 1198, START + 15), record())
    to.interval(interval(2, hits=0, window_hits=60))
    to.interval(interval(360))


def headlines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line[:1] not in ("", " ")]


def test_live_every_silent_interval_is_told() -> None:
    assert headlines(plain(silence)) == [
        "2019-02-07 21:12:30 - 21:12:40  60 hits, 6.0/s, 30.7 kB, 7 clients, 5.0/s over the window",
        "2019-02-07 21:12:40 - 21:12:50  no traffic, 5.0/s over the window",
        "Traffic recovered - hits = 1198, triggered at 2019-02-07 21:12:45 (9.9/s over 2m, threshold 10/s)",
        "2019-02-07 21:12:50 - 21:13:00  no traffic, 0.50/s over the window",
        "2019-02-07 21:13:00 - 22:12:30  no traffic for 59 m 30 s",
        "2019-02-07 22:12:30 - 22:12:40  60 hits, 6.0/s, 30.7 kB, 7 clients, 5.0/s over the window",
    ]


def test_in_a_replay_a_whole_silence_is_one_line() -> None:
    assert headlines(plain(silence, replay=True)) == [
        "2019-02-07 21:12:30 - 21:12:40  60 hits, 6.0/s, 30.7 kB, 7 clients, 5.0/s over the window",
        "Traffic recovered - hits = 1198, triggered at 2019-02-07 21:12:45 (9.9/s over 2m, threshold 10/s)",
        "2019-02-07 21:12:40 - 22:12:30  no traffic for 59 m 50 s",
        "2019-02-07 22:12:30 - 22:12:40  60 hits, 6.0/s, 30.7 kB, 7 clients, 5.0/s over the window",
    ]


def test_an_interval_told_again_after_the_clock_was_set_back_is_no_silence() -> None:
    def tell(to: Plain) -> None:
        to.interval(interval(5))
        to.interval(interval(2))

    assert len(headlines(plain(tell, replay=True))) == 2


def test_hostile_keys_reach_plain_output_escaped() -> None:
    told = interval(sections=rows((b"/\x1b]0;owned\x07\r\n", 60)), methods={b"GET\x1b[31m": 60})
    text = plain(lambda to: to.interval(told))
    assert text.replace("\n", "").isprintable()
    assert "/\\x1b]0;owned\\x07\\x0d\\x0a" in text


def test_an_approximate_count_is_marked() -> None:
    text = plain(lambda to: to.interval(interval(exact=False)))
    assert ", ~7 clients," in text
    assert "the smallest are in (other)" in text


def test_malformed_lines_alone_are_told_without_a_table() -> None:
    assert plain(lambda to: to.interval(interval(hits=0, malformed=3))) == (
        "2019-02-07 21:12:30 - 21:12:40  0 hits, 0.0/s, 0 B, 0 clients, 5.0/s over the window\n"
        "  statuses: none; methods: none\n"
        "  malformed: 3; late: 0\n"
        "\n"
    )


def test_the_summary_of_nothing_is_short_and_says_so() -> None:
    nothing = Summary(0, 0, 0, 0, 0, 0, None, None, None, traffic(0), (), 0, ())
    assert plain(lambda to: to.summary(nothing, "not yet known: no line was read")) == (
        "Summary  no hits\n"
        "  0 lines: 0 hits, 0 malformed, 0 blank; 0 late; format: not yet known: no line was read\n"
        "  0 B, 0 clients\n"
        "  statuses: none; methods: none\n"
        "\n"
        "Alerts  none\n"
    )
    told = json.loads(jsonl(lambda to: to.summary(nothing, "")))
    assert (told["first"], told["last"], told["sections"]) == (None, None, [])


def test_of_very_many_methods_the_most_frequent_are_told() -> None:
    methods = {b"M%d" % at: 10 + at for at in range(9)}
    text = plain(lambda to: to.interval(interval(methods=methods)))
    assert "methods: M8 18, M7 17, M6 16, M5 15, M4 14, M3 13, and 3 more\n" in text


def test_notes_come_harmless_and_never_among_what_programs_read() -> None:
    for view in (lambda out, err: Plain(out, err, Times(), False), lambda out, err: JsonLines(out, err, Times())):
        out, err = io.StringIO(), io.StringIO()
        view(out, err).note("x.log: \x1b[2J")
        assert (out.getvalue(), err.getvalue()) == ("", "monitor: x.log: \\x1b[2J\n")


def test_without_a_view_notes_alone_are_told() -> None:
    err = io.StringIO()
    quiet = Quiet(err)
    quiet.interval(interval())
    quiet.transition(transition(), record())
    quiet.summary(summary(), "common")
    assert err.getvalue() == ""
    quiet.note("x.log: \x1b[2J")
    assert err.getvalue() == "monitor: x.log: \\x1b[2J\n"


def test_json_says_where_a_figure_is_not_exact_and_only_there() -> None:
    told = json.loads(jsonl(lambda to: to.interval(interval(exact=False))))
    assert list(told)[-3:] == ["late", "clients_exact", "sections_exact"]
    assert (told["clients_exact"], told["sections_exact"]) == (False, False)


def test_json_alerts_say_whose_they_are_and_that_they_were_on_before() -> None:
    told = json.loads(jsonl(lambda to: to.transition(transition(since_before=True, rule="5xx > 1/s"), record())))
    assert list(told)[-2:] == ["since_before", "rule"]
    assert (told["since_before"], told["rule"]) == (True, "5xx > 1/s")


def test_json_intervals_have_the_promised_fields_in_order() -> None:
    told = interval(window_hits=601, statuses={"5xx": 1, "2xx": 59})
    assert jsonl(lambda to: to.interval(told)) == (
        '{"type":"interval","start":"2019-02-07T21:12:30+00:00","end":"2019-02-07T21:12:40+00:00","hits":60,'
        '"bytes":30720,"rate":6.0,"clients":7,"window_hits":601,"window_average":5.008333,'
        '"statuses":{"2xx":59,"5xx":1},"methods":{"GET":59,"POST":1},'
        '"sections":[{"section":"/api","hits":40,"bytes":20480,"errors":4},'
        '{"section":"/report","hits":20,"bytes":10240,"errors":4}],"malformed":0,"late":0}\n'
    )


def test_json_leaves_intervals_without_a_hit_out() -> None:
    assert jsonl(lambda to: to.interval(interval(hits=0, malformed=3))) == ""


def test_json_alerts_have_the_promised_fields_in_order() -> None:
    assert jsonl(lambda to: to.transition(transition(), record())) == (
        '{"type":"alert","state":"raised","at":"2019-02-07T21:12:36+00:00","hits":1206,"average":10.05,'
        '"threshold":10.0,"message":"High traffic generated an alert - hits = 1206, triggered at '
        '2019-02-07 21:12:36 (10.1/s over 2m, threshold 10/s)"}\n'
    )


def test_the_json_summary_has_the_promised_fields_in_order() -> None:
    assert jsonl(lambda to: to.summary(summary((record(),)), "common")) == (
        '{"type":"summary","lines":64,"parsed":60,"malformed":2,"blank":1,"late":3,"hits":60,"bytes":30720,'
        '"clients":7,"first":"2019-02-07T21:12:30+00:00","last":"2019-02-07T22:12:30+00:00",'
        '"statuses":{"2xx":55,"4xx":4,"5xx":1},"methods":{"GET":59,"POST":1},'
        '"sections":[{"section":"/api","hits":40,"bytes":20480,"errors":4},'
        '{"section":"/report","hits":20,"bytes":10240,"errors":4}],"alerts":2,"format":"common","comments":1}\n'
    )


def test_json_strings_keep_every_byte_and_show_no_control_raw() -> None:
    keys = [b"/caf\xc3\xa9", b"/\xff", b"/\x1b\x7f", "/\u2028\u202e\x9b".encode()]
    told = interval(sections=rows(*((key, 1) for key in keys)))
    text = jsonl(lambda to: to.interval(told))
    assert len(text.splitlines()) == 1
    assert text.rstrip("\n").isprintable()
    sections = [row["section"] for row in json.loads(text)["sections"]]
    assert sections == ["/café", "/\\xff", "/\x1b\x7f", "/\u2028\u202e\x9b"]


def test_averages_are_exact_to_six_decimals() -> None:
    told = Interval(START, START + 10, traffic(1), 1, Fraction(1, 120))
    assert '"window_average":0.008333,' in jsonl(lambda to: to.interval(told))
