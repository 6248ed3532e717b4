# SPDX-License-Identifier: Apache-2.0
# docker's profile (seccomp/default.json of github.com/moby/profiles) as an OCI `linux.seccomp` object, for x86-64 and
# the capabilities that docker gives a container by default:
#   jq -f seccomp-docker-default.jq default.json >seccomp-docker-default.json
[
  "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD",
  "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT"
] as $caps
| {
    defaultAction,
    defaultErrnoRet,
    architectures: [
      .archMap[] | select(.architecture == "SCMP_ARCH_X86_64") | .architecture, .subArchitectures[]
    ],
    syscalls: [
      .syscalls[]
      | select((.includes.arches // ["amd64"]) | index("amd64"))
      | select((.includes.caps // []) - $caps == [])
      | select((.excludes.arches // []) | index("amd64") | not)
      | select([.excludes.caps[]? | select(IN($caps[]))] == [])
      | {names, action}
        + (if .errnoRet then {errnoRet} else {} end)
        + (if (.args // []) == [] then {} else {args} end)
    ]
  }
