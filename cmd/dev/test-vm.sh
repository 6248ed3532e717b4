#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `npm run test:vm [-- [--user USER] FILTER...]`: builds here, then runs the host and security tests in a virtual machine that
# has cgroup v2 alone and systemd as init. Arguments: only test files whose path contains one of them. As a user that is not
# root, what needs root is skipped, and the rest runs in user namespaces below that user's own systemd.
# The last line is `N passed, N failed[, N skipped]`.
#
# What starts the machine is no part of this project: VM_RUN names it, else it is ../shared/vm/vm-run. It is called as
# `$VM_RUN --timeout SECONDS --user USER --share DIR -- COMMAND...` and runs COMMAND as USER in DIR, which the machine shares.
#
#   VM_TIMEOUT       seconds until the machine is stopped; default 5400
#   TSRUN_TEST_LONG=1  also what takes long; TSDOCK_WALK_BASE: the base image of test/walk, see there
#   TSRUN_TEST_RECORD  directory for what the tests exercise: see cmd/dev/conformance.sh
#   TSRUN_TEST_SLOW  factor for the time limits of the tests; default 10, as the processor may be emulated
set -eu
cd "$(dirname "$0")/../.."

fail() {
	echo "test-vm: $*" >&2
	exit 1
}

user=root
if [ "${1-}" = --user ]; then
	[ $# -gt 1 ] || fail "--user needs the name of a user of the machine"
	user=$2
	shift 2
fi
vm_run=${VM_RUN:-../shared/vm/vm-run}
[ -x "$vm_run" ] || fail "no virtual machine: $vm_run is missing; set VM_RUN to a program that starts one"
bun=node_modules/.bin/bun
[ -x $bun ] || fail "node_modules is missing: run 'npm run setup' first"

sh cmd/dev/build.sh
sh cmd/dev/build-lib.sh
share=$(mktemp -d)
chmod 755 "$share"
trap 'rm -rf "$share"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The machine needs neither compiler nor package registry: all that is run is taken along.
project=$share/project
mkdir -p "$project/dist/test" "$project/node_modules/.bin"
cp -r package.json tsconfig.json bundles cmd examples runtime spec test "$project/"
cp -r dist/bin dist/lib "$project/dist/"
cp -L $bun "$project/node_modules/.bin/bun"
for name in uvu dequal diff kleur mri sade; do cp -rL node_modules/$name "$project/node_modules/"; done
$bun -e '
	const { programNames, programPath } = await import("./test/helpers/programs.ts")
	const { copyFileSync } = await import("node:fs")
	for (const name of programNames) copyFileSync(programPath(name), `${process.argv[1]}/${name}`)
' "$project/dist/test"
# One file, as each file of a share costs a round trip.
tar -C "$share" -cf "$share/project.tar" project
rm -rf "$project"

[ -z "${TSRUN_TEST_RECORD:-}" ] || mkdir "$share/record"
[ -z "${TSDOCK_WALK_BASE:-}" ] || install -m 644 "$TSDOCK_WALK_BASE" "$share/walk-base.tar"
[ $# -gt 0 ] || set -- test/host/ test/security/
status=0
# shellcheck disable=SC2016 # expanded inside
"$vm_run" --timeout "${VM_TIMEOUT:-5400}" --user "$user" --share "$share" -- \
	env "TSRUN_TEST_SLOW=${TSRUN_TEST_SLOW:-10}" "TSRUN_TEST_ONLY=${TSRUN_TEST_ONLY-}" "TSRUN_RUNTIME=${TSRUN_RUNTIME-}" \
	"TSRUN_TEST_LONG=${TSRUN_TEST_LONG-}" sh -euc '
	[ ! -f walk-base.tar ] || export TSDOCK_WALK_BASE="$PWD/walk-base.tar"
	[ ! -d record ] || export TSRUN_TEST_RECORD="$PWD/record"
	[ -n "$TSRUN_TEST_ONLY" ] || unset TSRUN_TEST_ONLY
	[ -n "$TSRUN_RUNTIME" ] || unset TSRUN_RUNTIME
	work=$(mktemp -d)
	[ "$(id -u)" != 0 ] || mount -t tmpfs -o mode=755 tmpfs "$work"
	chmod 755 "$work"
	tar -C "$work" -xf project.tar
	cd "$work/project"
	echo "Linux $(uname -r), $(stat -f -c %T /sys/fs/cgroup), $(cat /proc/1/comm), user $(id -un)"
	TSRUN_TEST_BIN=$PWD/dist/test exec node_modules/.bin/bun cmd/dev/run-tests.ts "$@"
' sh "$@" || status=$?
[ ! -f "$share/record/tests.jsonl" ] || cat "$share/record/tests.jsonl" >>"$TSRUN_TEST_RECORD/tests.jsonl"
exit "$status"
