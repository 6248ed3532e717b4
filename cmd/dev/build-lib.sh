#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds what Node imports: dist/lib (package tsrun) and spec/dist (package @opencontainers/runtime-spec-schema), with types.
# The programs are built by build.sh; the library runs dist/bin/tsrun.
set -eu
cd "$(dirname "$0")/../.."
if ! [ -x node_modules/.bin/tsc ]; then
	echo "node_modules is missing: run 'npm run setup' first" >&2
	exit 1
fi
mkdir -p dist
sh cmd/dev/build.sh validators
exec 9>dist/.build-lock
flock 9

# Replaced as a whole, so that nothing that was renamed or removed stays behind.
build() { # build CONFIG NEW FINAL
	rm -rf "$2"
	node_modules/.bin/tsc -p "$1"
	rm -rf "$3"
	mv "$2" "$3"
}
build cmd/dev/tsconfig.lib.json dist/lib.new dist/lib
build cmd/dev/tsconfig.spec.json dist/spec.new spec/dist
