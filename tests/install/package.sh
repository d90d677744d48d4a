#!/usr/bin/env bash
# package.sh BUILD SOURCE: the Debian package has its control fields and its files, and they work unpacked.
set -euo pipefail
build=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
    printf 'package.sh: %s\n' "$*" >&2
    exit 1
}

command -v dpkg-deb >/dev/null || { printf 'package.sh: no dpkg here\n'; exit 0; }
(cd "$build" && cpack -G DEB -B "$scratch/made") >"$scratch/cpack.log" || { cat "$scratch/cpack.log"; exit 1; }
package=$(find "$scratch/made" -maxdepth 1 -name 'lockhound_*.deb')
[ -n "$package" ] || fail "cpack made no package"

[ "$(dpkg-deb -f "$package" Package)" = lockhound ] || fail "wrong package name"
dpkg-deb -f "$package" Depends | grep -q 'libc6' || fail "the package does not depend on libc6"
dpkg-deb -x "$package" "$scratch/root"
"$scratch/root/usr/bin/lockhound" --quiet -- true || fail "the packaged command does not run a program"
printf 'package.sh: %s\n' "$(basename "$package")"
