// SPDX-License-Identifier: Apache-2.0
// Part of the build: makes ajv's standalone code about a third as long. It is parsed, or read as bytecode, at every
// start of the planner, so its length is time. Every step checks that ajv still writes what it expects.

/** The functions that the shortened code calls instead of repeating their steps at every check. */
const SUPPORT = `function report(errors, instancePath, keyword, params) {
  const error = { instancePath, keyword, params }
  if (errors === null) return [error]
  errors.push(error)
  return errors
}
function whole(errors, value, least, most, base, path) {
  if (typeof value !== 'number' || !Number.isInteger(value)) return report(errors, base + path, 'type', { type: 'integer' })
  if (value > most) return report(errors, base + path, 'maximum', { limit: most })
  return value < least ? report(errors, base + path, 'minimum', { limit: least }) : errors
}
`

const ERROR =
  /const (err\d+) = \{instancePath(?::(.*?))?,schemaPath:"[^"]*",keyword:("\w+"),params:(.*?)\};if\(vErrors === null\)\{vErrors = \[\1\];\}else \{vErrors\.push\(\1\);\}errors\+\+;/g

const INTEGER =
  /if\(!\(\(\(typeof ([\w.]+) == "number"\) && \(!\(\1 % 1\) && !isNaN\(\1\)\)\) && \(isFinite\(\1\)\)\)\)\{vErrors=report\(vErrors,(.*?),"type",\{type: "integer"\}\);\}(?:if\(\(typeof \1 == "number"\) && \(isFinite\(\1\)\)\)\{((?:if\(\1 [<>] [-\d]+ \|\| isNaN\(\1\)\)\{vErrors=report\([^;]*;\})+)\})?/g

const ENUM =
  /if\(!\(\(*([\w.]+) === [^{}]*\)\)\{vErrors=report\(vErrors,(.*?),"enum",\{allowedValues: (schema\d+)([^}]*)\}\);\}/g

const PATTERN = /const (pattern\d+) = new RegExp\(("(?:[^"\\]|\\.)*"), "u"\);/g

const SCHEMA = /const (schema\d+) = (\{.*?\});(?=const |function |export )/g

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(`ajv writes ${what} in a new form: adapt spec/shorten.ts`)
}

/** One call for each error. What is left of an error object is what spec/schema-problem.ts reads. */
function shortenErrors(code: string): string {
  const short = code
    .replace(
      ERROR,
      (_, _name, path: string | undefined, keyword: string, params: string) =>
        `vErrors=report(vErrors,${path ?? 'instancePath'},${keyword},${params});`,
    )
    .replaceAll('return errors === 0;', 'return vErrors === null;')
  expect(!/\berr\d+\b|errors\+\+|errors === 0/.test(short), 'errors')
  // anyOf, oneOf, not and if ask whether errors were added, which nobody counts any more: they would always be satisfied.
  expect(!/_errs\d+ === errors|errors === _errs\d+/.test(short), 'errors: such keywords do not work here;')
  return short
}

/** One call for type, minimum and maximum of a whole number. */
function shortenIntegers(code: string): string {
  const short = code.replace(INTEGER, (_, value: string, path: string, bounds = '') => {
    const most = /> ([-\d]+) /.exec(bounds)?.[1] ?? 'Infinity'
    const least = /< ([-\d]+) /.exec(bounds)?.[1] ?? '-Infinity'
    const suffix = path.startsWith('instancePath+') ? path.slice('instancePath+'.length) : '""'
    return `vErrors=whole(vErrors,${value},${least},${most},instancePath,${suffix});`
  })
  expect(!/isFinite|isNaN/.test(short), 'integers')
  return short
}

/** Lists of names, each once, in place of comparisons and of whole schemas kept for the sake of their lists. */
function shortenEnums(code: string): string {
  const schemas = new Map(
    [...code.matchAll(SCHEMA)].map(([, name, text]) => [name ?? '', JSON.parse(text ?? '') as unknown]),
  )
  const lists = new Map<string, string>()
  const short = code.replace(ENUM, (_, value: string, path: string, schema: string, place: string) => {
    let found: unknown = schemas.get(schema)
    for (const [, plain, quoted] of place.matchAll(/\.(\w+)|\["([^"]+)"\]/g)) {
      found = (found as Record<string, unknown>)[plain ?? quoted ?? '']
    }
    expect(Array.isArray(found), 'enums')
    const text = JSON.stringify(found)
    const list = lists.get(text) ?? `names${lists.size}`
    lists.set(text, list)
    return `if(!${list}.includes(${value}))vErrors=report(vErrors,${path},"enum",{allowedValues:${list}});`
  })
  const bare = short.replace(SCHEMA, '')
  expect(!/\bschema\d+\b/.test(bare), 'enums')
  return [...lists].map(([text, name]) => `const ${name} = ${text};`).join('') + bare
}

/** Patterns where they are used, and not at every start. */
function placePatterns(code: string): string {
  const patterns = new Map(
    [...code.matchAll(PATTERN)].map(([, name, text]) => [
      name ?? '',
      new RegExp(JSON.parse(text ?? '') as string, 'u'),
    ]),
  )
  const short = code.replace(PATTERN, '').replace(/\bpattern\d+\b/g, (name) => String(patterns.get(name)))
  expect(patterns.size > 0 && !/new RegExp|undefined\.test/.test(short), 'patterns')
  return short
}

/** Shortens the standalone code of a validator that was made with allErrors and without messages. */
export function shorten(code: string): string {
  return SUPPORT + placePatterns(shortenEnums(shortenIntegers(shortenErrors(code))))
}
