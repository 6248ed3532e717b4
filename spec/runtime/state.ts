// SPDX-License-Identifier: Apache-2.0

export type ContainerState = 'creating' | 'created' | 'running' | 'stopped'

/** What `state` prints and hooks read. Spec: runtime.md#state */
export interface State {
  readonly ociVersion: string
  readonly id: string
  readonly status: ContainerState
  readonly pid?: number | undefined
  readonly bundle: string
  readonly annotations?: Readonly<Record<string, string>> | undefined
}

/** What goes to a seccomp agent beside the listener. Spec: config-linux.md#the-container-process-state */
export interface ContainerProcessState {
  readonly ociVersion: string
  readonly fds: readonly string[]
  readonly pid: number
  readonly metadata?: string | undefined
  readonly state: State
}
