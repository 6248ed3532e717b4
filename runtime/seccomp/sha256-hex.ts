// SPDX-License-Identifier: Apache-2.0
import { invariant } from '../../spec/error.ts'

interface Hasher {
  update(data: Uint8Array): Hasher
  digest(encoding: 'hex'): string
}

/** What the two engines offer without an import; neither reads anything from outside. */
interface Engine {
  readonly Bun?: { readonly CryptoHasher: new (algorithm: 'sha256') => Hasher }
  readonly process?: {
    getBuiltinModule?(name: 'node:crypto'): { createHash(algorithm: 'sha256'): Hasher }
  }
}

/**
 * SHA-256 as hexadecimal text. Importing node:crypto would cost the planner 1.6 ms under Bun (it brings
 * streams along), the global hasher of Bun 0.1 ms; on Node the module is there without an import too.
 */
export function sha256Hex(data: Uint8Array): string {
  const engine: Engine = globalThis as Engine
  if (engine.Bun !== undefined) return new engine.Bun.CryptoHasher('sha256').update(data).digest('hex')
  const crypto = engine.process?.getBuiltinModule?.('node:crypto')
  invariant(crypto !== undefined, 'this JavaScript engine has no SHA-256')
  return crypto.createHash('sha256').update(data).digest('hex')
}
