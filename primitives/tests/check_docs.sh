#!/bin/sh
# check_docs.sh COMPILER INCLUDE_FOLDER LIBRARY PAGE FLAG...: the C example of the page compiles, runs and prints hello.
set -eu
compiler=$1 include=$2 library=$3 page=$4
shift 4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
awk '/^```c$/ {on = 1; next} /^```$/ {on = 0} on' "$page" >"$folder/example.c"
"$compiler" -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -I "$include" "$folder/example.c" "$library" "$@" \
    -pthread -o "$folder/example"
test "$("$folder/example")" = hello
