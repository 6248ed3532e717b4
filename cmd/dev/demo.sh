#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `npm run demo`: from a fresh Debian or Ubuntu to a running container. Sets the machine up, builds, then shows create, state,
# start, exec, kill and delete of a real container with what each cost, and explains one of its mounts. Leaves nothing behind.
set -eu
cd "$(dirname "$0")/../.."

fail() {
	echo "demo: $*" >&2
	exit 1
}

[ "$(uname -s)" = Linux ] || fail "containers need Linux, this is $(uname -s)"
sh cmd/dev/setup.sh
sh cmd/dev/build.sh
tsrun=$PWD/dist/bin/tsrun
for name in tsrun tsrun-plan tsrun-seccomp tsrun-systemd; do
	[ -x "dist/bin/$name" ] || fail "dist/bin/$name is missing although the build succeeded"
done

kernel=$(uname -r)
major=${kernel%%.*}
minor=${kernel#*.}
minor=${minor%%[!0-9]*}
if [ "$major" -lt 5 ] || { [ "$major" -eq 5 ] && [ "$minor" -lt 12 ]; }; then
	fail "Linux 5.12 or newer is needed, this is $kernel"
fi
busybox=
for path in /bin/busybox /usr/bin/busybox; do
	[ -x "$path" ] && busybox=$path && break
done
[ -n "$busybox" ] || fail "no busybox on this machine: apt-get install busybox-static"

work=$(mktemp -d)
id=demo-$$
mode=root
[ "$(id -u)" = 0 ] || mode=rootless
run() { "$tsrun" --root "$work/state" "$@"; }
cleanup() {
	[ ! -d "$work/state/$id" ] || run delete --force "$id" || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# A bundle: a root file system, and the config.json that says what to do with it.
mkdir -p "$work/bundle/rootfs/bin" "$work/data"
rootfs=$work/bundle/rootfs
cp "$busybox" "$rootfs/bin/busybox"
for name in sh cat echo hostname id ps sleep ls; do ln -s busybox "$rootfs/bin/$name"; done
for name in dev etc proc sys data tmp; do mkdir -p "$rootfs/$name"; done
echo "written on the host" >"$work/data/note"
if [ "$mode" = root ]; then
	run spec --bundle "$work/bundle"
else
	run spec --rootless --bundle "$work/bundle"
fi
node -e '
	const fs = require("node:fs")
	const [file, data, id, mode] = process.argv.slice(1)
	const config = JSON.parse(fs.readFileSync(file, "utf8"))
	config.process.terminal = false
	config.process.args = ["sh", "-c", "echo hello from $(hostname), process $$; exec sleep 1000"]
	config.hostname = "demo"
	config.mounts.push({ destination: "/data", type: "bind", source: data, options: ["rbind", "ro", "nodev"] })
	if (mode === "root") config.linux.cgroupsPath = "/" + id
	fs.writeFileSync(file, JSON.stringify(config, null, 2))
' "$work/bundle/config.json" "$work/data" "$id" "$mode"

now() { date +%s%N; }
step() { # step COMMAND...: shows the command, its output, and what it cost
	printf '\n$ tsrun %s\n' "$*"
	begin=$(now)
	run "$@" >"$work/out" 2>"$work/err" </dev/null && status=0 || status=$?
	end=$(now)
	sed 's/^/  /' "$work/out" "$work/err"
	[ -z "$(tail -c 1 "$work/out" 2>/dev/null)" ] || echo
	awk -v ns="$((end - begin))" 'BEGIN { printf "  (%.1f ms)\n", ns / 1e6 }'
	[ "$status" = 0 ] || fail "tsrun $1 ended with status $status; see above"
}

echo "a container of busybox, as $mode, with Linux $kernel; $("$tsrun" --version | head -n 1)"
step create --bundle "$work/bundle" "$id"
step state "$id"
step start "$id"
step exec "$id" ps
step exec "$id" cat /data/note
step kill "$id" KILL
tries=0
until run state "$id" | grep -q '"stopped"'; do
	tries=$((tries + 1))
	[ "$tries" -lt 200 ] || fail "the container does not stop"
	sleep 0.01
done
step delete "$id"

printf '\n%s\n' "what the mount of /data becomes ('tsrun explain' prints all of the plan, without root and without doing it):"
printf '$ tsrun explain --bundle %s | grep /data\n' "$work/bundle"
run explain --bundle "$work/bundle" >"$work/plan" || fail "tsrun explain failed"
grep -F '/data' "$work/plan" | sed 's/^/  /'
printf '\n%s\n' "all of it is gone again. Next: README.md, 'npm run install:system', man docs/tsrun.8"
