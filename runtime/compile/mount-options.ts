// SPDX-License-Identifier: Apache-2.0

/** MOUNT_ATTR_* of <linux/mount.h>. */
export const MOUNT_ATTR = {
  RDONLY: 0x1,
  NOSUID: 0x2,
  NODEV: 0x4,
  NOEXEC: 0x8,
  RELATIME: 0x0,
  NOATIME: 0x10,
  STRICTATIME: 0x20,
  /** The three above are values of one field, not bits: to set one, all of the field is cleared. */
  ATIME: 0x70,
  NODIRATIME: 0x80,
  IDMAP: 0x100000,
  NOSYMFOLLOW: 0x200000,
} as const

/** MS_* of <linux/mount.h>. */
export const MS = {
  RDONLY: 0x1,
  NOSUID: 0x2,
  NODEV: 0x4,
  NOEXEC: 0x8,
  SYNCHRONOUS: 0x10,
  REMOUNT: 0x20,
  MANDLOCK: 0x40,
  DIRSYNC: 0x80,
  NOSYMFOLLOW: 0x100,
  NOATIME: 0x400,
  NODIRATIME: 0x800,
  REC: 0x4000,
  UNBINDABLE: 0x20000,
  PRIVATE: 0x40000,
  SLAVE: 0x80000,
  SHARED: 0x100000,
  RELATIME: 0x200000,
  I_VERSION: 0x800000,
  STRICTATIME: 0x1000000,
  LAZYTIME: 0x2000000,
} as const

/** Changes to attributes of a mount; bits of `set` and `clear` are MOUNT_ATTR_*. */
export interface AttributeChange {
  readonly set: number
  readonly clear: number
}

/** The options of one mount, sorted by what they act on. */
export interface MountOptions {
  readonly bind: boolean
  /** rbind */
  readonly recursive: boolean
  readonly remount: boolean
  /** Some attribute of the mount itself was named, if only by its default. */
  readonly named: boolean
  /** Attributes of the mount itself. */
  readonly attributes: AttributeChange
  /** Attributes of it and all mounts below: rro and its like. */
  readonly recursiveAttributes: AttributeChange
  /** MS_SHARED and its like, with MS_REC, in listed order. */
  readonly propagation: readonly number[]
  /** Flags of the whole file system, by their names: sync, dirsync, lazytime, mand, iversion. */
  readonly superFlags: readonly string[]
  readonly copyUp: boolean
  readonly idmap: 'no' | 'mount' | 'tree'
  /** What no table knows: data for the file system. */
  readonly data: readonly string[]
}

type Attribute = 'RDONLY' | 'NOSUID' | 'NODEV' | 'NOEXEC' | 'NODIRATIME' | 'NOSYMFOLLOW'
type Atime = 'NOATIME' | 'RELATIME' | 'STRICTATIME'

const plainAttributes: Readonly<Record<string, readonly [attribute: Attribute, on: boolean]>> = {
  ro: ['RDONLY', true],
  rw: ['RDONLY', false],
  nosuid: ['NOSUID', true],
  suid: ['NOSUID', false],
  nodev: ['NODEV', true],
  dev: ['NODEV', false],
  noexec: ['NOEXEC', true],
  exec: ['NOEXEC', false],
  nodiratime: ['NODIRATIME', true],
  diratime: ['NODIRATIME', false],
  nosymfollow: ['NOSYMFOLLOW', true],
  symfollow: ['NOSYMFOLLOW', false],
}

const atimeOptions: Readonly<Record<string, readonly [value: Atime, on: boolean]>> = {
  noatime: ['NOATIME', true],
  atime: ['NOATIME', false],
  relatime: ['RELATIME', true],
  norelatime: ['RELATIME', false],
  strictatime: ['STRICTATIME', true],
  nostrictatime: ['STRICTATIME', false],
}

const propagationOptions: Readonly<Record<string, number>> = {
  private: MS.PRIVATE,
  rprivate: MS.PRIVATE | MS.REC,
  shared: MS.SHARED,
  rshared: MS.SHARED | MS.REC,
  slave: MS.SLAVE,
  rslave: MS.SLAVE | MS.REC,
  unbindable: MS.UNBINDABLE,
  runbindable: MS.UNBINDABLE | MS.REC,
}

const superOptions: Readonly<Record<string, readonly [flag: string, on: boolean]>> = {
  sync: ['sync', true],
  async: ['sync', false],
  dirsync: ['dirsync', true],
  lazytime: ['lazytime', true],
  nolazytime: ['lazytime', false],
  mand: ['mand', true],
  nomand: ['mand', false],
  iversion: ['iversion', true],
  noiversion: ['iversion', false],
}

/** Options that change nothing: what they name is the default, or only about messages in the kernel's log. */
const withoutEffect: ReadonlySet<string> = new Set(['defaults', 'silent', 'loud'])

/** Names of all options with a meaning of their own, as `features` lists them. */
export function mountOptionNames(): readonly string[] {
  return [
    ...['bind', 'rbind', 'remount', 'tmpcopyup', 'idmap', 'ridmap', ...withoutEffect],
    ...[plainAttributes, atimeOptions].flatMap((table) => Object.keys(table).flatMap((name) => [name, `r${name}`])),
    ...[propagationOptions, superOptions].flatMap((table) => Object.keys(table)),
  ].sort()
}

/**
 * Collects attributes in listed order: the last word on each counts. Access times are set as a whole, `nodiratime` with them, and
 * a word that takes one of their modes back ("atime") names no other: what the mount has stays, as with mount(2). The words
 * for whole trees are for mount_setattr(2), where relative times remain.
 */
class Attributes {
  #set = 0
  #clear = 0
  #atime: Atime | undefined
  #nodiratime = false
  readonly #tree: boolean

  constructor(tree: boolean) {
    this.#tree = tree
  }

  take(name: string): boolean {
    const plain = lookUp(plainAttributes, name)
    if (plain !== undefined) this.#change(...plain)
    const atime = lookUp(atimeOptions, name)
    if (atime !== undefined) this.#changeAtime(...atime)
    return plain !== undefined || atime !== undefined
  }

  get change(): AttributeChange {
    const [set, clear] = [this.#set, this.#clear]
    if (this.#atime === undefined && !this.#nodiratime) return { set, clear }
    const nodiratime = this.#nodiratime ? MOUNT_ATTR.NODIRATIME : 0
    const whole = this.#tree ? MOUNT_ATTR.ATIME : MOUNT_ATTR.ATIME | (MOUNT_ATTR.NODIRATIME & ~nodiratime)
    return { set: set | MOUNT_ATTR[this.#atime ?? 'RELATIME'] | nodiratime, clear: clear | whole }
  }

  #change(attribute: Attribute, on: boolean): void {
    if (attribute === 'NODIRATIME' && !this.#tree) {
      this.#nodiratime = on
      return
    }
    const bit = MOUNT_ATTR[attribute]
    this.#set = on ? this.#set | bit : this.#set & ~bit
    this.#clear = on ? this.#clear & ~bit : this.#clear | bit
  }

  #changeAtime(value: Atime, on: boolean): void {
    if (on) this.#atime = value
    else if (!this.#tree) this.#atime = this.#atime === value ? undefined : this.#atime
    // "rnorelatime" names no other value.
    else if (value !== 'RELATIME') this.#atime = this.#atime === value ? 'RELATIME' : (this.#atime ?? 'RELATIME')
  }
}

/** Sorts the options of a mount. Spec: config.md#linux-mount-options */
export function parseMountOptions(options: readonly string[]): MountOptions {
  const own = new Attributes(false)
  const below = new Attributes(true)
  const superFlags = new Set<string>()
  const propagation: number[] = []
  const data: string[] = []
  let bind = false
  let named = false
  let recursive = false
  let remount = false
  let copyUp = false
  let idmap: MountOptions['idmap'] = 'no'
  for (const name of options) {
    const flag = lookUp(superOptions, name)
    const kind = lookUp(propagationOptions, name)
    if (name === 'bind' || name === 'rbind') {
      bind = true
      recursive ||= name === 'rbind'
    } else if (name === 'remount') remount = true
    else if (name === 'tmpcopyup') copyUp = true
    else if (name === 'idmap') idmap = 'mount'
    else if (name === 'ridmap') idmap = 'tree'
    else if (kind !== undefined) propagation.push(kind)
    else if (flag !== undefined) {
      if (flag[1]) superFlags.add(flag[0])
      else superFlags.delete(flag[0])
    } else if (own.take(name)) named = true
    else if (withoutEffect.has(name)) continue
    else if (name.startsWith('r') && below.take(name.slice(1))) continue
    else data.push(...splitData(name))
  }
  const [attributes, recursiveAttributes] = [own.change, below.change]
  return {
    bind,
    recursive,
    remount,
    named,
    attributes,
    recursiveAttributes,
    propagation,
    superFlags: [...superFlags],
    copyUp,
    idmap,
    data,
  }
}

function lookUp<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}

/** One string may hold several options; commas in quotes or behind a backslash belong to a value. */
function splitData(text: string): readonly string[] {
  if (!text.includes(',')) return text === '' ? [] : [text]
  return (text.match(/(?:"[^"]*"|\\.|[^,"\\])+/g) ?? []).filter((item) => item !== '')
}

/** Attributes as flags of mount(2), for the ops that still need it. */
export function toMountFlags({ attributes, superFlags }: Pick<MountOptions, 'attributes' | 'superFlags'>): number {
  const { set } = attributes
  let flags = 0
  for (const [attribute, bit] of [
    [MOUNT_ATTR.RDONLY, MS.RDONLY],
    [MOUNT_ATTR.NOSUID, MS.NOSUID],
    [MOUNT_ATTR.NODEV, MS.NODEV],
    [MOUNT_ATTR.NOEXEC, MS.NOEXEC],
    [MOUNT_ATTR.NOATIME, MS.NOATIME],
    [MOUNT_ATTR.STRICTATIME, MS.STRICTATIME],
    [MOUNT_ATTR.NODIRATIME, MS.NODIRATIME],
    [MOUNT_ATTR.NOSYMFOLLOW, MS.NOSYMFOLLOW],
  ] as const) {
    if ((set & attribute) !== 0) flags |= bit
  }
  for (const [name, bit] of [
    ['sync', MS.SYNCHRONOUS],
    ['dirsync', MS.DIRSYNC],
    ['lazytime', MS.LAZYTIME],
    ['mand', MS.MANDLOCK],
    ['iversion', MS.I_VERSION],
  ] as const) {
    if (superFlags.includes(name)) flags |= bit
  }
  return flags
}
