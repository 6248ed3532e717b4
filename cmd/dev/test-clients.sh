#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `npm run test:clients [-- WORD...]`: runs the snippets of docs/clients.md with those of containerd, docker, podman, buildah and nerdctl
# that are on this machine, in namespaces and cgroups of their own: no daemon or file of the machine is touched. Needs root.
# WORD: only checks whose title contains it. The last line is `N passed, N failed, N skipped`.
set -eu
cd "$(dirname "$0")/../.."

if [ "$(id -u)" != 0 ]; then
	echo "test:clients: needs root" >&2
	exit 1
fi
sh cmd/dev/build.sh
exec sh test/clients/private.sh node_modules/.bin/bun test/clients/main.ts "$@"
