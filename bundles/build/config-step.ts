// SPDX-License-Identifier: Apache-2.0
// Instructions that change nothing but the image's configuration. Pure.

import type { ImageRunConfig } from '../../spec/image/documents.ts'
import { mergeEnv } from '../containers/container-spec.ts'
import type { ExpandedInstruction } from '../dockerfile/instruction.ts'
import type { CommandLine } from '../dockerfile/instructions/arguments.ts'
import type { HealthcheckInstruction } from '../dockerfile/instructions/healthcheck.ts'
import { type ImageState, withConfig } from './image-state.ts'

export const defaultShell: readonly string[] = ['/bin/sh', '-c']

export const shellOf = (run: ImageRunConfig): readonly string[] => run.Shell ?? defaultShell

const commandArgs = (command: CommandLine, run: ImageRunConfig): readonly string[] =>
  command.form === 'exec'
    ? command.args
    : [...shellOf(run), [command.line, ...command.heredocs.map(({ text, name }) => `${text}${name}`)].join('\n')]

const setOf = (names: readonly string[]): Record<string, object> => Object.fromEntries(names.map((name) => [name, {}]))

const jsonText = (words: readonly string[]): string => JSON.stringify(words)

/** What has been said since the last FROM: CMD of the base goes when there is an ENTRYPOINT without a CMD after it. */
export interface StageMemory {
  cmdSet: boolean
}

function commandStep(
  state: ImageState,
  kind: 'cmd' | 'entrypoint',
  args: readonly string[],
  memory: StageMemory,
): ImageState {
  const text = `${kind.toUpperCase()} ${jsonText(args)}`
  if (kind === 'cmd') {
    memory.cmdSet = true
    return withConfig(state, { Cmd: args }, text)
  }
  const change: Partial<ImageRunConfig> = { Entrypoint: args.length === 0 ? null : args }
  return withConfig(state, memory.cmdSet ? change : { ...change, Cmd: null }, text)
}

function healthcheckStep(state: ImageState, instruction: HealthcheckInstruction): ImageState {
  const numbers = {
    Interval: instruction.intervalNs,
    Timeout: instruction.timeoutNs,
    StartPeriod: instruction.startPeriodNs,
    StartInterval: instruction.startIntervalNs,
    Retries: instruction.retries,
  }
  const given = Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== 0))
  return withConfig(state, { Healthcheck: { Test: instruction.test, ...given } }, instruction.text)
}

/** Applies an instruction; undefined: it is none of these. */
export function configStep(
  state: ImageState,
  instruction: ExpandedInstruction,
  memory: StageMemory,
): ImageState | undefined {
  const run = state.run
  switch (instruction.kind) {
    case 'env': {
      const pairs = instruction.pairs.map(({ key, value }) => `${key}=${value}`)
      return withConfig(state, { Env: mergeEnv(run.Env ?? [], pairs) }, `ENV ${pairs.join(' ')}`)
    }
    case 'label': {
      const labels = Object.fromEntries(instruction.pairs.map(({ key, value }) => [key, value]))
      const text = instruction.pairs.map(({ key, value }) => `${key}=${value}`).join(' ')
      return withConfig(state, { Labels: { ...run.Labels, ...labels } }, `LABEL ${text}`)
    }
    case 'expose':
      return withConfig(
        state,
        { ExposedPorts: { ...run.ExposedPorts, ...setOf(instruction.ports) } },
        `EXPOSE ${instruction.ports.join(' ')}`,
      )
    case 'volume':
      return withConfig(
        state,
        { Volumes: { ...run.Volumes, ...setOf(instruction.paths) } },
        `VOLUME ${jsonText(instruction.paths)}`,
      )
    case 'user':
      return withConfig(state, { User: instruction.user }, `USER ${instruction.user}`)
    case 'stopsignal':
      return withConfig(state, { StopSignal: instruction.signal }, `STOPSIGNAL ${instruction.signal}`)
    case 'shell':
      return withConfig(state, { Shell: instruction.shell }, `SHELL ${jsonText(instruction.shell)}`)
    case 'cmd':
    case 'entrypoint':
      return commandStep(state, instruction.kind, commandArgs(instruction.command, run), memory)
    case 'healthcheck':
      return healthcheckStep(state, instruction)
    case 'onbuild':
      return withConfig(
        state,
        { OnBuild: [...(run.OnBuild ?? []), instruction.expression] },
        `ONBUILD ${instruction.expression}`,
      )
    case 'maintainer':
      return withConfig({ ...state, author: instruction.author }, {}, `MAINTAINER ${instruction.author}`)
    default:
      return undefined
  }
}
