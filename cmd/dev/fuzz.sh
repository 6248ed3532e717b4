#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `npm run fuzz [-- SECONDS [TARGET...]]` (default 600, all): fuzzes the plan decoder, and what tsdock-files reads and writes,
# under address and undefined behaviour sanitizers, with libFuzzer where clang is there, else with afl-fuzz, else with the
# mutations of test/fuzz/driver.c.
set -eu
cd "$(dirname "$0")/../.."

seconds=${1:-600}
[ $# -eq 0 ] || shift
flags="-std=gnu11 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all"

sources_of() {
	case $1 in
	plan-decode) echo test/wire/print.c csrc/plan/decode.c csrc/base/err.c ;;
	files-frames) echo csrc/files/frame.c csrc/files/tar.c csrc/base/err.c csrc/base/io.c ;;
	*) echo "fuzz: no target \"$1\"; there are: plan-decode files-frames" >&2 && exit 2 ;;
	esac
}

# shellcheck disable=SC2086 # lists of words
fuzz() {
	target=$1
	sources="test/fuzz/$target.c $(sources_of "$target")"
	work=dist/fuzzing/$target
	mkdir -p "$work/corpus"
	node_modules/.bin/bun test/fuzz/corpus.ts "$target" "$work/seeds"
	if command -v clang >/dev/null && clang $flags -fsanitize=fuzzer,address,undefined $sources -o "$work/fuzz"; then
		"$work/fuzz" -max_total_time="$seconds" -max_len=65536 -artifact_prefix="$work/" "$work/corpus" "$work/seeds"
	elif command -v afl-fuzz >/dev/null && command -v afl-cc >/dev/null; then
		AFL_USE_ASAN=1 AFL_USE_UBSAN=1 afl-cc $flags test/fuzz/driver.c $sources -o "$work/fuzz"
		afl-fuzz -V "$seconds" -i "$work/seeds" -o "$work/afl" -- "$work/fuzz" @@
	else
		echo "fuzz: neither clang nor afl++ is here: mutations without coverage"
		gcc $flags -fsanitize=address,undefined test/fuzz/driver.c $sources -o "$work/fuzz"
		"$work/fuzz" --seconds "$seconds" "$work"/seeds/*
	fi
}

[ $# -gt 0 ] || set -- plan-decode files-frames
for one in "$@"; do fuzz "$one"; done
