// SPDX-License-Identifier: Apache-2.0
// What can be said of docs/clients.md without an engine; `npm run test:clients` runs it.

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checks } from '../clients/checks.ts'
import { textFields, message } from '../clients/cri.ts'
import { fileSnippet, readSnippets, snippets, yamlValue } from '../clients/snippets.ts'

const test = suite('clients page')

test('every section with snippets has a check, and every check its sections', () => {
  const checked = new Set(checks.flatMap(({ sections }) => sections))
  assert.equal([...checked].sort(), [...new Set(snippets.map(({ section }) => section))].sort())
})

test('commands say what they print, and files where they belong', () => {
  for (const { section, language, file, output } of snippets) {
    assert.is(language === 'sh', output !== undefined, section)
    assert.is(language === 'sh', file === undefined, section)
  }
})

test('the runtime has one name and one path', () => {
  for (const { text } of snippets) {
    for (const path of text.match(/[\w/]*\/tsrun\b/g) ?? []) assert.match(path, /^\/(usr\/local\/bin|run)\/tsrun$/)
  }
  assert.is(JSON.parse(fileSnippet('Docker', '/etc/docker/daemon.json')).runtimes.tsrun.path, '/usr/local/bin/tsrun')
  assert.is(yamlValue(fileSnippet('Kubernetes', 'runtime-class.yaml'), 'handler'), 'tsrun')
})

test('headings, files and outputs are read', () => {
  const text = '# T\n\n## A\n\n### B\n\n```sh\necho x\n```\n\n```text\nx\n```\n\n## C\n\n```toml /etc/c\na = 1\n```\n'
  assert.equal(readSnippets(text), [
    { section: 'A / B', language: 'sh', file: undefined, text: 'echo x\n', output: 'x\n' },
    { section: 'C', language: 'toml', file: '/etc/c', text: 'a = 1\n', output: undefined },
  ])
})

test('messages of the CRI are as protocol buffers write them', () => {
  const bytes = message([1, 'id'], [2, 300], [3, message([1, 'x'])])
  assert.is(bytes.toString('hex'), '0a02696410ac021a030a0178')
  assert.equal(
    [...textFields(bytes)],
    [
      [1, 'id'],
      [3, '\n\u0001x'],
    ],
  )
})

test.run()
