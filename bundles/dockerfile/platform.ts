// SPDX-License-Identifier: Apache-2.0
import { Problem } from './located-error.ts'

/** os/architecture/variant, in the words of the image specification. */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string | undefined
  /** `windows(10.0.17763)`. */
  readonly osVersion?: string | undefined
  readonly osFeatures?: readonly string[] | undefined
}

const OSES: ReadonlySet<string> = new Set(
  'aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos'.split(
    ' ',
  ),
)
const ARCHITECTURES: ReadonlySet<string> = new Set(
  (
    '386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ' +
    'ppc riscv riscv64 s390 s390x sparc sparc64 wasm'
  ).split(' '),
)

interface Architecture {
  readonly architecture: string
  readonly variant: string
}

/** One name for each architecture, and the usual variant left out. */
function normalize(name: string, variantName: string): Architecture {
  const architecture = name.toLowerCase()
  const variant = variantName.toLowerCase()
  switch (architecture) {
    case 'i386':
      return { architecture: '386', variant: '' }
    case 'x86_64':
    case 'x86-64':
    case 'amd64':
      return { architecture: 'amd64', variant: variant === 'v1' ? '' : variant }
    case 'aarch64':
    case 'arm64':
      if (['8', 'v8', 'v8.0'].includes(variant)) return { architecture: 'arm64', variant: '' }
      return { architecture: 'arm64', variant: ['9', '9.0', 'v9.0'].includes(variant) ? 'v9' : variant }
    case 'armhf':
      return { architecture: 'arm', variant: 'v7' }
    case 'armel':
      return { architecture: 'arm', variant: 'v6' }
    case 'arm':
      if (variant === '' || variant === '7') return { architecture, variant: 'v7' }
      return { architecture, variant: ['5', '6', '8'].includes(variant) ? `v${variant}` : variant }
    default:
      return { architecture, variant }
  }
}

function platform(os: string, { architecture, variant }: Architecture, extra: Partial<Platform> = {}): Platform {
  return { os, architecture, ...(variant === '' ? {} : { variant }), ...extra }
}

function decode(text: string, whole: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Problem(`platform ${whole}: ${text} has a broken % escape`, { at: whole })
  }
}

function parseOs(text: string, whole: string): { readonly os: string; readonly extra: Partial<Platform> } {
  const match = /^([\w-]+)(?:\(([\w.%-]*)((?:\+[\w.%-]+)*)\))?$/.exec(text)
  if (match === null) {
    throw new Problem(`platform ${whole}: "${text}" is no operating system`, { at: whole, expected: 'OS/ARCHITECTURE' })
  }
  const [, name = '', version = '', features = ''] = match
  const lower = name.toLowerCase()
  const osFeatures = features
    .split('+')
    .slice(1)
    .map((feature) => decode(feature, whole))
  return {
    os: lower === 'macos' ? 'darwin' : lower,
    extra: {
      ...(version === '' ? {} : { osVersion: decode(version, whole) }),
      ...(osFeatures.length === 0 ? {} : { osFeatures }),
    },
  }
}

/**
 * Reads `linux/arm64/v8`, `arm64` or `linux`. What is left out is that of `host`. Errors: Problem.
 */
export function parsePlatform(text: string, host: Platform): Platform {
  const [first = '', ...others] = text.split('/')
  const { os, extra } = parseOs(first, text)
  for (const part of others) {
    if (!/^[\w.-]+$/.test(part)) {
      throw new Problem(`platform ${text}: "${part}" is no architecture or variant`, {
        at: text,
        expected: 'OS/ARCHITECTURE[/VARIANT]',
      })
    }
  }
  const [architecture, variant] = others
  if (others.length > 2) {
    throw new Problem(`platform ${text} has too many parts`, { at: text, expected: 'OS/ARCHITECTURE[/VARIANT]' })
  }
  if (architecture !== undefined) {
    const found = normalize(architecture, variant ?? '')
    // arm is v7 and arm64 is v8 unless told; told explicitly they keep it.
    const isUsual = variant === undefined && found.architecture === 'arm' && found.variant === 'v7'
    const isV8 = variant !== undefined && found.architecture === 'arm64' && found.variant === ''
    return platform(os, isUsual ? { ...found, variant: '' } : isV8 ? { ...found, variant: 'v8' } : found, extra)
  }
  if (OSES.has(os)) return { ...host, os, ...extra }
  const alone = normalize(first, '')
  if (!ARCHITECTURES.has(alone.architecture)) {
    throw new Problem(`platform ${text} is no known operating system or architecture`, { at: text })
  }
  return platform(host.os, alone.architecture === 'arm' && alone.variant === 'v7' ? { ...alone, variant: '' } : alone)
}

/** os/architecture/variant, with the version and features of the operating system if there are any. */
export function formatPlatform({ os, architecture, variant, osVersion, osFeatures }: Platform): string {
  const encode = (text: string): string => encodeURIComponent(text)
  const features = (osFeatures ?? []).map((feature) => `+${encode(feature)}`).join('')
  const options = osVersion === undefined && features === '' ? '' : `(${encode(osVersion ?? '')}${features})`
  return [`${os}${options}`, architecture, variant].filter((part) => part !== undefined && part !== '').join('/')
}

/** Whether both mean the same: names and usual variants aside. */
export function isSamePlatform(a: Platform, b: Platform): boolean {
  const left = normalize(a.architecture, a.variant ?? '')
  const right = normalize(b.architecture, b.variant ?? '')
  return a.os === b.os && left.architecture === right.architecture && left.variant === right.variant
}
