"""Formats found in the configurations of nginx and Apache."""

import pytest

from monitor.formats import FormatError, Reader, parse
from monitor.formats.presets import PRESETS

NGINX = r"""
http {
    # log_format old '$nothing';
    log_format main '$remote_addr [$time_local] "$request" '
                    '$status';  log_format other escape=json "{\"t\":\"$msec\",\"s\":$status}";
    access_log /var/log/nginx/access.log main buffer=32k;
    server { access_log off; location / { access_log /srv/logs/api.log other; } }
    server { access_log /var/log/nginx/plain.log; }
    server { access_log /var/log/nginx/lost.log missing; }
}
"""
APACHE = r"""
# LogFormat "%x" commented
LogFormat "%h %t \"%r\" \
%>s" short
logformat "%t %>s" tiny
LogFormat "%t %>s %b"
CustomLog "/var/log/apache2/access.log" short
CustomLog ${APACHE_LOG_DIR}/other.log "%>s %t"
CustomLog /var/log/apache2/vhosts.log vhost_combined env=x
TransferLog /var/log/apache2/transfer.log
<VirtualHost *:80>
    CustomLog /var/log/apache2/tiny.log tiny
</VirtualHost>
"""


def hits(line: str, **given: str) -> int:
    return len(Reader(parse("auto", **given)).read(line.encode()).times)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("/var/log/nginx/access.log", 'h [07/Feb/2019:21:12:36 +0000] "GET / HTTP/1.1" 200'),
        ("access.log", 'h [07/Feb/2019:21:12:36 +0000] "GET / HTTP/1.1" 200'),
        ("/mnt/api.log", '{"t":"1549573956.1","s":200}'),
        ("/var/log/nginx/plain.log", 'h - - [07/Feb/2019:21:12:36 +0000] "GET / HTTP/1.1" 200 5 "-" "-"'),
    ],
)
def test_the_logs_own_format_is_found_in_nginx_configurations(log: str, line: str) -> None:
    assert hits(line, nginx_conf=NGINX, log=log) == 1


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("/var/log/apache2/access.log", 'h [07/Feb/2019:21:12:36 +0000] "GET / HTTP/1.1" 200'),
        ("/srv/other.log", "200 [07/Feb/2019:21:12:36 +0000]"),
        ("tiny.log", "[07/Feb/2019:21:12:36 +0000] 200"),
        ("transfer.log", "[07/Feb/2019:21:12:36 +0000] 200 5"),
        ("vhosts.log", 'v:80 h - - [07/Feb/2019:21:12:36 +0000] "GET / HTTP/1.1" 200 5 "-" "-"'),
    ],
)
def test_the_logs_own_format_is_found_in_apache_configurations(log: str, line: str) -> None:
    assert hits(line, apache_conf=APACHE, log=log) == 1


def test_a_lone_format_is_taken_for_a_log_that_is_not_named() -> None:
    assert hits("1549573956.1 200", nginx_conf="log_format a '$msec $status';", log="x.log") == 1
    assert hits("200 [07/Feb/2019:21:12:36 +0000]", apache_conf='LogFormat "%s %t" a', log="x.log") == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"nginx_conf": NGINX, "log": "nowhere.log"}, "nowhere.log is not in the configuration; there is /"),
        ({"nginx_conf": NGINX, "log": "lost.log"}, "no log_format 'missing'"),
        ({"nginx_conf": "", "log": "a.log"}, "no log_format that is used"),
        ({"apache_conf": "CustomLog a.log nope", "log": "a.log"}, "no LogFormat 'nope'"),
        (
            {"nginx_conf": "access_log /a/x.log main; access_log /b/x.log other;", "log": "x.log"},
            "several formats for x.log: main, other",
        ),
        ({"nginx_conf": "log_format a '$msec $$';", "log": "a.log"}, "character"),
    ],
)
def test_a_configuration_without_an_answer_is_an_error_that_says_so(given: dict[str, str], message: str) -> None:
    with pytest.raises(FormatError, match=message) as raised:
        parse("auto", **given)  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_a_reader(name: str) -> None:
    assert Reader(parse(name)).read(b"\x00\n").malformed == 1
