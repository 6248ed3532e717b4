#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a machine ready to build and test: Debian packages when root, npm packages when absent. Where it cannot install, it
# says what is missing and with which command to install it. It needs nothing but a POSIX shell, so it comes first.
set -eu
cd "$(dirname "$0")/../.."

packages=
need() { # need PACKAGE COMMAND...: the package is missing when the command fails
	package=$1
	shift
	"$@" >/dev/null 2>&1 || packages="$packages $package"
}
has() { command -v "$1"; }
compiles() { echo "#include <$1>" | gcc -E -; }

need gcc has gcc
need make has make
need python3 python3 -c 'import json, subprocess'
need libc6-dev compiles stdio.h
need linux-libc-dev compiles linux/openat2.h
need libseccomp-dev compiles seccomp.h
need musl-tools has musl-gcc
need busybox-static test -x /bin/busybox
need clang-format has clang-format
need cppcheck has cppcheck
need procps has ps
need util-linux has flock
need git has git

# Older kernels' headers lack what the C side uses; a libc6-dev without linux-libc-dev does not exist on Debian.
if [ -n "$packages" ]; then
	if [ "$(id -u)" = 0 ] && has apt-get >/dev/null; then
		echo "installing:$packages"
		export DEBIAN_FRONTEND=noninteractive
		# shellcheck disable=SC2086 # a list
		apt-get install -y --no-install-recommends $packages >/dev/null 2>&1 ||
			{ apt-get update >/dev/null && apt-get install -y --no-install-recommends $packages >/dev/null; } ||
			{
				echo "apt-get could not install:$packages" >&2
				exit 1
			}
	else
		echo "missing packages (Debian's names):$packages" >&2
		echo "install them: sudo apt-get update && sudo apt-get install -y --no-install-recommends$packages" >&2
		exit 1
	fi
fi

if ! has node >/dev/null || ! has npm >/dev/null; then
	echo "missing: node and npm. Install Node 20.19 or newer, for example from https://nodejs.org" >&2
	exit 1
fi
if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
	echo "Node $(node --version) is too old: install 20.19 or newer, for example from https://nodejs.org" >&2
	exit 1
fi

if ! [ -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
	echo "installing npm packages"
	npm ci --no-audit --no-fund --loglevel=error
	touch node_modules/.package-lock.json
fi
# npm may be told to run no install scripts; this one only puts the program of the platform's package into place.
if ! node_modules/.bin/bun --version >/dev/null 2>&1; then
	node node_modules/bun/install.js
	node_modules/.bin/bun --version >/dev/null || {
		echo "bun does not run on this machine: $(uname -m), libc $(getconf GNU_LIBC_VERSION 2>&1)" >&2
		exit 1
	}
fi
