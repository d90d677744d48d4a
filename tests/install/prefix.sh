#!/usr/bin/env bash
# prefix.sh BUILD SOURCE: what `cmake --install` lays down works from where it is, and from where it is moved to.
set -euo pipefail
build=$1
source=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
    printf 'prefix.sh: %s\n' "$*" >&2
    exit 1
}

cmake --install "$build" --prefix "$scratch/first" >"$scratch/install.log" || { cat "$scratch/install.log"; exit 1; }
# Moved, so that nothing can depend on the place where it was installed.
mv "$scratch/first" "$scratch/moved"
prefix=$scratch/moved

"$prefix/bin/lockhound" --version | grep -q '^lockhound [0-9]' || fail "--version does not answer"
[ "$("$prefix/bin/lockhound" --quiet -- echo hello)" = hello ] || fail "the installed command does not run a program"
for page in share/man/man1/lockhound.1 share/doc/lockhound/README.md share/doc/lockhound/LICENSE; do
    [ -s "$prefix/$page" ] || fail "$page was not installed"
done

# pkg-config
pc=$(find "$prefix" -name lockhound.pc)
[ -n "$pc" ] || fail "no lockhound.pc was installed"
preload=$(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --variable=preload lockhound)
[ -f "$preload" ] || fail "pkg-config names $preload, which does not exist"
LD_PRELOAD=$preload LOCKHOUND_OPTIONS=quiet=yes echo "preloaded" | grep -q preloaded || fail "LD_PRELOAD broke echo"

# find_package and lockhound_add_test
cmake -S "$source/tests/install/outside" -B "$scratch/outside" -DCMAKE_PREFIX_PATH="$prefix" >"$scratch/configure.log" ||
    { cat "$scratch/configure.log"; exit 1; }
cmake --build "$scratch/outside" >"$scratch/build.log" || { cat "$scratch/build.log"; exit 1; }
ctest --test-dir "$scratch/outside" --output-on-failure -E '^refused_' || fail "a test of the outside project failed"
# These expect what is not there, so each of them has to fail.
for refused in refused_clean refused_kind refused_status; do
    if ctest --test-dir "$scratch/outside" -R "^$refused\$" --no-tests=error >"$scratch/$refused.log"; then
        fail "$refused passed"
    fi
    grep -q "$refused .*Failed" "$scratch/$refused.log" || fail "$refused did not run"
done
printf 'prefix.sh: installed, moved, found by pkg-config and CMake\n'
