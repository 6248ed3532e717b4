// SPDX-License-Identifier: Apache-2.0

/** Whether there is a label as a filter asks for it: `key`, or `key=value`. */
export function hasLabel(labels: Readonly<Record<string, string>> | null | undefined, text: string): boolean {
  const equals = text.indexOf('=')
  const key = equals < 0 ? text : text.slice(0, equals)
  if (labels === null || labels === undefined || !Object.hasOwn(labels, key)) return false
  return equals < 0 || labels[key] === text.slice(equals + 1)
}
