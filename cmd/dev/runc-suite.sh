#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `npm run test:runc-suite [-- NAME...]`: runs the integration tests of runc on tsrun. As root. Arguments: only files of tests
# whose name contains one of them. The last line is `N passed, N failed, N skipped`. docs/runc-suite.md says more.
#
#   RUNC_SUITE          the sources of runc, with the helper programs built (make test-binaries)
#   RUNC                the runtime; default dist/bin/tsrun
#   RUNC_SUITE_OUT      where the output of each file of tests goes (NAME.tap); default a directory that is removed at the end
#   RUNC_SUITE_TIMEOUT  seconds for one file of tests; default 600
set -eu
[ -z "${RUNC_SUITE:-}" ] || RUNC_SUITE=$(realpath "$RUNC_SUITE")
[ -z "${RUNC:-}" ] || RUNC=$(realpath "$RUNC")
cd "$(dirname "$0")/../.."

fail() {
	echo "runc-suite: $*" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || fail "needs root"
suite=${RUNC_SUITE:-}
[ -n "$suite" ] || fail "set RUNC_SUITE to a directory with the sources of runc"
tests=$suite/tests/integration
[ -e "$tests/helpers.bash" ] || fail "RUNC_SUITE: $tests/helpers.bash is missing"
[ -x "$suite/tests/cmd/_bin/recvtty" ] || fail "RUNC_SUITE: the helper programs are missing: run 'make test-binaries' there"
for program in bats jq gawk go gcc ip script; do
	command -v $program >/dev/null || fail "$program is missing"
done
[ -n "${RUNC:-}" ] || sh cmd/dev/build.sh
program=${RUNC:-$PWD/dist/bin/tsrun}
[ -x "$program" ] || fail "RUNC: $program cannot be run"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
out=${RUNC_SUITE_OUT:-$work/out}
# Help and version are wanted under the name of runc, which a program has that is called by it.
mkdir -p "$out" "$work/bin"
ln -s "$program" "$work/bin/runc"
export RUNC="$work/bin/runc"
mkfifo "$work/silence"

. cmd/dev/wanted.sh

# Lines of a TAP file as `passed failed skipped`. Tests that were planned and not told of have failed: bats was ended before.
count() {
	awk '
		/^1\.\.[0-9]+/ { planned = substr($1, 4) + 0 }
		/^not ok / { failed++ }
		/^ok .* # skip/ { skipped++; next }
		/^ok / { passed++ }
		END {
			if (planned > passed + failed + skipped || !planned) failed = planned - passed - skipped + !planned
			print passed + 0, failed + 0, skipped + 0
		}
	' "$1"
}

set_counts() {
	p=$1 f=$2 s=$3
}

passed=0 failed=0 skipped=0
for file in "$tests"/*.bats; do
	name=$(basename "$file" .bats)
	wanted "$name" "$@" || continue
	tap=$out/$name.tap
	# One test of checkpoint may hang for good, and the others are behind it (bats 1.8 or newer). Not elsewhere: a test that
	# waits for all that it has started would wait for the clock, too.
	unset BATS_TEST_TIMEOUT
	[ "$name" != checkpoint ] || export BATS_TEST_TIMEOUT=120
	# A terminal of its own, as many tests run containers with one; it is typed on never, and without an end. To a file and
	# not to a pipe, as what a container leaves running would hold that open.
	TSRUN_TAP=$tap TSRUN_BATS=$file timeout --kill-after=10 "${RUNC_SUITE_TIMEOUT:-600}" \
		script --quiet --command 'bats --tap "$TSRUN_BATS" >"$TSRUN_TAP" 2>&1' /dev/null <>"$work/silence" >/dev/null || true
	# shellcheck disable=SC2046 # three numbers
	set_counts $(count "$tap")
	echo "$name: $p passed, $f failed, $s skipped"
	sed -n 's/^not ok [0-9]* /  failed: /p' "$tap"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
