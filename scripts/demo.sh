#!/usr/bin/env bash
# The main job on real sockets: a target, the daemon, a script, a report. `make demo` runs it with .venv on the PATH.
# Everything is on loopback and on free ports, results are kept in .demo, and nothing is left running.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

started=()
finish() {
    local pid
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait || true
}
trap finish EXIT
trap 'exit 130' INT TERM

# start OUTPUT COMMAND...: start a program in the background and wait for the first line that it prints.
start() {
    local output=$1
    shift
    "$@" >"$output" 2>&1 &
    started+=($!)
    until [ -s "$output" ]; do
        if ! kill -0 $! 2>/dev/null; then
            echo "demo: this ended at once: $*" >&2
            cat "$output" >&2
            exit 1
        fi
        sleep 0.05
    done
}

rm -rf .demo
mkdir .demo

say "A target whose faults we know: 2 ms per answer, 1 % errors, and a stall of 1 s, 3 s after the first request"
start .demo/sink.txt load-tester sink --port 0 --latency 2ms --error-ratio 0.01 --stall-at 3s --stall-for 1s --seed 1
target=$(head -n 1 .demo/sink.txt)
echo "load-tester sink listens on $target"

say "The daemon, told to attack that target"
start .demo/serve.txt load-tester serve --port 0 --target-url "$target" --data-dir .demo
cat .demo/serve.txt
daemon=$(grep -o 'http://[^ ]*' .demo/serve.txt | head -n 1)

say "The script: load-starter configs/demo.star"
load-starter configs/demo.star --load-server "$daemon" --report .demo/report.yaml

say "What is kept: load-tester runs"
load-tester runs --data-dir .demo

first=$(load-tester runs --data-dir .demo --json | python -c 'import json, sys; print(json.load(sys.stdin)["runs"][-1]["id"])')
say "The first run in full: load-tester report $first"
load-tester report --data-dir .demo "$first"

say "What the target counted itself"
python - "$target" <<'PYTHON'
import json, sys, urllib.request

stats = json.load(urllib.request.urlopen(sys.argv[1] + "/stats"))
print(f"{stats['requests']} requests, statuses {stats['statuses']}")
PYTHON

cat <<'TEXT'

How to read it: the target stalled for one second while hits were due at 1000 per second. The 50 connections were soon
busy, so about 950 more hits had to wait to be sent. Latency, counted from when a hit was sent, hardly shows that.
Response time, counted from when it was due, does: judge a target by response time. That hits had to wait for one of the
50 connections is reported as well, because with more of them the target would have been asked more at once.

Results are in .demo; `load-tester runs --data-dir .demo` lists them, .demo/report.yaml is the script's report.
TEXT
