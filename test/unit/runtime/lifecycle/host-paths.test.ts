// SPDX-License-Identifier: Apache-2.0
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { canReach, followLinks } from '../../../../runtime/lifecycle/host-paths.ts'

function withDirectory(use: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'tsrun-paths-'))
  try {
    use(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

test('links are followed; a path that leads nowhere stays as it is', () =>
  withDirectory((directory) => {
    symlinkSync(directory, join(directory, 'link'))
    assert.is(followLinks(join(directory, 'link')), directory)
    assert.is(followLinks(`${directory}/link/../.`), dirname(directory), 'as the kernel does')
    assert.is(followLinks(join(directory, 'none')), join(directory, 'none'))
  }))

test('a user namespace comes to a path when each directory on the way lets its root in', () =>
  withDirectory((directory) => {
    const [inner, path] = [join(directory, 'inner'), join(directory, 'inner/source')]
    mkdirSync(inner)
    const { uid, gid } = statSync(inner)
    const map = (hostID: number, containerID = 0) => [{ containerID, hostID, size: 1 }]
    const [elsewhere, own, ownGroup] = [map(4_000_000), map(uid), map(gid)]
    const reached = (outer: number, mode: number, uids = elsewhere, gids = elsewhere): boolean => {
      chmodSync(directory, outer)
      chmodSync(inner, mode)
      return canReach(path, { uidMappings: uids, gidMappings: gids })
    }
    assert.ok(reached(0o711, 0o711))
    assert.ok(canReach(path))
    assert.not.ok(reached(0o700, 0o711))
    assert.not.ok(canReach(path))
    assert.not.ok(reached(0o711, 0o770))
    assert.ok(reached(0o711, 0o700, own), 'it is its owner')
    assert.not.ok(reached(0o711, 0o077, own), 'the owner has no right that others have')
    assert.ok(reached(0o711, 0o710, elsewhere, ownGroup), 'it is in the group')
    assert.not.ok(reached(0o711, 0o710, elsewhere, map(gid, 5)), 'the group is another one inside')
    assert.ok(reached(0o711, 0o000, map(uid, 5), map(gid, 5)), 'its capabilities are for what belongs to the namespace')
  }))

test.run()
