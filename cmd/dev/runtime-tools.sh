#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `npm run test:runtime-tools [-- NAME...]`: runs the validation programs of opencontainers/runtime-tools on tsrun. As root.
# Arguments: only programs whose name contains one of them. The last line is `N passed, N failed, N skipped`.
# docs/runtime-tools.md says more.
#
#   RUNTIME_TOOLS          the sources of runtime-tools, with the programs built (make runtimetest validation-executables)
#   RUNTIME                the runtime; default dist/bin/tsrun
#   RUNTIME_TOOLS_OUT      where the output of each program goes (NAME.tap, NAME.err); default a directory that is removed
#   RUNTIME_TOOLS_TIMEOUT  seconds for one program; default 60
set -eu
[ -z "${RUNTIME_TOOLS:-}" ] || RUNTIME_TOOLS=$(realpath "$RUNTIME_TOOLS")
[ -z "${RUNTIME:-}" ] || RUNTIME=$(realpath "$RUNTIME")
[ -z "${RUNTIME_TOOLS_OUT:-}" ] || RUNTIME_TOOLS_OUT=$(realpath "$RUNTIME_TOOLS_OUT")
export RUNTIME_TOOLS RUNTIME RUNTIME_TOOLS_OUT

fail() {
	echo "runtime-tools: $*" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || fail "needs root"
# Mounts are made here, and some runtimes leave those of containers that share the mount namespace: both go with this one.
# Bundles of programs that failed are removed from outside of it, where nothing is mounted on them.
if [ -z "${RUNTIME_TOOLS_WORK:-}" ]; then
	RUNTIME_TOOLS_WORK=$(mktemp -d)
	# For the users of user namespaces.
	chmod 755 "$RUNTIME_TOOLS_WORK"
	export RUNTIME_TOOLS_WORK
	trap 'rm -rf --one-file-system "$RUNTIME_TOOLS_WORK"' EXIT
	unshare --mount --propagation private sh "$0" "$@" &
	trap 'kill $!; wait; exit 130' INT TERM
	wait $!
	exit
fi
cd "$(dirname "$0")/../.."
tools=${RUNTIME_TOOLS:-}
[ -n "$tools" ] || fail "set RUNTIME_TOOLS to a directory with the sources of runtime-tools"
[ -x "$tools/runtimetest" ] || fail "RUNTIME_TOOLS: $tools/runtimetest is missing: run 'make runtimetest' there"
[ -x "$tools/validation/default/default.t" ] ||
	fail "RUNTIME_TOOLS: the programs are missing: run 'make validation-executables' there"
[ -n "${RUNTIME:-}" ] || sh cmd/dev/build.sh
export RUNTIME="${RUNTIME:-$PWD/dist/bin/tsrun}"
[ -x "$RUNTIME" ] || fail "RUNTIME: $RUNTIME cannot be run"

work=$RUNTIME_TOOLS_WORK
out=${RUNTIME_TOOLS_OUT:-$work/out}
cgroups=/sys/fs/cgroup
mounted=
mkdir -p "$out" "$work/tmp"
export TMPDIR="$work/tmp"

# Controllers of cgroup v1 that are mounted nowhere, for this process and its children.
mount_rest() {
	[ -d $cgroups/memory ] || return 0
	for controller in hugetlb net_cls net_prio; do
		grep -q "^$controller	" /proc/cgroups || continue
		! grep -Eq " - cgroup [^ ]+ ([^ ]*,)?$controller(,|$)" /proc/self/mountinfo || continue
		[ -d $cgroups/$controller ] || made="${made:-} $controller"
		mkdir -p $cgroups/$controller
		mount -t cgroup -o $controller cgroup $cgroups/$controller && mounted="$mounted $controller"
	done
}

# A cgroup that is left would keep the hierarchy. Those are parents that the programs have named.
clean_up() {
	for directory in $cgroups/*/testdir; do
		rmdir "$directory/cgrouptest" "$directory" 2>/dev/null || true
	done
	# A hierarchy whose last cgroup has only just gone stays through its umount.
	for controller in $mounted; do
		umount $cgroups/$controller
		for attempt in 1 2 3 4 5; do
			! grep -q "^$controller	0	" /proc/cgroups || break
			sleep "$attempt"
			! mount -t cgroup -o $controller cgroup $cgroups/$controller || umount $cgroups/$controller
		done
	done
	for controller in ${made:-}; do
		rmdir $cgroups/$controller 2>/dev/null || true
	done
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mount_rest

. cmd/dev/wanted.sh

# What a program has said: `passed`, `skipped`, or `failed` and why. A few have no tests, but tell an error in a diagnostic.
judge() {
	awk -v status="$2" '
		/^not ok / && !/# *(SKIP|TODO)/ { failed++; if (!first) first = $0 }
		/^ok / { passed++ }
		/^(ok|1\.\.0) .*# *(SKIP|skip)/ { skipped++ }
		/^ *"error":/ && !error { error = $0; sub(/^ */, "", error); sub(/\\n.*/, "", error) }
		END {
			if (status == 124) print "failed: it took too long"
			else if (failed) print "failed: " failed " of " passed + failed " tests: " first
			else if (status != 0) print "failed: status " status
			else if (!passed && error) print "failed: " error
			else if (skipped && skipped >= passed) print "skipped"
			else print "passed"
		}
	' "$1"
}

passed=0 failed=0 skipped=0
cd "$tools"
for program in validation/*/*.t; do
	name=$(basename "$program" .t)
	wanted "$name" "$@" || continue
	status=0
	timeout --kill-after=10 "${RUNTIME_TOOLS_TIMEOUT:-60}" "$program" \
		>"$out/$name.tap" 2>"$out/$name.err" </dev/null || status=$?
	verdict=$(judge "$out/$name.tap" $status)
	printf '%s: %s\n' "$name" "$verdict"
	case $verdict in
	passed) passed=$((passed + 1)) ;;
	skipped) skipped=$((skipped + 1)) ;;
	*) failed=$((failed + 1)) ;;
	esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
