#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# private.sh COMMAND...: runs COMMAND as root where it may configure and start daemons: in mount, pid, network and cgroup
# namespaces of its own, with an empty /run and /var/lib, with /etc and /usr/local that can be written to and are as before
# afterwards, and below a cgroup of its own, which is removed with all that is in it.
set -eu

# "HIERARCHY PATH" for each mounted hierarchy that this process is in; "." is that of cgroup v2 alone.
hierarchies() {
	while IFS=: read -r _ controllers path; do
		name=${controllers#name=}
		if [ -n "$controllers" ]; then
			[ ! -e "/sys/fs/cgroup/$name/cgroup.procs" ] || echo "$name $path"
		elif [ -e /sys/fs/cgroup/cgroup.procs ]; then
			echo ". /"
		fi
	done </proc/self/cgroup
}

inner() {
	ip link set lo up
	mount -t tmpfs -o mode=755 tmpfs /run
	mount -t tmpfs -o mode=755 tmpfs /var/lib
	mount -t tmpfs -o mode=1777 tmpfs /dev/shm
	for directory in /etc /usr/local; do
		layers=/run/private$directory
		mkdir -p "$layers/upper" "$layers/work"
		mount -t overlay -o "lowerdir=$directory,upperdir=$layers/upper,workdir=$layers/work" overlay "$directory"
	done
	mkdir -p /run/lock /run/cgroup /run/home
	# The same hierarchies as before, as the cgroup namespace sees them; not the empty one of a hybrid host.
	if [ -e /sys/fs/cgroup/cgroup.procs ]; then
		mount -t cgroup2 cgroup2 /run/cgroup
		for controller in $(cat /run/cgroup/cgroup.controllers); do
			echo "+$controller" >/run/cgroup/cgroup.subtree_control || true
		done
	else
		mount -t tmpfs -o mode=755 tmpfs /run/cgroup
		hierarchies | while read -r name _; do
			mkdir "/run/cgroup/$name"
			options=$name
			grep -q "^${name%%,*}[[:space:]]" /proc/cgroups || options=none,name=$name
			mount -t cgroup -o "$options" cgroup "/run/cgroup/$name"
		done
		for link in /sys/fs/cgroup/*; do
			[ ! -L "$link" ] || cp -P "$link" /run/cgroup/
		done
	fi
	umount -R -l /sys
	mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
	mount --move /run/cgroup /sys/fs/cgroup
	export HOME=/run/home
	exec "$@"
}

# Processes of the namespaces are dead or dying; one in a frozen cgroup dies only when that thaws.
sweep() {
	tries=0
	while [ "$tries" -lt 100 ]; do
		left=$(find /sys/fs/cgroup -path "*/$tag*" -name cgroup.procs -printf '%h\n' 2>/dev/null | sort -r)
		[ -n "$left" ] || return 0
		for directory in $left; do
			[ ! -e "$directory/freezer.state" ] || echo THAWED >"$directory/freezer.state" || true
			rmdir "$directory" 2>/dev/null || true
		done
		sleep 0.1
		tries=$((tries + 1))
	done
	echo "private.sh: left behind: $left" >&2
}

if [ "${1-}" = --inner ]; then
	shift
	inner "$@"
fi
tag=tsrun-clients-$$
trap sweep EXIT
trap 'exit 130' INT TERM HUP
self=$0
sh -euc '
	tag=$1
	while read -r name path; do
		parent=/sys/fs/cgroup/$name${path%/}
		mkdir "$parent/$1"
		for file in cpuset.cpus cpuset.mems; do
			[ ! -e "$parent/$file" ] || cat "$parent/$file" >"$parent/$1/$file"
		done
		echo $$ >"$parent/$1/cgroup.procs"
	done <"$2"
	shift 2
	# With cgroup v2, processes may be in leaves only: also the one that waits outside of the new pid namespace.
	exec unshare --cgroup sh -euc '\''
		if [ -e /sys/fs/cgroup/cgroup.procs ]; then
			mkdir "/sys/fs/cgroup/$1/init"
			echo $$ >"/sys/fs/cgroup/$1/init/cgroup.procs"
		fi
		shift
		exec unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private "$@"
	'\'' sh "$tag" "$@"
' sh "$tag" /dev/stdin sh "$self" --inner "$@" <<END
$(hierarchies)
END
