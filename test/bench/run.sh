#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `npm run bench:run [-- ROUNDS [COUNT]]`: tsdock beside podman and dockerd, in turn, on the same image. p10 and median in ms,
# ratios of medians; then COUNT detached containers of each: memory of what stays beside them, and the time of `ps`.
# Needs root; what is missing of podman and docker is left out, and said.
set -eu
cd "$(dirname "$0")/../.."
rounds=${1:-15}
count=${2:-100}
[ "$(id -u)" = 0 ] || { echo "bench:run: needs root" >&2; exit 1; }
sh cmd/dev/build.sh >/dev/null
work=$(mktemp -d)
export TSDOCK_ROOT="$work/tsdock" PODMAN_IGNORE_CGROUPSV1_WARNING=1
tsdock=$PWD/dist/bin/tsdock
has_podman=$(command -v podman || true)
has_docker=$(command -v dockerd || true)
podman() { command podman --root "$work/podman" --runroot "$work/podman-run" --storage-driver overlay "$@"; }
docker() { command docker -H "unix://$work/docker.sock" "$@"; }
dockerd_pid=
cleanup() {
	ids=$("$tsdock" ps -aq); [ -z "$ids" ] || "$tsdock" rm -f $ids >/dev/null 2>&1
	"$tsdock" system prune -f >/dev/null 2>&1 || true
	[ -z "$has_podman" ] || podman rm -af -t 0 >/dev/null 2>&1 || true
	[ -z "$has_podman" ] || podman rmi -af >/dev/null 2>&1 || true
	if [ -n "$dockerd_pid" ]; then
		ids=$(docker ps -aq); [ -z "$ids" ] || docker rm -f $ids >/dev/null 2>&1
		kill "$dockerd_pid"; wait "$dockerd_pid" 2>/dev/null || true
	fi
	awk -v at="$work/" 'index($5, at) == 1 { print $5 }' /proc/self/mountinfo | sort -r | xargs -r -n1 umount -l
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir "$work/base"
cp /bin/busybox "$work/base/busybox"
cat >"$work/base/Dockerfile" <<'END'
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
CMD ["sh"]
END
"$tsdock" build -q -t localhost/base "$work/base" >/dev/null
"$tsdock" save -o "$work/base.tar" localhost/base
if [ -n "$has_podman" ]; then podman load -q -i "$work/base.tar" >/dev/null; else echo "podman is missing: left out"; fi
if [ -n "$has_docker" ]; then
	dockerd --data-root "$work/docker" --exec-root "$work/docker-run" --pidfile "$work/docker.pid" \
		-H "unix://$work/docker.sock" >"$work/docker.log" 2>&1 &
	dockerd_pid=$!
	for _ in $(seq 150); do docker version >/dev/null 2>&1 && break; sleep 0.2; done
	docker load -q -i "$work/base.tar" >/dev/null
else
	echo "docker is missing: left out"
fi
tools=tsdock${has_podman:+ podman}${has_docker:+ docker}
call() {
	tool=$1
	shift
	case $tool,$1 in
	tsdock,*) "$tsdock" "$@" ;;
	# Its own default is more than an ordinary shell may have.
	podman,run) podman run --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 "${@:2}" ;;
	# And each of these containers takes no notice of SIGTERM.
	podman,rm) podman rm -t 0 "${@:2}" ;;
	*) $tool "$@" ;;
	esac
}

now() { date +%s%N; }
# measure NAME ARGUMENT...: what each tool needs for the same command line
measure() {
	name=$1
	shift
	for tool in $tools; do : >"$work/$tool.times"; done
	call tsdock "$@" </dev/null >/dev/null 2>&1 || true
	for _ in $(seq "$rounds"); do
		for tool in $tools; do
			t0=$(now)
			call "$tool" "$@" </dev/null >/dev/null 2>&1
			echo $((($(now) - t0) / 10000)) >>"$work/$tool.times"
		done
	done
	base=
	printf '%-32s' "$name"
	for tool in $tools; do
		read -r p10 median <<<"$(sort -n "$work/$tool.times" | awk '{ v[NR] = $1 / 100 } END { print v[int((NR - 1) * 0.1) + 1], v[int((NR + 1) / 2)] }')"
		: "${base:=$median}"
		printf '  %s %s/%s' "$tool" "$p10" "$median"
		[ "$tool" = tsdock ] || printf ' (%s)' "$(awk -v a="$base" -v b="$median" 'BEGIN { printf "%.2f", a / b }')"
	done
	echo
}
echo "p10/median ms of $rounds rounds; (ratio of medians: tsdock to it)"
measure 'run --rm, no network' run --rm --net none localhost/base true
measure 'run --rm, bridge network' run --rm localhost/base true
call tsdock run -d --net none --name bench-exec localhost/base sleep 600 >/dev/null
for tool in $tools; do [ "$tool" = tsdock ] || call "$tool" run -d --net none --name bench-exec localhost/base sleep 600 >/dev/null; done
measure 'exec true' exec bench-exec true
for tool in $tools; do call "$tool" rm -f bench-exec >/dev/null 2>&1; done

# Kilobytes of the processes whose names match, and that know this storage.
resident() {
	sum=0
	for pid in $(pgrep "$1"); do
		if tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -q "$2"; then
			kilobytes=$(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup" 2>/dev/null)
			sum=$((sum + ${kilobytes:-0}))
		fi
	done
	echo "$sum"
}
echo "$count detached containers"
for tool in $tools; do
	t0=$(now)
	for _ in $(seq "$count"); do call "$tool" run -d --net none localhost/base sleep 3600 >/dev/null; done
	t1=$(now)
	case $tool in
	tsdock) kilobytes=$(resident tsdock-monitor "$work") ;;
	podman) kilobytes=$(resident conmon "$work") ;;
	docker) kilobytes=$(resident containerd-shim "$work") ;;
	esac
	: >"$work/ps"
	for _ in 1 2 3 4 5 6 7; do
		t2=$(now)
		call "$tool" ps >/dev/null
		echo $((($(now) - t2) / 1000000)) >>"$work/ps"
	done
	printf '  %-8s run -d %s ms each, beside them %s MB, ps %s ms\n' "$tool" "$(((t1 - t0) / 1000000 / count))" \
		"$((kilobytes / 1024))" "$(sort -n "$work/ps" | sed -n 4p)"
	call "$tool" rm -f $(call "$tool" ps -aq) >/dev/null 2>&1
done
