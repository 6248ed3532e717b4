#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `npm run test:peers [-- --write] [-- RUNTIME...]`: the tests of real containers on tsrun and on those of runc and crun that
# are on PATH (test/peers.ts). --write renews docs/host-tests-on-peers.md. Needs root.
#
# Where ../shared/peers/with-peers lies beside the checkout, it gives current releases of runc and crun.
set -eu
cd "$(dirname "$0")/../.."

if [ "$(id -u)" != 0 ]; then
	echo "test:peers: needs root" >&2
	exit 1
fi
if [ -z "${TSRUN_PEERS_INSIDE:-}" ]; then
	sh cmd/dev/build.sh
	# Compiles the test programs: the mount namespace of with-peers has no compiler.
	node_modules/.bin/bun test/peers.ts --prepare
	peers=../shared/peers/with-peers
	if [ -x $peers ]; then
		TSRUN_PEERS_INSIDE=1 exec $peers --packages "runc crun criu libcriu2 iproute2 busybox-static procps uidmap nodejs" -- \
			sh cmd/dev/test-peers.sh "$@"
	fi
fi
exec node_modules/.bin/bun test/peers.ts "$@"
