#!/usr/bin/env bash
# demo.sh BUILD: one deadlock caught live, then two real programs checked.  Started by `./dev demo`.
set -uo pipefail
build=$1
lockhound=$build/bin/lockhound
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$(dirname "$0")/.." || exit 1

show() {
    printf '\n\033[1m$ %s\033[0m\n' "$*"
    "$@"
}

cat <<'TEXT'

Two painters share a pot and a brush; each has taken one and waits for the other (samples/painters_hang_bug.c).
Bare, this program hangs for ever. Nothing was compiled in: lockhound runs the binary as it is.
TEXT
show "$lockhound" "$build/samples/painters_hang_bug"
status=$?
printf '\nexit status %d\n' "$status"
[ "$status" -eq 66 ] || { printf 'demo: the deadlock was not caught\n' >&2; exit 1; }

cat <<'TEXT'

The same two locks in a run that was lucky and did not hang: the danger is reported all the same.
TEXT
show "$lockhound" "$build/samples/painters_bug"
[ $? -eq 66 ] || { printf 'demo: the inversion was not found\n' >&2; exit 1; }

cat <<'TEXT'

Two real programs, from the distribution, that have no such bug: same output, nothing found.
TEXT
cat >"$scratch/threads.py" <<'PYTHON'
import queue, threading

work, done = queue.Queue(), queue.Queue()

def serve():
    while (item := work.get()) is not None:
        done.put(item * item)

threads = [threading.Thread(target=serve) for _ in range(4)]
for thread in threads:
    thread.start()
for item in [*range(1000), *[None] * len(threads)]:
    work.put(item)
for thread in threads:
    thread.join()
print(sum(done.get() for _ in range(1000)))
PYTHON
show "$lockhound" /usr/bin/python3 "$scratch/threads.py" || exit 1

yes 'lockhound runs the binary as it is' | head -c 8000000 >"$scratch/data"
show "$lockhound" pigz -p 4 -k "$scratch/data" || exit 1
gzip -dc "$scratch/data.gz" | cmp - "$scratch/data" && printf 'pigz: the output is right\n'
