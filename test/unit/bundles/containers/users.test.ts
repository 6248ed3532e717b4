// SPDX-License-Identifier: Apache-2.0
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { resolveOwner, resolveUser } from '../../../../bundles/containers/users.ts'

const files: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:\nbad:x:x:1::/:\n4294967296:x:7:7::/:\n',
  'etc/group': 'root:x:0:\nstaff:x:50:app,other\nwheel:x:10:app\n',
}
const read = async (path: string): Promise<string | undefined> => files[path]
const nothing = async (): Promise<undefined> => undefined

const idsOf = async (text: string): Promise<string> => {
  const { user } = await resolveUser(text, read)
  return `${user.uid}:${user.gid} ${(user.additionalGids ?? []).join(',')}`
}

test('names and numbers of users and groups', async () => {
  assert.is(await idsOf(''), '0:0 0')
  assert.is(await idsOf('app'), '1000:1001 10,50,1001')
  assert.is(await idsOf('1000'), '1000:1001 10,50,1001')
  assert.is(await idsOf('app:staff'), '1000:50 50')
  assert.is(await idsOf('app:7'), '1000:7 7')
  assert.is(await idsOf('77'), '77:0 0')
  assert.is((await resolveUser('app', read)).home, '/home/app')
  assert.is((await resolveUser('5', nothing)).user.uid, 5)
})

async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (e: unknown) {
    return e instanceof Error ? e.message : String(e)
  }
  return 'accepted'
}

test('what looks like a number is never looked up as a name', async () => {
  for (const text of ['4294967295', '4294967296', '-1', '99999999999999999999']) {
    assert.match(await refusal(resolveUser(text, read)), /an id is a number from 0 to 4294967294/)
    assert.match(await refusal(resolveUser(`0:${text}`, read)), /an id is a number/)
  }
})

test('unknown names are told', async () => {
  assert.match(
    await refusal(resolveUser('nobody', read)),
    /unable to find user nobody: no matching entries in passwd file/,
  )
  assert.match(await refusal(resolveUser('app:nogroup', read)), /unable to find group nogroup/)
  assert.match(await refusal(resolveUser('bad', read)), /unable to find user bad/)
  assert.match(await refusal(resolveUser('a:b:c', read)), /USER or USER:GROUP/)
})

test('--chown: a user alone stands for its group, a number for both', async () => {
  assert.equal(await resolveOwner('app', read), { uid: 1000, gid: 1001 })
  assert.equal(await resolveOwner('7', read), { uid: 7, gid: 7 })
  assert.equal(await resolveOwner('app:staff', read), { uid: 1000, gid: 50 })
})

test.run()
