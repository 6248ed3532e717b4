// SPDX-License-Identifier: Apache-2.0
import { DockerfileError } from '../located-error.ts'
import type { Dockerfile } from '../parse.ts'
import type { PathPatterns } from '../path-patterns.ts'
import type { Platform } from '../platform.ts'
import type { BuildInputs } from '../predefined-args.ts'
import { openBuild, openStage } from '../scope.ts'
import { findStage, type ResolvedStage, reachableStages, resolveStages } from '../stages.ts'
import type { CheckOptions } from './check-options.ts'
import type { Finding } from './finding.ts'
import { checkBasePlatform, checkFroms } from './from-rules.ts'
import { openReport } from './reporter.ts'
import type { RuleName } from './rules.ts'
import { checkInStage, type LintedStage, type StageContext } from './stage-rules.ts'
import { checkSyntax } from './syntax-rules.ts'

/** What is known of an image that a stage begins with. */
export interface KnownImage {
  readonly env: Iterable<readonly [string, string]>
  readonly platform?: Platform | undefined
  readonly hasShell?: boolean | undefined
}

export interface LintOptions extends BuildInputs {
  /** The patterns of .dockerignore. */
  readonly ignore?: PathPatterns | undefined
  /** Goes before `# check=`: the build argument BUILDKIT_DOCKERFILE_CHECK. */
  readonly checks?: CheckOptions | undefined
  /** Images that are at hand; undefined for others, whose stages are checked with less certainty. */
  readonly image?: ((name: string, platform: Platform) => KnownImage | undefined) | undefined
}

export interface LintResult {
  /** In the order of their lines. */
  readonly findings: readonly Finding[]
  /** What the build would fail with; what stands below is not checked then. */
  readonly error: DockerfileError | undefined
  /** Rules that fail the build, with `error=true`. */
  readonly failed: readonly RuleName[]
}

function openLinted(
  { base, platform, stage }: ResolvedStage,
  linted: ReadonlyMap<number, LintedStage>,
  options: LintOptions,
  context: StageContext,
): LintedStage {
  if (base.kind === 'stage') {
    const below = linted.get(base.index)
    const scope = openStage(below?.scope, [])
    return {
      scope,
      knowsBase: below?.knowsBase === true,
      hasShell: below?.hasShell === true,
      hasWorkdir: below?.hasWorkdir === true,
    }
  }
  const expected = platform ?? options.targetPlatform
  const image = base.kind === 'image' ? options.image?.(base.name, expected) : undefined
  if (image?.platform !== undefined) checkBasePlatform(stage, expected, image.platform, context.report)
  return {
    scope: openStage(undefined, image?.env ?? []),
    knowsBase: base.kind === 'scratch' || image !== undefined,
    hasShell: image?.hasShell === true,
    hasWorkdir: false,
  }
}

function checkStages(dockerfile: Dockerfile, options: LintOptions, context: StageContext): void {
  const stages = resolveStages(dockerfile, context.build)
  const wanted = new Set(
    options.target === undefined || options.target === ''
      ? stages.keys()
      : reachableStages(stages, findStage(dockerfile, options.target)),
  )
  const linted = new Map<number, LintedStage>()
  for (const [index, resolved] of stages.entries()) {
    if (!wanted.has(index)) continue
    const stage = openLinted(resolved, linted, options, context)
    linted.set(index, stage)
    for (const step of resolved.instructions) checkInStage(step, stage, context)
  }
}

/** Checks a Dockerfile as `docker build --check` does: all of its stages, or those that a target needs. */
export function lintDockerfile(dockerfile: Dockerfile, options: LintOptions): LintResult {
  const checks = options.checks ?? dockerfile.checks
  const findings: Finding[] = []
  const report = openReport(checks, findings)
  let error: DockerfileError | undefined
  checkSyntax(dockerfile, report)
  try {
    const build = openBuild(dockerfile, options)
    checkFroms(dockerfile, build, report)
    checkStages(dockerfile, options, { build, ignore: options.ignore, report })
  } catch (e: unknown) {
    if (!(e instanceof DockerfileError)) throw e
    error = e
  }
  const sorted = findings.toSorted((a, b) => a.range.start - b.range.start)
  return { findings: sorted, error, failed: checks.error ? [...new Set(sorted.map(({ rule }) => rule))] : [] }
}
