#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `npm run bench:build [-- ROUNDS]`: tsdock beside buildah, in turn, on the same Dockerfiles. Medians in ms, and their ratio.
# Then the unpacking of an image of 1 GB beside skopeo and umoci, where they are. Needs root, buildah and 12 GB; everything lies in
# a directory that goes at the end.
set -eu
cd "$(dirname "$0")/../.."
rounds=${1:-7}
[ "$(id -u)" = 0 ] || { echo "bench:build: needs root" >&2; exit 1; }
command -v buildah >/dev/null || { echo "bench:build: buildah is missing (apt-get install buildah)" >&2; exit 1; }
sh cmd/dev/build.sh >/dev/null
work=$(mktemp -d)
tsdock=$PWD/dist/bin/tsdock
export TSDOCK_ROOT="$work/tsdock"
buildah="buildah --root $work/root --runroot $work/run --storage-driver overlay"
cleanup() {
	$buildah rmi -a -f >/dev/null 2>&1 || true
	awk -v at="$work/" 'index($5, at) == 1 { print $5 }' /proc/self/mountinfo | sort -r | xargs -r -n1 umount -l
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir "$work/base" "$work/steps" "$work/copy"
cp /bin/busybox "$work/base/busybox"
cat >"$work/base/Dockerfile" <<'END'
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
END
"$tsdock" build -q -t localhost/base "$work/base" >/dev/null
"$tsdock" save -o "$work/base.tar" localhost/base
$buildah pull -q "docker-archive:$work/base.tar" >/dev/null

{
	echo 'FROM localhost/base'
	i=0
	while [ $i -lt 20 ]; do
		echo "RUN true $i"
		i=$((i + 1))
	done
} >"$work/steps/Dockerfile"
printf 'FROM localhost/base\nCOPY . /ctx\n' >"$work/copy/Dockerfile"
# 50 000 files of 4 kB
(cd "$work/copy" && i=0 && while [ $i -lt 50 ]; do
	mkdir "d$i"
	(cd "d$i" && head -c 4096000 /dev/urandom | split -b 4096 -a 4 - f)
	i=$((i + 1))
done)

# buildah's own defaults are more than an ordinary shell may have.
built() { $buildah bud -q --isolation oci --runtime "$(command -v runc)" --network host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 "$@"; }
now() { date +%s%N; }
# NAME ROUNDS DIRECTORY FLAGS-OF-TSDOCK FLAGS-OF-BUILDAH
measure() {
	: >"$work/a"
	: >"$work/b"
	r=0
	while [ $r -lt "$2" ]; do
		t0=$(now)
		# shellcheck disable=SC2086 # words
		"$tsdock" build -q $4 -t localhost/x "$3" >/dev/null
		t1=$(now)
		# shellcheck disable=SC2086
		built $5 -t localhost/x "$3" >/dev/null 2>&1
		t2=$(now)
		echo $(((t1 - t0) / 1000000)) >>"$work/a"
		echo $(((t2 - t1) / 1000000)) >>"$work/b"
		r=$((r + 1))
	done
	a=$(sort -n "$work/a" | sed -n "$((($2 + 1) / 2))p")
	b=$(sort -n "$work/b" | sed -n "$((($2 + 1) / 2))p")
	awk -v name="$1" -v a="$a" -v b="$b" 'BEGIN { printf "%-34s tsdock %6d ms  buildah %6d ms  ratio %.2f\n", name, a, b, a / b }'
}

echo "$(buildah --version), load $(cut -d' ' -f1 /proc/loadavg), $rounds rounds"
measure "20 steps of RUN true" "$rounds" "$work/steps" --no-cache "--layers --no-cache"
"$tsdock" build -q -t localhost/x "$work/steps" >/dev/null
built --layers -t localhost/x "$work/steps" >/dev/null 2>&1
measure "the same, all cached" "$rounds" "$work/steps" "" "--layers"
measure "COPY of 50 000 files (200 MB)" "$((rounds < 3 ? rounds : 3))" "$work/copy" --no-cache "--layers --no-cache"

command -v skopeo >/dev/null && command -v umoci >/dev/null || { echo "unpacking: skopeo or umoci is missing: left out"; exit 0; }
# Nothing is removed before the end: ext4 looks long for inodes that were not in use a moment ago.
mkdir "$work/big"
# Four layers of 250 MB: half of them noise, half numbers, in files of 64 and 16 kB.
for layer in 1 2 3 4; do
	mkdir "$work/big/l$layer"
	(cd "$work/big/l$layer" && i=0 && while [ $i -lt 25 ]; do
		mkdir "d$i"
		(cd "d$i" && head -c 5000000 /dev/urandom | split -b 65536 -a 3 - r &&
			seq $((i * 100000)) 9999999 | head -c 5000000 | split -b 16384 -a 4 - t)
		i=$((i + 1))
	done)
done
printf 'FROM scratch\nCOPY l1 /l1\nCOPY l2 /l2\nCOPY l3 /l3\nCOPY l4 /l4\nCMD ["true"]\n' >"$work/big/Dockerfile"
"$tsdock" build -q -t localhost/big:1 "$work/big" >/dev/null
"$tsdock" save -o "$work/big.tar" localhost/big:1
skopeo copy -q "docker-archive:$work/big.tar" "oci:$work/oci:localhost/big:1"
tar -C "$work/oci" -cf "$work/oci.tar" .
: >"$work/a"
: >"$work/b"
: >"$work/c"
for round in 1 2 3; do
	export TSDOCK_ROOT="$work/tsdock$round"
	t0=$(now)
	"$tsdock" load -q -i "$work/oci.tar" >/dev/null
	"$tsdock" create --net none localhost/big:1 >/dev/null
	t1=$(now)
	export TSDOCK_ROOT="$work/tsdock$round-bundle"
	"$tsdock" load -q -i "$work/oci.tar" >/dev/null
	"$tsdock" bundle localhost/big:1 "$work/one$round" >/dev/null
	t2=$(now)
	[ -e "$work/one$round/rootfs/l4/d24" ] || { echo "bench:build: nothing was unpacked" >&2; exit 1; }
	t3=$(now)
	skopeo copy -q "oci:$work/oci:localhost/big:1" "oci:$work/copied$round:big"
	umoci unpack --image "$work/copied$round:big" "$work/two$round" >/dev/null 2>&1
	t4=$(now)
	echo $(((t1 - t0) / 1000000)) >>"$work/a"
	echo $(((t2 - t1) / 1000000)) >>"$work/c"
	echo $(((t4 - t3) / 1000000)) >>"$work/b"
done
export TSDOCK_ROOT="$work/tsdock4"
"$tsdock" load -q -i "$work/oci.tar" >/dev/null
peak=$( (
	"$tsdock" create --net none localhost/big:1 >/dev/null &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		for p in $pid $(cat /proc/$pid/task/*/children 2>/dev/null); do awk '/VmHWM/ { print $2 }' /proc/$p/status 2>/dev/null; done |
			awk '{ s += $1 } END { print s + 0 }'
		sleep 0.02
	done
) | sort -n | tail -1)
a=$(sort -n "$work/a" | sed -n 2p)
b=$(sort -n "$work/b" | sed -n 2p)
c=$(sort -n "$work/c" | sed -n 2p)
unpacked() { awk -v name="$1" -v a="$2" -v b="$b" 'BEGIN { printf "%-34s tsdock %6d ms  skopeo + umoci %6d ms  ratio %.2f\n", name, a, b, a / b }'; }
unpacked "1 GB: layers, ready for overlay" "$a"
unpacked "1 GB: a bundle" "$c"
echo "memory of tsdock and its helpers at that: $((peak / 1024)) MB"
