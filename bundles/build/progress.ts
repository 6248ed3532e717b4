// SPDX-License-Identifier: Apache-2.0

/** What happens in a build, for whoever shows it. `step` names one instruction (or the fetching of an image). */
export type BuildEvent =
  | { readonly kind: 'begin'; readonly step: number; readonly name: string; readonly time: number }
  | { readonly kind: 'cached'; readonly step: number; readonly time: number }
  | { readonly kind: 'miss'; readonly step: number; readonly reason: string }
  | { readonly kind: 'output'; readonly step: number; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | {
      readonly kind: 'bytes'
      readonly step: number
      readonly what: string
      readonly done: number
      readonly size: number
    }
  | { readonly kind: 'done'; readonly step: number; readonly time: number }
  | { readonly kind: 'failed'; readonly step: number; readonly message: string; readonly time: number }
  | { readonly kind: 'warning'; readonly message: string }

export type OnBuildEvent = (event: BuildEvent) => void
