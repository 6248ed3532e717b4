// SPDX-License-Identifier: Apache-2.0
// White space as Go's unicode package has it: neither \s nor trim() of JavaScript is the same set.

/** Whether a UTF-16 unit is white space. All white space lies in the basic plane. */
export function isSpaceCode(code: number): boolean {
  if (code <= 0x20) return code === 0x20 || (code >= 0x09 && code <= 0x0d)
  if (code < 0x1680) return code === 0x85 || code === 0xa0
  return (
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  )
}

/** Whether the unit at a position is white space; the end of the text is not. */
export function isSpaceAt(text: string, at: number): boolean {
  return at < text.length && isSpaceCode(text.charCodeAt(at))
}

export function trimStart(text: string): string {
  let start = 0
  while (isSpaceAt(text, start)) start++
  return start === 0 ? text : text.slice(start)
}

export function trim(text: string): string {
  let end = text.length
  while (end > 0 && isSpaceAt(text, end - 1)) end--
  return trimStart(text.slice(0, end))
}

/** White space that separates the arguments of an instruction: that inside a line, and no Unicode. */
function isBlankCode(code: number): boolean {
  return code === 0x20 || code === 0x09 || (code >= 0x0b && code <= 0x0d)
}

/** The first word and what follows it; no rest where there is no blank. */
export function cutBlank(text: string): readonly [first: string, rest: string | undefined] {
  let end = 0
  while (end < text.length && !isBlankCode(text.charCodeAt(end))) end++
  if (end === text.length) return [text, undefined]
  let next = end
  while (next < text.length && isBlankCode(text.charCodeAt(next))) next++
  return [text.slice(0, end), text.slice(next)]
}

/** The words of a text without quoting. */
export function splitBlanks(text: string): readonly string[] {
  const words: string[] = []
  let at = 0
  while (at < text.length) {
    while (at < text.length && isBlankCode(text.charCodeAt(at))) at++
    let end = at
    while (end < text.length && !isBlankCode(text.charCodeAt(end))) end++
    if (end > at) words.push(text.slice(at, end))
    at = end
  }
  return words
}
