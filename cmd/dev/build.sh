#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds what is out of date, one build at a time. Arguments: steps of build.ts; none: all.
set -eu
cd "$(dirname "$0")/../.."
if ! [ -x node_modules/.bin/bun ]; then
	echo "node_modules is missing: run 'npm run setup' first" >&2
	exit 1
fi
mkdir -p dist
exec flock dist/.build-lock node_modules/.bin/bun cmd/dev/build.ts "$@"
