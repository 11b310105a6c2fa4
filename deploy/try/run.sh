#!/bin/sh
# `make run`: the sniffer on all interfaces (root, or through sudo), the monitor on its log. DEMO=1 makes traffic too.
# Without a terminal to be stopped from it makes traffic and ends by itself after three minutes.
set -eu
cd "$(dirname "$0")/../.."
python=$(pwd)/${VENV:-.venv}/bin/python
demo=${DEMO:-}
limit=
if ! [ -t 0 ] || ! [ -t 1 ]; then
    demo=1
    limit="timeout --signal=INT 180"
fi

root=
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; then
        root=sudo
    else
        echo "make run: the sniffer needs root or sudo, and neither is possible: a sample log instead" >&2
        exec "$python" -m monitor --replay --output plain sample_logs/two_alerts.log
    fi
fi

folder=$(mktemp -d)
chmod 755 "$folder"
log=$folder/log/access.log
pids=
finish() {
    trap - EXIT INT TERM
    for pid in $pids; do $root kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    cat "$folder/sniffer.err" >&2 2>/dev/null || true
    $root rm -rf "$folder"
}
trap finish EXIT INT TERM

$root "$python" -m sniffer --user "$(id -un)" -w "$log" 2>"$folder/sniffer.err" &
pids=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ -e "$log" ] && break
    kill -0 "$pids" 2>/dev/null || exit 1
    sleep 0.25
done

if [ -n "$demo" ]; then
    echo "Traffic is made on loopback: calm, a burst that raises an alert within a minute, its recovery before three." >&2
    "$python" deploy/try/traffic.py 2>/dev/null &
    pids="$pids $!"
else
    echo "Make some traffic from another terminal: curl http://example.com/pages/create   (or: make run DEMO=1)" >&2
fi
status=0
$limit "$python" -m monitor "$log" || status=$?
case $status in 0|124|130) ;; *) exit "$status" ;; esac
