#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `npm run bench [-- OPTIONS]`: times tsrun, runc and crun side by side (test/bench/bench.c). Needs root.
#
#   --runtimes "NAMES"   default "tsrun runc crun"; one that is not there is left out. A name may be NAME=PATH
#   --rounds N           default 50
#   --no-limit           do not search for the smallest memory limit
#   --installed          the runc and crun of this machine, even where newer ones are at hand
#
# Where ../shared/peers/with-peers lies beside the checkout, or TSRUN_PEERS names such a program, it gives current releases of
# runc and crun.
set -eu
cd "$(dirname "$0")/../.."

runtimes="tsrun runc crun"
rounds=50
limit=
installed=
while [ $# -gt 0 ]; do
	case $1 in
	--runtimes) runtimes=$2 && shift ;;
	--rounds) rounds=$2 && shift ;;
	--no-limit) limit=--no-limit ;;
	--installed) installed=1 ;;
	*) sed -n '3,11s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
	esac
	shift
done
if [ "$(id -u)" != 0 ]; then
	echo "bench: needs root" >&2
	exit 1
fi

work=dist/bench
peers=${TSRUN_PEERS:-../shared/peers/with-peers}

# Everything that needs a compiler or bun; the mount namespace of with-peers has neither.
prepare() {
	busybox=$(command -v busybox) || {
		echo "bench: needs a static busybox (apt-get install busybox-static)" >&2
		exit 1
	}
	mkdir -p $work/bundle/rootfs
	for dir in bin dev etc proc sys tmp; do mkdir -p $work/bundle/rootfs/$dir; done
	cp "$busybox" $work/bundle/rootfs/bin/busybox
	for name in sh sleep true; do ln -sf busybox $work/bundle/rootfs/bin/$name; done
	node_modules/.bin/bun test/bench/templates.ts $work
	flags="-std=gnu11 -O2 -static -Wall -Wextra -Werror -D_GNU_SOURCE"
	if command -v musl-gcc >/dev/null; then
		compiler="musl-gcc -idirafter /usr/include -idirafter /usr/include/$(gcc -print-multiarch)"
	else
		compiler=gcc
	fi
	# shellcheck disable=SC2086 # lists
	$compiler $flags test/bench/*.c -lm -o $work/bench
}

# Runs the bench itself, with those of the wanted runtimes that are there.
run() {
	set --
	for runtime in $runtimes; do
		path=${runtime#*=} name=${runtime%%=*}
		if [ "$runtime" = tsrun ]; then
			path=$PWD/dist/bin/tsrun
		else
			path=$(command -v "$path" || echo "$path")
		fi
		if ! "$path" --version >/dev/null 2>&1; then
			echo "bench: $name is left out: $path --version does not run" >&2
			continue
		fi
		echo "$("$path" --version | head -n 1) ($path)"
		set -- "$@" "$name=$path"
	done
	[ $# -gt 0 ] || exit 1
	echo "$(uname -sr), $(getconf _NPROCESSORS_ONLN) CPUs, $rounds rounds, load $(cut -d' ' -f1 /proc/loadavg)"
	# shellcheck disable=SC2086 # absent or one word
	exec $work/bench --rounds "$rounds" $limit --bundle "$PWD/$work/bundle" --templates $work "$@"
}

if [ -n "${TSRUN_BENCH_INSIDE:-}" ]; then
	run
fi
prepare
if [ -z "$installed" ] && [ -x $peers ]; then
	if $peers --packages "runc crun" -- true; then
		echo "runc and crun are those of $peers"
		TSRUN_BENCH_INSIDE=1 exec $peers --packages "runc crun" -- \
			sh cmd/dev/bench.sh --runtimes "$runtimes" --rounds "$rounds" $limit
	fi
	echo "bench: $peers does not work here" >&2
fi
echo "runc and crun are those installed here"
run
