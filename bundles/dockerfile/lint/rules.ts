// SPDX-License-Identifier: Apache-2.0
// The checks of `docker build --check`, under their names there: files may name them in `# check=skip=`.

/** Rule -> what it is about. */
export const RULES = {
  StageNameCasing: 'names of stages are in lower case',
  FromAsCasing: 'AS has the case of FROM',
  NoEmptyContinuation: 'no empty lines inside of an instruction',
  ConsistentInstructionCasing: 'all keywords have the same case',
  DuplicateStageName: 'names of stages are unique',
  ReservedStageName: 'no stage is named scratch or context',
  JSONArgsRecommended: 'CMD and ENTRYPOINT in exec form get signals, those in shell form do not',
  MaintainerDeprecated: 'a label names the author, MAINTAINER is deprecated',
  UndefinedArgInFrom: 'FROM uses declared arguments only',
  WorkdirRelativePath: 'the first WORKDIR is absolute, whatever the base image has',
  UndefinedVar: 'variables are set before they are used',
  MultipleInstructionsDisallowed: 'only the last CMD, ENTRYPOINT and HEALTHCHECK of a stage count',
  LegacyKeyValueFormat: 'pairs are written KEY=VALUE',
  InvalidBaseImagePlatform: 'the base image is for the platform that is built for',
  RedundantTargetPlatform: '$TARGETPLATFORM is the platform of FROM anyway',
  SecretsUsedInArgOrEnv: 'no secrets in ARG and ENV, which stay in the image and its history',
  InvalidDefaultArgInFrom: 'FROM names an image also without build arguments',
  FromPlatformFlagConstDisallowed: 'the platform of FROM is no constant',
  CopyIgnoredFile: 'no source is left out by .dockerignore',
  InvalidDefinitionDescription: 'a comment above ARG or a named stage begins with the name',
  ExposeProtoCasing: 'protocols of EXPOSE are in lower case',
  ExposeInvalidFormat: 'EXPOSE has no addresses and no ports of the host',
} as const

export type RuleName = keyof typeof RULES

/** Rules that apply only where they are asked for. */
export const EXPERIMENTAL_RULES: ReadonlySet<RuleName> = new Set(['InvalidDefinitionDescription'])
