#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `npm run conformance [-- FILTER...]`: runs the tests of real containers, here and, where there is one, in the virtual machine
# with cgroup v2; notes which fields of config.json they exercise (test/conformance/exercised.json) and writes the table
# docs/spec-conformance.md. Arguments: only test files whose path contains one of them; what is said of others stays.
# Needs root. `-- --table` runs no test and only writes the table.
set -eu
cd "$(dirname "$0")/../.."

write() {
	node_modules/.bin/bun test/conformance/write.ts "$@"
	node_modules/.bin/biome format --write test/conformance/exercised.json >/dev/null
}

if [ "${1:-}" = --table ]; then
	write
	exit
fi
if [ "$(id -u)" != 0 ]; then
	echo "conformance: needs root" >&2
	exit 1
fi
TSRUN_TEST_RECORD=$(mktemp -d)
export TSRUN_TEST_RECORD
trap 'rm -rf "$TSRUN_TEST_RECORD"' EXIT
[ $# -gt 0 ] || set -- test/host/
node_modules/.bin/bun cmd/dev/run-tests.ts "$@"
if [ -x "${VM_RUN:-../shared/vm/vm-run}" ]; then
	sh cmd/dev/test-vm.sh "$@"
fi
write "$TSRUN_TEST_RECORD/tests.jsonl"
