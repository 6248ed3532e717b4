#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what `npm run build` made. `npm run install:system -- [--prefix DIR]`, default /usr/local. DESTDIR is put before
# all paths, for packagers. Each file is replaced at once: containers and callers that run meanwhile do not notice.
set -eu
cd "$(dirname "$0")/../.."

prefix=/usr/local
while [ $# -gt 0 ]; do
	case $1 in
	--prefix=*) prefix=${1#--prefix=} ;;
	--prefix)
		[ $# -gt 1 ] || { echo "--prefix needs a directory" >&2; exit 1; }
		prefix=$2
		shift
		;;
	*)
		echo "usage: npm run install:system -- [--prefix DIR]   (unknown: $1)" >&2
		exit 1
		;;
	esac
	shift
done
case $prefix in
/*) ;;
*)
	echo "--prefix: \"$prefix\" is not an absolute path" >&2
	exit 1
	;;
esac

for name in tsrun tsdock tsrun-plan tsrun-seccomp tsrun-systemd tsdock-files tsdock-net tsdock-rootless tsdock-monitor tsdock-init; do
	if ! [ -x "dist/bin/$name" ]; then
		echo "dist/bin/$name is missing: run 'npm run build' first" >&2
		exit 1
	fi
done

place() { # place MODE SOURCE TARGET
	target=${DESTDIR-}$3
	mkdir -p "$(dirname "$target")" &&
		cp "$2" "$target.new.$$" &&
		chmod "$1" "$target.new.$$" &&
		mv -f "$target.new.$$" "$target" || {
		rm -f "$target.new.$$"
		echo "cannot install $target (as user $(id -u); another place: --prefix DIR)" >&2
		exit 1
	}
	echo "$target"
}

# The companions come first: a new tsrun must never meet an old planner.
place 0755 dist/bin/tsrun-seccomp "$prefix/libexec/tsrun/tsrun-seccomp"
place 0755 dist/bin/tsrun-systemd "$prefix/libexec/tsrun/tsrun-systemd"
place 0755 dist/bin/tsdock-files "$prefix/libexec/tsrun/tsdock-files"
place 0755 dist/bin/tsdock-monitor "$prefix/libexec/tsrun/tsdock-monitor"
place 0755 dist/bin/tsdock-init "$prefix/libexec/tsrun/tsdock-init"
place 0755 dist/bin/tsdock-net "$prefix/libexec/tsrun/tsdock-net"
place 0755 dist/bin/tsdock-rootless "$prefix/libexec/tsrun/tsdock-rootless"
place 0755 dist/bin/tsrun-plan "$prefix/libexec/tsrun/tsrun-plan"
place 0755 dist/bin/tsrun "$prefix/bin/tsrun"
# A link: it finds its companions beside itself.
place 0755 dist/bin/tsdock "$prefix/libexec/tsrun/tsdock"
tsdock=${DESTDIR-}$prefix/bin/tsdock
ln -sfn ../libexec/tsrun/tsdock "$tsdock"
echo "$tsdock"
place 0644 docs/tsrun.8 "$prefix/share/man/man8/tsrun.8"
