#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sets the machine up, then builds, checks and tests. An argument: only test files whose path contains it.
set -eu
cd "$(dirname "$0")/../.."
sh cmd/dev/setup.sh
exec node_modules/.bin/bun cmd/dev/run-tests.ts "$@"
