// SPDX-License-Identifier: Apache-2.0
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { CRIU_REQUEST, type CriuOptions, type CriuRequestType } from '../../runtime/criu/rpc.ts'

/** Fields whose value is a number or a boolean, and their numbers. */
const scalars = {
  imagesDirFd: 1,
  pid: 2,
  leaveRunning: 3,
  extUnixSk: 4,
  tcpEstablished: 5,
  evasiveDevices: 6,
  shellJob: 7,
  fileLocks: 8,
  logLevel: 9,
  notifyScripts: 12,
  trackMem: 15,
  autoDedup: 16,
  workDirFd: 17,
  linkRemap: 18,
  rstSibling: 26,
  manageCgroupsMode: 34,
  emptyNs: 38,
  tcpSkipInFlight: 46,
  lazyPages: 48,
  orphanPtsMaster: 50,
  tcpClose: 52,
  networkLock: 64,
  unprivileged: 67,
} as const satisfies Partial<Record<keyof CriuOptions, number>>

const texts = {
  logFile: 10,
  root: 13,
  parentImg: 14,
  freezeCgroup: 44,
  configFile: 51,
  lsmProfile: 53,
  lsmMountContext: 63,
} as const satisfies Partial<Record<keyof CriuOptions, number>>

const PAGE_SERVER = 11
const CGROUP_ROOT = 25
const INHERIT_FD = 27
const EXTERNAL = 37
const JOIN_NAMESPACE = 39
const DUMP_CONTROLLER = 43

/** criu_req with its options, as bytes. Spec: images/rpc.proto of criu */
export function encodeCriuRequest(type: CriuRequestType, options: CriuOptions): Uint8Array {
  const writer = new BinaryWriter()
  writer.tag(1, WireType.Varint).int32(CRIU_REQUEST[type])
  writer.tag(2, WireType.LengthDelimited).fork()
  writeOptions(writer, options)
  return writer.join().finish()
}

function writeOptions(writer: BinaryWriter, options: CriuOptions): void {
  for (const [name, number] of entriesOf(scalars)) {
    const value = options[name]
    if (value !== undefined) writer.tag(number, WireType.Varint).int32(Number(value))
  }
  for (const [name, number] of entriesOf(texts)) writeText(writer, number, options[name])
  for (const text of options.external) writeText(writer, EXTERNAL, text)
  for (const text of options.dumpControllers ?? []) writeText(writer, DUMP_CONTROLLER, text)
  const { pageServer } = options
  if (pageServer !== undefined) {
    writer.tag(PAGE_SERVER, WireType.LengthDelimited).fork()
    writeText(writer, 1, pageServer.address)
    writer.tag(2, WireType.Varint).int32(pageServer.port).join()
  }
  for (const { controller, path } of options.cgroupRoots) {
    writer.tag(CGROUP_ROOT, WireType.LengthDelimited).fork()
    writeText(writer, 1, controller)
    writeText(writer, 2, path)
    writer.join()
  }
  for (const { key, fd } of options.inheritFds) {
    writer.tag(INHERIT_FD, WireType.LengthDelimited).fork()
    writeText(writer, 1, key)
    writer.tag(2, WireType.Varint).int32(fd).join()
  }
  for (const { type, path } of options.joinNamespaces) {
    writer.tag(JOIN_NAMESPACE, WireType.LengthDelimited).fork()
    writeText(writer, 1, type)
    writeText(writer, 2, path)
    writer.join()
  }
}

function writeText(writer: BinaryWriter, number: number, text: string | undefined): void {
  if (text !== undefined) writer.tag(number, WireType.LengthDelimited).string(text)
}

function entriesOf<K extends string>(fields: Readonly<Record<K, number>>): [K, number][] {
  return Object.entries(fields) as [K, number][]
}
