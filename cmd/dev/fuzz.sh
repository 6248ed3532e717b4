#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `npm run fuzz [-- SECONDS]` (default 600): fuzzes the plan decoder under address and undefined behaviour sanitizers, with
# libFuzzer where clang is there, else with afl-fuzz, else with the mutations of the target itself.
set -eu
cd "$(dirname "$0")/../.."

seconds=${1:-600}
work=dist/fuzz
sources="test/fuzz/plan-decode.c test/wire/print.c csrc/plan/decode.c csrc/base/err.c"
flags="-std=gnu11 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all"

mkdir -p $work/corpus
node_modules/.bin/bun test/fuzz/corpus.ts $work/seeds
# shellcheck disable=SC2086 # lists of words
if command -v clang >/dev/null && clang $flags -fsanitize=fuzzer,address,undefined -DLIBFUZZER $sources -o $work/plan-decode; then
	exec $work/plan-decode -max_total_time="$seconds" -max_len=65536 -artifact_prefix=$work/ $work/corpus $work/seeds
elif command -v afl-fuzz >/dev/null && command -v afl-cc >/dev/null; then
	AFL_USE_ASAN=1 AFL_USE_UBSAN=1 afl-cc $flags $sources -o $work/plan-decode
	exec afl-fuzz -V "$seconds" -i $work/seeds -o $work/afl -- $work/plan-decode @@
fi
echo "fuzz: neither clang nor afl++ is here: mutations without coverage"
# shellcheck disable=SC2086
gcc $flags -fsanitize=address,undefined $sources -o $work/plan-decode
exec $work/plan-decode --seconds "$seconds" $work/seeds/*
