// SPDX-License-Identifier: Apache-2.0
// Cases of distribution/reference's own tests (reference_test.go, normalize_test.go), as far as they concern this grammar.

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DockError } from '../../../../bundles/error.ts'
import {
  familiarText,
  looksLikeId,
  parseReference,
  referenceText,
  withDefaultTag,
} from '../../../../bundles/images/reference.ts'

const hex = 'ff'.repeat(32)

const valid: Readonly<Record<string, string>> = {
  test_com: 'docker.io/library/test_com',
  'test.com:tag': 'docker.io/library/test.com:tag',
  'test.com:5000': 'docker.io/library/test.com:5000',
  'test.com/repo:tag': 'test.com/repo:tag',
  'test:5000/repo': 'test:5000/repo',
  'test:5000/repo:tag': 'test:5000/repo:tag',
  [`test:5000/repo@sha256:${hex}`]: `test:5000/repo@sha256:${hex}`,
  [`test:5000/repo:tag@sha256:${hex}`]: `test:5000/repo:tag@sha256:${hex}`,
  'lowercase:Uppercase': 'docker.io/library/lowercase:Uppercase',
  'sub-dom1.foo.com/bar/baz/quux': 'sub-dom1.foo.com/bar/baz/quux',
  'sub-dom1.foo.com/bar/baz/quux:some-long-tag': 'sub-dom1.foo.com/bar/baz/quux:some-long-tag',
  'b.gcr.io/test.example.com/my-app:test.example.com': 'b.gcr.io/test.example.com/my-app:test.example.com',
  'xn--n3h.com/myimage:xn--n3h.com': 'xn--n3h.com/myimage:xn--n3h.com',
  'foo_bar.com:8080': 'docker.io/library/foo_bar.com:8080',
  'foo/foo_bar.com:8080': 'docker.io/foo/foo_bar.com:8080',
  '192.168.1.1': 'docker.io/library/192.168.1.1',
  '192.168.1.1:tag': 'docker.io/library/192.168.1.1:tag',
  '192.168.1.1/repo': '192.168.1.1/repo',
  '192.168.1.1:5000/repo:5050': '192.168.1.1:5000/repo:5050',
  '[2001:db8::1]/repo': '[2001:db8::1]/repo',
  '[2001:db8:1:2:3:4:5:6]:5000/repo:tag': '[2001:db8:1:2:3:4:5:6]:5000/repo:tag',
  '[::1]:5000/repo': '[::1]:5000/repo',
  'docker/docker': 'docker.io/docker/docker',
  'library/debian': 'docker.io/library/debian',
  'docker.io/debian': 'docker.io/library/debian',
  'index.docker.io/docker/docker': 'docker.io/docker/docker',
  'localhost/x': 'localhost/x',
  'localhost:5000/a/b': 'localhost:5000/a/b',
  'Uppercase/lower': 'Uppercase/lower',
  'a/b/c/d/e': 'docker.io/a/b/c/d/e',
  'a__b/c--d.e_f': 'docker.io/a__b/c--d.e_f',
  '1a/2b': 'docker.io/1a/2b',
  deadbeef: 'docker.io/library/deadbeef',
  [`a/${'a'.repeat(253)}`]: `docker.io/a/${'a'.repeat(253)}`,
  [`a:${'t'.repeat(128)}`]: `docker.io/library/a:${'t'.repeat(128)}`,
}

test('valid names', () => {
  for (const [text, full] of Object.entries(valid)) assert.is(referenceText(parseReference(text)), full, text)
})

test('invalid names', () => {
  const invalid = [
    '',
    ':justtag',
    `@sha256:${hex}`,
    'repo@sha256:ffff',
    `repo@sha512:${'ff'.repeat(64)}`,
    `validname@invaliddigest:${hex}`,
    'Uppercase:tag',
    'test:5000/Uppercase/lowercase:tag',
    `a/${'a'.repeat(254)}`,
    `a:${'t'.repeat(129)}`,
    'aa/asdf$$^/aa',
    'a//b',
    '/a',
    'a/',
    'a/-b',
    'a-/b',
    'a..b',
    'a___b',
    'a._b',
    'a.-b',
    '-foo/bar',
    'foo.com:/bar',
    'foo.com:port/bar',
    'foo_bar.com:8080/test',
    '-test.com/a',
    'test-.com/a',
    '[2001:db8::1]',
    '[fe80::1%eth0]:5000/repo',
    '[2001:db8::1/repo',
    'a b',
    'a\n',
    'a:tag\n',
    'a:-tag',
    'a:.tag',
    'a:tag:tag',
    'a@b@c',
    'a/../b',
    './a',
    'https://github.com/docker/docker',
    'docker.io/../../etc',
    hex,
    'x'.repeat(1_000_000),
    `${'a-'.repeat(500_000)}!`,
  ]
  for (const text of invalid) {
    try {
      parseReference(text)
    } catch (e: unknown) {
      assert.instance(e, DockError)
      assert.match((e as Error).message, /^invalid reference format: /)
      assert.ok((e as Error).message.length < 3000)
      continue
    }
    assert.unreachable(`not refused: ${text.slice(0, 100)}`)
  }
})

test('patterns take no time to speak of', () => {
  const start = performance.now()
  for (const part of ['a-', '-', 'a.', 'a__', 'a/', '0', '[:'])
    for (const tail of ['!', '', '/x', ':'])
      try {
        parseReference(part.repeat(1000 / part.length) + tail)
      } catch {}
  assert.ok(performance.now() - start < 1000, `${performance.now() - start} ms`)
})

test('latest is for names without tag and digest', () => {
  const full = (text: string): string => referenceText(withDefaultTag(parseReference(text)))
  assert.is(full('a'), 'docker.io/library/a:latest')
  assert.is(full('a:1'), 'docker.io/library/a:1')
  assert.is(full(`a@sha256:${hex}`), `docker.io/library/a@sha256:${hex}`)
})

test('as people write it', () => {
  for (const [text, short] of Object.entries({
    'docker.io/library/a:1': 'a:1',
    'docker.io/b/a': 'b/a',
    'quay.io/a': 'quay.io/a',
    'localhost/a:latest': 'localhost/a:latest',
  }))
    assert.is(familiarText(parseReference(text)), short)
})

test('ids and beginnings of ids', () => {
  for (const text of ['abcd', hex, `sha256:${hex}`, '0123']) assert.ok(looksLikeId(text), text)
  for (const text of ['abc', `${hex}0`, 'abcg', 'ABCD', 'sha512:abcd']) assert.not.ok(looksLikeId(text), text)
})

test.run()
