// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectDir } from '../helpers/work-dir.ts'

/** A block of code of a page, with the headings that it stands below. */
export interface Snippet {
  /** `Docker`, or `containerd / containerd 2.x`. */
  readonly section: string
  readonly language: string
  /** The file that it belongs into, where the page says so behind the language. */
  readonly file: string | undefined
  readonly text: string
  /** Of commands: what they print, as the next block says. */
  readonly output: string | undefined
}

/** The blocks of a page in Markdown. */
export function readSnippets(markdown: string): readonly Snippet[] {
  const found: Snippet[] = []
  const headings: string[] = []
  const parts = markdown.matchAll(/^(#+) (.*)$|^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm)
  for (const [, marks, heading = '', language = '', file, text = ''] of parts) {
    const last = found.at(-1)
    if (marks !== undefined) {
      headings.length = Math.max(0, marks.length - 2)
      if (marks.length > 1) headings.push(heading)
    } else if (language === 'text' && last !== undefined) {
      found[found.length - 1] = { ...last, output: text }
    } else {
      found.push({ section: headings.join(' / '), language, file, text, output: undefined })
    }
  }
  return found
}

/** Those of docs/clients.md. */
export const snippets: readonly Snippet[] = readSnippets(readFileSync(join(projectDir, 'docs/clients.md'), 'utf8'))

/** The only block of a section that goes into this file. */
export function fileSnippet(section: string, file: string): string {
  const found = snippets.filter((snippet) => snippet.section === section && snippet.file === file)
  const [snippet] = found
  if (snippet === undefined || found.length > 1) {
    throw new Error(`docs/clients.md: ${found.length} blocks for ${file} in "${section}"`)
  }
  return snippet.text
}

/** The commands of a section, in their order. */
export function commandSnippets(section: string): readonly Snippet[] {
  const found = snippets.filter((snippet) => snippet.section === section && snippet.language === 'sh')
  if (found.length === 0) throw new Error(`docs/clients.md: no commands in "${section}"`)
  return found
}

/** What stands behind `key:` in YAML of one level that matters: all there is to be read in a pod. */
export function yamlValue(yaml: string, key: string): string {
  const value = new RegExp(`^[ -]*${key}: *(.+)$`, 'm').exec(yaml)?.[1]
  if (value === undefined) throw new Error(`docs/clients.md: no ${key} in\n${yaml}`)
  return value
}
