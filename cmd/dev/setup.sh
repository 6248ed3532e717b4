#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a machine ready to build and test: Debian or Ubuntu packages when root, npm packages when absent. Where it cannot
# install, it says what is missing and with which command to install it; it fails only without what the build needs. It
# needs nothing but a POSIX shell, so it comes first.
set -eu
cd "$(dirname "$0")/../.."

required=
wanted=
has() { command -v "$1"; }
compiles() { echo "#include <$1>" | gcc -E -; }
need() { # need PACKAGE COMMAND...: the build needs the package, which is missing when the command fails
	package=$1
	shift
	"$@" >/dev/null 2>&1 || required="$required $package"
}
want() { # the same for packages without which checks or tests are skipped
	package=$1
	shift
	"$@" >/dev/null 2>&1 || wanted="$wanted $package"
}
install() { # install PACKAGE...: with a fresh list of packages when the present one does not do
	echo "installing: $*"
	export DEBIAN_FRONTEND=noninteractive
	apt-get install -y --no-install-recommends "$@" >/dev/null 2>&1 ||
		{ apt-get update >/dev/null && apt-get install -y --no-install-recommends "$@" >/dev/null; }
}
can_install() { [ "$(id -u)" = 0 ] && has apt-get >/dev/null; }

need gcc has gcc
need make has make
need python3 python3 -c 'import json, subprocess'
need libc6-dev compiles stdio.h
need linux-libc-dev compiles linux/openat2.h
need libseccomp-dev compiles seccomp.h
need util-linux has flock
# Without it tsrun cannot have systemd make cgroups.
want libsystemd-dev compiles systemd/sd-bus.h
want musl-tools has musl-gcc
want pkg-config has pkg-config
want git has git
want clang-format has clang-format
want cppcheck has cppcheck
want procps has ps
want uidmap has newuidmap
# Networks of tsdock's containers, and a registry to talk to.
want containernetworking-plugins test -x /usr/lib/cni/bridge
want iptables has iptables
want iproute2 has ip
want passt has pasta
want docker-registry has docker-registry
# The user land of the containers in tests; the package busybox will not do, it is linked dynamically.
want busybox-static sh -c 'test -x /bin/busybox && ! ldd /bin/busybox'

if [ -n "$required$wanted" ]; then
	# shellcheck disable=SC2086 # lists
	if can_install; then
		if ! install $required $wanted; then
			[ -z "$required" ] || install $required || {
				echo "apt-get could not install:$required" >&2
				exit 1
			}
			# A release may lack one of them: the others are installed all the same.
			for package in $wanted; do
				install "$package" || echo "apt-get could not install $package: what needs it is left out" >&2
			done
		fi
	else
		echo "missing packages (Debian's names):$required$wanted" >&2
		echo "install them: sudo apt-get update && sudo apt-get install -y --no-install-recommends$required$wanted" >&2
		[ -z "$required" ] || exit 1
	fi
fi

new_enough() { # new_enough VERSION: of Node
	major=${1%%.*}
	minor=${1#*.}
	[ "$major" -gt 20 ] || { [ "$major" -eq 20 ] && [ "${minor%%.*}" -ge 19 ]; }
}
# What apt would install as a package, without epoch and Debian's own number.
candidate() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: \([0-9]*:\)\{0,1\}\([0-9][0-9.]*\).*/\2/p'; }
no_node() { # no_node WHAT: says what is wrong and which commands mend it
	sudo="sudo "
	[ "$(id -u)" != 0 ] || sudo=
	arch=x64
	[ "$(uname -m)" != aarch64 ] || arch=arm64
	echo "$1: Node 20.19 or newer with npm is needed. These commands put one into /usr/local:" >&2
	has curl >/dev/null || {
		echo "  ${sudo}apt-get update" >&2
		echo "  ${sudo}apt-get install -y --no-install-recommends ca-certificates curl" >&2
	}
	echo "  curl -fsSL https://nodejs.org/dist/v22.20.0/node-v22.20.0-linux-$arch.tar.gz |" >&2
	echo "    ${sudo}tar -xz -C /usr/local --strip-components=1" >&2
	exit 1
}

# Debian 13 and Ubuntu 25.10 have a Node that is new enough, and those before do not.
if ! has node >/dev/null && can_install; then
	[ -n "$(candidate nodejs)" ] || apt-get update >/dev/null
	version=$(candidate nodejs)
	new_enough "${version:-0.0}" || no_node "no Node, and the package nodejs is ${version:-missing}"
	install nodejs
fi
has node >/dev/null || no_node "no Node"
new_enough "$(node -p process.versions.node)" || no_node "Node $(node --version) ($(command -v node)) is too old"
if ! has npm >/dev/null && can_install; then
	install npm || true
fi
has npm >/dev/null || no_node "no npm"

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
