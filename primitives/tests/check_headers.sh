#!/bin/sh
# check_headers.sh COMPILER INCLUDE_FOLDER: each public header compiles alone, without warnings, in C11 and in C++17.
set -eu
for header in "$2"/lhp/*.h; do
    name=lhp/$(basename "$header")
    for language in "c -std=c11" "c++ -std=c++17"; do
        printf '#include <%s>\n' "$name" |
            "$1" -x "${language% *}" "${language#* }" -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -fsyntax-only -I "$2" -
    done
done
