// SPDX-License-Identifier: Apache-2.0
import type { Flag } from './flags.ts'

/** Of `checkpoint` and `restore` alike. */
const common: readonly Flag[] = [
  { name: 'image-path', type: 'string', help: 'directory of the image', default: './checkpoint' },
  { name: 'work-path', type: 'string', help: 'directory of logs and statistics', default: 'that of the image' },
  { name: 'tcp-established', type: 'bool', help: 'keep open TCP connections' },
  { name: 'ext-unix-sk', type: 'bool', help: 'accept unix sockets that lead out of the container' },
  { name: 'shell-job', type: 'bool', help: "accept a terminal that is not the container's own" },
  { name: 'file-locks', type: 'bool', help: 'keep locks on files' },
  { name: 'lazy-pages', type: 'bool', help: 'bring memory over when it is needed, by userfaultfd' },
  {
    name: 'manage-cgroups-mode',
    type: 'string',
    help: 'what is done about cgroups: soft, full, strict or ignore',
    default: "criu's own, soft",
  },
  { name: 'empty-ns', type: 'list', help: 'namespace to leave empty; network always is' },
  { name: 'auto-dedup', type: 'bool', help: 'drop memory from parent images that newer ones have' },
  { name: 'network-lock', type: 'string', help: 'how the network is locked meanwhile: iptables, nftables or skip' },
]

export const checkpointFlags: readonly Flag[] = [
  ...common,
  { name: 'parent-path', type: 'string', help: 'image that this one adds to, as a path relative to --image-path' },
  { name: 'leave-running', type: 'bool', help: 'let the container go on' },
  { name: 'tcp-skip-in-flight', type: 'bool', help: 'leave out TCP connections that are being made' },
  { name: 'link-remap', type: 'bool', help: 'give open files that were deleted a name' },
  { name: 'status-fd', type: 'int', help: 'descriptor that gets a NUL when --lazy-pages is ready to serve' },
  { name: 'page-server', type: 'string', help: 'where memory is sent or served, ADDRESS:PORT' },
  { name: 'pre-dump', type: 'bool', help: 'save the memory alone, and let the container go on' },
]

/** Behind these come those that `restore` has in common with `run`. */
export const restoreFlags: readonly Flag[] = [
  ...common,
  { name: 'tcp-close', type: 'bool', help: 'close TCP connections of the image' },
  { name: 'lsm-profile', type: 'string', help: 'security profile in the place of that of the image, TYPE:NAME' },
  { name: 'lsm-mount-context', type: 'string', help: 'SELinux context for mounts in the place of that of the image' },
]
