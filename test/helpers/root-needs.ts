// SPDX-License-Identifier: Apache-2.0
// Tests that need root of the host, by suite and title, and for what. All others run as a user, too, in a user namespace
// (helpers/rootless.ts).

type Entry = readonly [titles: RegExp, reason: string]

const needs: Readonly<Record<string, readonly Entry[]>> = {}

/** The reason why a test is not run without root, or undefined. */
export function rootNeed(suite: string, title: string): string | undefined {
  return needs[suite]?.find(([titles]) => titles.test(title))?.[1]
}

/** Entries of a suite that match none of its tests. */
export function staleRootNeeds(suite: string, titles: readonly string[]): readonly string[] {
  return (needs[suite] ?? [])
    .filter(([pattern]) => !titles.some((title) => pattern.test(title)))
    .map(([pattern]) => `${suite}: ${pattern}`)
}
