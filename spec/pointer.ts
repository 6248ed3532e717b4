// SPDX-License-Identifier: Apache-2.0

/** Appends one key or index to a JSON pointer (RFC 6901). */
export function pointerTo(base: string, key: string | number): string {
  return `${base}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/** Splits a JSON pointer into its keys; the empty pointer is the whole document. */
export function pointerKeys(pointer: string): readonly string[] {
  if (pointer === '') return []
  const keys = pointer.split('/')
  keys.shift()
  return pointer.includes('~') ? keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~')) : keys
}

/** A JSON pointer as people write a field: '/mounts/3/options/0' -> 'mounts[3].options[0]'. */
export function pointerLabel(pointer: string): string {
  let label = ''
  for (const key of pointerKeys(pointer)) {
    if (/^[A-Za-z_$][A-Za-z0-9_$]*$/.test(key)) label += label === '' ? key : `.${key}`
    else if (/^(0|[1-9][0-9]*)$/.test(key)) label += `[${key}]`
    else label += `[${JSON.stringify(key)}]`
  }
  return label === '' ? 'config' : label
}

/** The value a JSON pointer names, or undefined where the document does not reach. */
export function pointerValue(document: unknown, pointer: string): unknown {
  let value = document
  for (const key of pointerKeys(pointer)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}
