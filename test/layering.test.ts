// SPDX-License-Identifier: Apache-2.0
// Who may import whom: spec <- runtime <- bundles <- cmd, and csrc/base <- plan <- ops <- exec <- front. Each rule is a
// function over a list of files, so that it is tried on a planted violation too.

import { globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { projectDir } from './helpers/work-dir.ts'

/** Path from the top of the project -> text. */
type Files = Readonly<Record<string, string>>

const LAYERS = ['spec', 'runtime', 'bundles', 'cmd']
const C_LAYERS = ['base', 'plan', 'ops', 'exec', 'front']
/** Programs of their own, which may use base. */
const C_PROGRAMS: ReadonlySet<string> = new Set(['seccomp', 'files', 'net', 'monitor', 'init', 'rootless'])
const PURE = /^(spec|runtime\/(plan|compile|cgroups|seccomp)|bundles\/dockerfile)\//
/** Packages that are imported by import() alone, where a file of a user's asks for it. */
const LOADED_WHEN_WANTED: ReadonlySet<string> = new Set(['bundles/containers/cdi.ts yaml'])
/** Build steps live with what they make, and no program imports them. */
const BUILD_STEPS: ReadonlySet<string> = new Set(['spec/generate.ts', 'spec/shorten.ts'])

function load(...patterns: readonly string[]): Files {
  const found = globSync([...patterns], { cwd: projectDir })
  const names = found.filter((name) => !/(^|\/)(node_modules|dist)\/|^build\//.test(name)).sort()
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(projectDir, name), 'utf8')]))
}

const isScript = (name: string): boolean => name.startsWith('cmd/dev/')
const typescript = load(...LAYERS.map((layer) => `${layer}/**/*.ts`))
const c = load('csrc/**/*.[ch]')

const IMPORT =
  /(?:^|[;\n}])\s*(?:import|export)\s[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|(?:^|[;\n}])\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')

/** What a TypeScript file imports, as it is written there. */
function specifiers(text: string): readonly string[] {
  return [...withoutComments(text).matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

/** The file that a relative specifier names. */
function resolved(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier)
}

const layerOf = (path: string): number => LAYERS.indexOf(path.split('/')[0] ?? '')

/** Imports that go upwards, or out of the layers. Packages may be imported by cmd alone: programs are to start fast. */
function wrongDirections(files: Files): readonly string[] {
  return Object.entries(files).flatMap(([file, text]) =>
    specifiers(text)
      .filter((specifier) => {
        if (specifier.startsWith('node:')) return false
        if (LOADED_WHEN_WANTED.has(`${file} ${specifier}`)) return false
        if (!specifier.startsWith('.')) return layerOf(file) < LAYERS.indexOf('cmd') && !BUILD_STEPS.has(file)
        const target = layerOf(resolved(file, specifier))
        return target < 0 || target > layerOf(file)
      })
      .map((specifier) => `${file} imports ${specifier}`),
  )
}

/** Modules of Node or Bun in folders that touch neither files nor clock nor environment, and globals that do. */
function impurities(files: Files): readonly string[] {
  return Object.entries(files)
    .filter(([file]) => PURE.test(file) && !BUILD_STEPS.has(file))
    .flatMap(([file, text]) => {
      const modules = specifiers(text).filter((specifier) => /^(node|bun)\b/.test(specifier))
      const code = withoutComments(text)
      // A file with a `process` of its own means that of a config.
      const ownProcess = /\bprocess\b\s*(?:[,}:]|= )/.test(code)
      const globals = [
        ...(ownProcess ? [] : (code.match(/(?<![\w./])process\.\w+/g) ?? [])),
        ...(code.match(/(?<![\w.])(?:Date\.now\(|new Date\(\)|performance\.|Math\.random\(|Bun\.|require\()/g) ?? []),
      ]
      return [...modules, ...globals].map((what) => `${file} uses ${what}`)
    })
}

function defaultExports(files: Files): readonly string[] {
  return Object.entries(files)
    .filter(([, text]) => /^export\s+default\b|^export\s*\{[^}]*\bas\s+default\b/m.test(text))
    .map(([file]) => file)
}

/** One cycle of imports, as the list of its files; undefined without one. Imports of types alone are gone at run time. */
function findCycle(files: Files): readonly string[] | undefined {
  const done = new Set<string>()
  const path: string[] = []
  const visit = (file: string): readonly string[] | undefined => {
    const at = path.indexOf(file)
    if (at >= 0) return [...path.slice(at), file]
    const text = files[file]
    if (done.has(file) || text === undefined) return undefined
    path.push(file)
    const code = text.replace(/^(import|export) type\b[^;'"]*from '[^']*'/gm, '')
    for (const specifier of specifiers(code).filter((one) => one.startsWith('.'))) {
      const cycle = visit(resolved(file, specifier))
      if (cycle !== undefined) return cycle
    }
    path.pop()
    done.add(file)
    return undefined
  }
  for (const file of Object.keys(files)) {
    const cycle = visit(file)
    if (cycle !== undefined) return cycle
  }
  return undefined
}

/** #include "..." that goes upwards, or from or to a program of its own. */
function wrongIncludes(files: Files): readonly string[] {
  const folder = (path: string): string => path.split('/')[1] ?? ''
  return Object.entries(files).flatMap(([file, text]) =>
    [...text.matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)]
      .map((match) => match[1] ?? '')
      .filter((include) => {
        const [from, to] = [folder(file), folder(resolved(file, include))]
        if (!resolved(file, include).startsWith('csrc/')) return true
        if (from === to) return false
        if (C_PROGRAMS.has(from)) return to !== 'base'
        return C_LAYERS.indexOf(to) < 0 || C_LAYERS.indexOf(to) > C_LAYERS.indexOf(from)
      })
      .map((include) => `${file} includes ${include}`),
  )
}

test('the files are found', () => {
  assert.ok(Object.keys(typescript).length > 100, `${Object.keys(typescript).length} TypeScript files`)
  assert.ok(Object.keys(c).length > 50, `${Object.keys(c).length} C files`)
  const imports = Object.values(typescript).flatMap(specifiers).length
  const lines =
    Object.values(typescript)
      .join('\n')
      .match(/^(import|} from|export .* from)\b/gm)?.length ?? 0
  assert.ok(imports > lines / 3, `only ${imports} imports seen in ${lines} lines that may have one`)
})

test('imports go from cmd down to spec', () => {
  assert.equal(wrongDirections(typescript), [])
})

test('spec, plan, compile, cgroups, seccomp and dockerfile are pure', () => {
  assert.equal(impurities(typescript), [])
})

test('no file has a default export', () => {
  assert.equal(defaultExports({ ...typescript, ...load('test/**/*.ts') }), [])
})

test('no imports go in a circle', () => {
  assert.equal(findCycle(typescript), undefined)
})

test('includes go from front down to base', () => {
  assert.equal(wrongIncludes(c), [])
})

test('no program imports the scripts of cmd/dev', () => {
  const found = Object.entries(typescript)
    .filter(([file]) => !isScript(file))
    .flatMap(([file, text]) => specifiers(text).map((one) => [file, resolved(file, one)] as const))
    .filter(([, target]) => isScript(target))
  assert.equal(found, [])
})

test('a wrong direction is found', () => {
  const found = (file: string, text: string): number => wrongDirections({ [file]: text }).length
  assert.is(found('spec/a.ts', "import { x } from '../runtime/x.ts'"), 1)
  assert.is(found('runtime/plan/a.ts', "import type { X } from '../../cmd/x.ts'"), 1)
  assert.is(found('runtime/a.ts', "const x = await import('../bundles/x.ts')"), 1)
  assert.is(found('runtime/a.ts', "export {\n  x,\n} from '../bundles/x.ts'"), 1)
  assert.is(found('runtime/a.ts', "import '../test/helpers/x.ts'"), 1)
  assert.is(found('spec/a.ts', "import yargs from 'yargs'"), 1)
  assert.is(found('cmd/a.ts', "import yargs from 'yargs'\nimport { x } from '../spec/x.ts'"), 0)
  assert.is(found('runtime/a.ts', "// import { x } from '../cmd/x.ts'\nimport { x } from './x.ts'"), 0)
})

test('an impurity is found', () => {
  const found = (file: string, text: string): number => impurities({ [file]: text }).length
  assert.is(found('spec/rules/a.ts', "import { readFileSync } from 'node:fs'"), 1)
  assert.is(found('runtime/compile/a.ts', "const fs = await import('node:fs')"), 1)
  assert.is(found('runtime/cgroups/v1/a.ts', 'const now = Date.now()'), 1)
  assert.is(found('runtime/seccomp/a.ts', "const home = process.env['HOME']"), 1)
  assert.is(found('runtime/plan/a.ts', 'const { process } = context\nuse(process.env)'), 0)
  assert.is(found('runtime/plan/a.ts', '// not process.env\nconst cwd = context.process.cwd'), 0)
  assert.is(found('bundles/dockerfile/a.ts', "import { join } from 'node:path'"), 1)
  assert.is(found('runtime/facts/a.ts', "import { readFileSync } from 'node:fs'"), 0)
})

test('a default export is found', () => {
  assert.equal(defaultExports({ 'a.ts': 'export default 5', 'b.ts': 'export { x as default }', 'c.ts': '' }), [
    'a.ts',
    'b.ts',
  ])
})

test('a circle is found', () => {
  const circle = {
    'spec/a.ts': "import { b } from './b.ts'",
    'spec/b.ts': "const { c } = await import('./rules/c.ts')",
    'spec/rules/c.ts': "import { a } from '../a.ts'",
  }
  assert.equal(findCycle(circle), ['spec/a.ts', 'spec/b.ts', 'spec/rules/c.ts', 'spec/a.ts'])
  assert.is(findCycle({ ...circle, 'spec/rules/c.ts': '' }), undefined)
  assert.is(findCycle({ ...circle, 'spec/rules/c.ts': "import type {\n  A,\n} from '../a.ts'" }), undefined)
})

test('a wrong include is found', () => {
  const found = (file: string, text: string): number => wrongIncludes({ [file]: text }).length
  assert.is(found('csrc/base/a.c', '#include "../plan/plan.h"'), 1)
  assert.is(found('csrc/ops/a.h', '\t#include "../exec/exec.h"'), 1)
  assert.is(found('csrc/seccomp/a.c', '#include "../ops/ops.h"'), 1)
  assert.is(found('csrc/exec/a.c', '#include "../seccomp/seccomp.h"'), 1)
  assert.is(found('csrc/front/a.c', '#include "../files/tree.h"'), 1)
  assert.is(found('csrc/files/a.c', '#include "../exec/exec.h"'), 1)
  assert.is(found('csrc/files/a.c', '#include "../base/io.h"\n#include "tree.h"'), 0)
  assert.is(found('csrc/front/a.c', '#include "../../test/x.h"'), 1)
  assert.is(found('csrc/front/a.c', '#include <stdio.h>\n#include "../exec/exec.h"\n#include "a.h"'), 0)
})

test.run()
