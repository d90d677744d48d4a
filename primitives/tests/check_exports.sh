#!/bin/sh
# check_exports.sh LIBRARY HEADERS: every function the library exports is declared in a header, and the other way round.
set -eu
exported=$(nm -D --defined-only "$1" | awk '$2 ~ /[TBDR]/ {print $3}' | sort -u)
declared=$(cat "$2"/*.h | tr '\n' ' ' | grep -o 'LHP_API [^;]*;' | grep -o '\blhp_[a-z_]*(' | tr -d '(' | sort -u)
if [ "$exported" != "$declared" ]; then
    echo "exported (left) and declared (right) differ:"
    printf '%s\n' "$exported" >"${TMPDIR:-/tmp}/lhp-exported.$$"
    printf '%s\n' "$declared" | diff "${TMPDIR:-/tmp}/lhp-exported.$$" - || true
    rm -f "${TMPDIR:-/tmp}/lhp-exported.$$"
    exit 1
fi
