#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The walk of docs/walk.md, line by line, each checked. It needs: tsdock in PATH, the images `python:3-slim` (with Flask) and
# `busybox` where tsdock finds them, a registry on localhost:$REGISTRY_PORT, curl, ip, nsenter, make, gcc and script.
# Prints each command, and at its end `N passed, N failed`. TSDOCK_ROOT says which storage it works on, TSRUN_TEST_SLOW how many
# times longer than usual things may take.
set -u
cd "$(dirname "$0")/../.."
registry=localhost:${REGISTRY_PORT:-5000}
port=${WALK_PORT:-4000}
slow=${TSRUN_TEST_SLOW:-1}
work=$(mktemp -d /tmp/tsdock-walk-XXXXXX)
# Namespaces and mounts of a user's containers are for root of these alone.
inside=''
[ "$(id -u)" = 0 ] || inside='tsdock unshare '
passed=0 failed=0 out='' status=0

# What the walk made goes, however it ends.
clean() {
	tsdock rm -fv $(tsdock ps -aq --filter label=walk) >"$work/rm" 2>&1
	tsdock volume rm walk-data >>"$work/rm" 2>&1
	tsdock network rm walk-net >>"$work/rm" 2>&1
	make -s -C examples/enter-network clean
	rm -rf "$work"
}
trap clean EXIT

title() { printf '\n# %s\n' "$1"; }

# Runs a command line, and keeps what it prints.
run() {
	printf '$ %s\n' "$1"
	out=$(eval "$1" 2>&1)
	status=$?
	printf '%s\n' "$out" | sed 's/^/  /' | head -20
}

# The same on a terminal: what is typed is the second argument.
typist() {
	sleep $((slow * 2))
	while IFS= read -r line; do
		printf '%s\n' "$line"
		sleep $(((slow + 1) / 2))
	done
	sleep "$slow"
}
on_terminal() {
	printf '$ %s\n' "$1"
	out=$(printf '%b' "$2" | typist |
		script -qec "$1" /dev/null 2>&1 | tr -d '\r')
	status=$?
	printf '%s\n' "$out" | sed 's/^/  /' | head -20
}

ok() { passed=$((passed + 1)); }
wrong() {
	failed=$((failed + 1))
	printf '  FAIL: %s\n' "$1"
}

# The output has lines that match all patterns, and the command succeeded.
shows() {
	[ "$status" = 0 ] || { wrong "status $status"; return; }
	local pattern
	for pattern; do
		printf '%s\n' "$out" | grep -Eq -- "$pattern" || { wrong "nothing matches: $pattern"; return; }
	done
	ok
}
hides() {
	if printf '%s\n' "$out" | grep -Eq -- "$1"; then wrong "something matches: $1"; else ok; fi
}
is() { if [ "$1" = "$2" ]; then ok; else wrong "$3: '$1' is not '$2'"; fi; }
differs() { if [ -n "$1" ] && [ "$1" != "$2" ]; then ok; else wrong "$3: '$1' and '$2'"; fi; }

page() { # page PORT: waits until the app answers
	local i
	for i in $(seq $((slow * 100))); do
		out=$(curl -s "http://localhost:$1") && [ -n "$out" ] && return
		sleep 0.2
	done
}

title 'An image'
run 'tsdock build -t helloworld examples/helloworld'
shows 'helloworld'
run 'tsdock images'
shows '^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE' '^helloworld +latest +[0-9a-f]{12} '

title 'A container'
run "tsdock run -d -p $port:80 --label walk --name web helloworld"
shows '^[0-9a-f]{64}$'
id=$out
run 'tsdock ps'
shows '^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES' \
	"^${id:0:12} +helloworld +\"python3 app.py\" +.* ago +Up .*0\.0\.0\.0:$port->80/tcp.* web$"
page "$port"
run "curl -s http://localhost:$port"
shows 'Hello World!' "${id:0:12}"
run 'tsdock run -d --label walk busybox sleep 300'
run "tsdock ps --latest --format '{{.Names}}'"
shows '^[a-z]+_[a-z]+[0-9]?$'
run 'tsdock rm -f $(tsdock ps --latest -q)'
shows '^[0-9a-f]{12}$'
run "tsdock run --rm --label walk -p $((port + 1)):80 helloworld python3 -c 'print(6 * 7)'"
shows '^42$'

title 'A registry'
run "tsdock tag helloworld $registry/myrepo/helloworld:v1"
is "$status" 0 'status'
run "tsdock push $registry/myrepo/helloworld:v1"
shows 'digest: sha256:[0-9a-f]{64}'
run "tsdock rmi $registry/myrepo/helloworld:v1"
shows "Untagged: $registry/myrepo/helloworld:v1"
run "tsdock run -d --label walk -p $((port + 1)):80 --name pulled $registry/myrepo/helloworld:v1"
shows '^[0-9a-f]{64}$'
page $((port + 1))
run "curl -s http://localhost:$((port + 1))"
shows 'Hello World!'

title 'Inside, and what was changed there'
on_terminal 'tsdock exec -it web /bin/bash' 'echo made here > /made\nhostname\nexit\n'
shows "${id:0:12}"
run 'tsdock diff web'
shows '^A /made$'
run 'tsdock commit web helloworld:v2'
shows '^sha256:[0-9a-f]{64}$'
run 'tsdock run --rm --label walk helloworld:v2 cat /made'
shows '^made here$'

title 'Namespaces'
run "tsdock inspect --format '{{ .State.Pid }}' web"
shows '^[0-9]+$'
pid=$out
run "ls -l /proc/$pid/ns"
for kind in net pid ipc uts mnt; do
	differs "$(readlink "/proc/$pid/ns/$kind")" "$(readlink "/proc/self/ns/$kind")" "namespace $kind"
done
address=$(tsdock inspect --format '{{ .NetworkSettings.IPAddress }}' web)
run 'make -s -C examples/enter-network'
is "$status" 0 'make'
run "${inside}examples/enter-network/enter-network /proc/$pid/ns/net ip -o addr"
shows "inet ${address//./\\.}/"
run "${inside}examples/enter-network/enter-network /proc/$pid/ns/net readlink /proc/self/ns/net"
is "$out" "$(readlink "/proc/$pid/ns/net")" 'the namespace'

title 'Networks'
run 'tsdock run --rm --label walk --net container:web busybox ifconfig'
shows "inet addr:${address//./\\.} "
on_terminal 'tsdock run --rm -it --label walk --net container:web busybox ifconfig eth0' ''
shows "inet addr:${address//./\\.} "
links() { awk -F': ' '{sub(/@.*/, "", $2); print $2}' | sort; }
run 'tsdock run --rm --label walk --net host busybox ip -o link'
is "$(printf '%s\n' "$out" | links)" "$(ip -o link | links)" "the host's links"
run 'tsdock run --rm --label walk --net none busybox ip -o link'
shows '1: lo'
hides 'eth0'
run 'tsdock network create walk-net'
shows '^[0-9a-f]{64}$'
run 'tsdock network ls'
shows '^NETWORK ID +NAME +DRIVER +SCOPE' 'walk-net +bridge +local'
run 'tsdock run -d --label walk --net walk-net --name one busybox sleep 300'
run 'tsdock run -d --label walk --net walk-net --name two busybox sleep 300'
run 'tsdock exec one ping -c 1 -W 5 two'
shows '1 packets received'
run 'tsdock exec two ping -c 1 -W 5 one'
shows '1 packets received'
run "tsdock network inspect walk-net --format '{{ range .Containers }}{{ .Name }} {{ end }}'"
shows 'one' 'two'
run 'tsdock network connect walk-net web'
is "$status" 0 'connect'
run 'tsdock exec one wget -qO- http://web'
shows 'Hello World!'
run 'tsdock network disconnect walk-net web'
is "$status" 0 'disconnect'
run 'tsdock rm -f one two'
run 'tsdock network rm walk-net'
shows '^walk-net$'

title 'Volumes'
run 'tsdock run -d --label walk -v /test --name data helloworld'
run 'tsdock exec data sh -c "echo kept > /test/file"'
is "$status" 0 'exec'
run 'tsdock volume ls'
shows '^DRIVER +VOLUME NAME' '^local +[0-9a-f]{64}$'
source=$(tsdock inspect --format '{{ (index .Mounts 0).Source }}' data)
run "cat $source/file"
shows '^kept$'
case $source in */_data) ok ;; *) wrong "$source is no _data" ;; esac
upper=$(tsdock inspect --format '{{ .GraphDriver.Data.UpperDir }}' data)
run "find $upper/test"
is "$out" "$upper/test" 'the read-write layer'
run 'tsdock commit data helloworld:v3'
run 'tsdock run --rm --label walk helloworld:v3 ls -A /test'
is "$out" '' 'what was committed'
touch "$work/mine"
run "tsdock run --rm --label walk -v $work:/test busybox ls /test"
shows '^mine$'
run "tsdock run --rm --label walk -v $work:/test:ro busybox touch /test/x"
is "$status" 1 'status'
printf '%s\n' "$out" | grep -q 'Read-only file system' && ok || wrong 'it is not read-only'
run "tsdock run --rm --label walk --mount type=bind,src=$work,dst=/test,readonly busybox ls /test"
shows '^mine$'
run 'tsdock volume create walk-data'
run 'tsdock run --rm --label walk --mount type=volume,src=walk-data,dst=/d busybox touch /d/here'
run 'tsdock run --rm --label walk -v walk-data:/d busybox ls /d'
shows '^here$'
run 'tsdock run --rm --label walk --mount type=tmpfs,dst=/t,tmpfs-size=1m busybox df /t'
shows 'tmpfs +1024 '
run "grep -c ' /test ' /proc/self/mountinfo"
is "$out" 0 'mounts that the host sees'

title 'Layers'
run "tsdock inspect --format '{{ json .GraphDriver.Data }}' web"
shows '"LowerDir":"[^"]+:[^"]+"' '"UpperDir":"[^"]+/diff"' '"WorkDir":"[^"]+/work"' '"MergedDir":"[^"]+/merged"'
merged=$(tsdock inspect --format '{{ .GraphDriver.Data.MergedDir }}' web)
run "${inside}ls $merged/app/app.py"
is "$status" 0 'merged'
run 'tsdock exec web cat /etc/hostname'
shows "^${id:0:12}$"
run 'tsdock export web | tar -xOf - etc/hostname etc/hosts'
hides "${id:0:12}"
run 'tsdock run --rm --label walk --net none --entrypoint cat helloworld:v2 /proc/1/mountinfo'
shows ' /etc/hosts ' ' /etc/resolv.conf ' ' /etc/hostname '

title 'The end'
run 'tsdock stop -t 2 web'
shows '^web$'
run 'tsdock ps -a --filter name=web'
shows 'Exited \([0-9]+\)'
run 'tsdock rm -v web pulled data --force'
is "$status" 0 'rm'
run 'tsdock ps -aq --filter label=walk'
is "$out" '' 'containers'

printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
