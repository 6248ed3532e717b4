// SPDX-License-Identifier: Apache-2.0
// Rules about the arguments of FROM.

import { Problem } from '../located-error.ts'
import type { Dockerfile, Stage } from '../parse.ts'
import { formatPlatform, isSamePlatform, type Platform, parsePlatform } from '../platform.ts'
import { type BuildScope, openBuild } from '../scope.ts'
import { suggest } from '../suggest.ts'
import { type ExpandedText, expandWords } from '../words.ts'
import type { Report } from './reporter.ts'

/** The names of images, as their registries allow them: [host[:port]/]name[/name][:tag][@digest]. */
const PATH_PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const HOST = '(?:\\[[a-fA-F0-9:]+\\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::[0-9]+)?'
const IMAGE_NAME = new RegExp(
  `^(?:${HOST}/)?${PATH_PART}(?:/${PATH_PART})*(?::[\\w][\\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
)
const LONGEST_NAME = 1024

function isImageName(name: string): boolean {
  return name.length <= LONGEST_NAME && IMAGE_NAME.test(name)
}

/** The text with variables; undefined for one that has a mistake, which resolveStages reports. */
function expand(dockerfile: Dockerfile, build: BuildScope, text: string): ExpandedText | undefined {
  try {
    return expandWords(text, (name) => build.globals.get(name), { escape: dockerfile.source.escape })
  } catch (e: unknown) {
    if (e instanceof Problem) return undefined
    throw e
  }
}

function checkUndefined({ from }: Stage, build: BuildScope, expanded: ExpandedText, report: Report): void {
  const known = new Set([...build.globals.keys(), ...build.declared])
  for (const name of expanded.unset) {
    if (known.has(name)) continue
    const meant = suggest(name, known)
    const hint = meant === undefined ? '' : ` (did you mean ${meant}?)`
    report('UndefinedArgInFrom', from, `FROM: the argument ${name} is not declared${hint}`)
  }
}

function checkConstant({ from, name }: Stage, build: BuildScope, expanded: ExpandedText, report: Report): void {
  if (expanded.used.size > 0 || expanded.unset.size > 0) return
  let platform: Platform
  try {
    platform = parsePlatform(expanded.text, build.inputs.buildPlatform)
  } catch (e: unknown) {
    if (e instanceof Problem) return
    throw e
  }
  // A stage that is named after its platform is meant for it.
  if (name?.includes(platform.os) === true || name?.includes(platform.architecture) === true) return
  report('FromPlatformFlagConstDisallowed', from, `--platform=${expanded.text} is a constant`)
}

function checkPlatform(dockerfile: Dockerfile, stage: Stage, build: BuildScope, report: Report): void {
  const written = stage.from.platform
  if (written === undefined || written === '') return
  const expanded = expand(dockerfile, build, written)
  if (expanded === undefined) return
  checkUndefined(stage, build, expanded, report)
  checkConstant(stage, build, expanded, report)
  const [only] = expanded.used
  const isTarget = expanded.used.size === 1 && expanded.unset.size === 0 && only === 'TARGETPLATFORM'
  if (isTarget && expanded.text === build.globals.get('TARGETPLATFORM')) {
    report('RedundantTargetPlatform', stage.from, `--platform=${written} is what FROM does anyway`)
  }
}

/** Checks each FROM. Errors: DockerfileError, if the global arguments have no values without build arguments. */
export function checkFroms(dockerfile: Dockerfile, build: BuildScope, report: Report): void {
  const defaults = openBuild(dockerfile, { ...build.inputs, buildArgs: new Map() })
  for (const stage of dockerfile.stages) {
    const expanded = expand(dockerfile, build, stage.from.base)
    if (expanded !== undefined) checkUndefined(stage, build, expanded, report)
    checkPlatform(dockerfile, stage, build, report)
    const usual = expand(dockerfile, defaults, stage.from.base)
    if (usual !== undefined && !isImageName(usual.text)) {
      const shown = usual.text === '' ? 'empty' : `${usual.text}, which is no name of an image`
      report('InvalidDefaultArgInFrom', stage.from, `FROM ${stage.from.base} is ${shown}, without build arguments`)
    }
  }
}

/** Compares the platform of an image with the one that was asked for. */
export function checkBasePlatform(stage: Stage, expected: Platform, actual: Platform, report: Report): void {
  const isSame = isSamePlatform({ ...expected, variant: undefined }, { ...actual, variant: undefined })
  if (isSame) return
  const message = `FROM ${stage.from.base}: the image is for ${formatPlatform(actual)}, not for ${formatPlatform(expected)}`
  report('InvalidBaseImagePlatform', stage.from, message)
}
