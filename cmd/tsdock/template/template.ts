// SPDX-License-Identifier: Apache-2.0
// Go's text/template for `--format`, over plain data whose keys are the names that docker shows. Pure.

import { argumentsOf, fail, functions, headingFunctions, isTrue, printed, type TemplateFunctions } from './functions.ts'
import { type Call, type Node, type Nodes, type Operand, parseTemplate, type Pipe } from './parser.ts'

type Loop = 'break' | 'continue' | undefined

/** Variables of a block, the innermost first. */
interface Scope {
  readonly variables: Map<string, unknown>
  readonly outer: Scope | undefined
}

const inside = (outer: Scope): Scope => ({ variables: new Map(), outer })

function find(scope: Scope | undefined, name: string): Scope {
  for (let one = scope; one !== undefined; one = one.outer) if (one.variables.has(name)) return one
  throw fail(`undefined variable "$${name}"`)
}

function fields(value: unknown, names: readonly string[]): unknown {
  return names.reduce((from: unknown, name) => {
    if (from === undefined || from === null) return undefined
    if (typeof from !== 'object' || Array.isArray(from)) {
      throw fail(`can't evaluate field ${name} in type ${Array.isArray(from) ? '[]interface {}' : typeof from}`)
    }
    return Object.hasOwn(from, name) ? (from as Record<string, unknown>)[name] : undefined
  }, value)
}

class Run {
  readonly #functions: TemplateFunctions
  out = ''

  constructor(own: TemplateFunctions) {
    this.#functions = own
  }

  nodes(nodes: Nodes, dot: unknown, scope: Scope): Loop {
    for (const node of nodes) {
      const loop = this.#node(node, dot, scope)
      if (loop !== undefined) return loop
    }
    return undefined
  }

  #node(node: Node, dot: unknown, scope: Scope): Loop {
    switch (node.kind) {
      case 'text':
        this.out += node.text
        return undefined
      case 'print': {
        const value = this.#pipe(node.pipe, dot, scope)
        if (node.pipe.set.length === 0) this.out += printed(value)
        return undefined
      }
      case 'if':
      case 'with': {
        const own = inside(scope)
        const value = this.#pipe(node.pipe, dot, own)
        if (!isTrue(value)) return this.nodes(node.otherwise, dot, own)
        return this.nodes(node.body, node.kind === 'with' ? value : dot, own)
      }
      case 'range':
        return this.#range(node.pipe, node.body, node.otherwise, dot, inside(scope))
      default:
        return node.kind
    }
  }

  #range(pipe: Pipe, body: Nodes, otherwise: Nodes, dot: unknown, scope: Scope): Loop {
    const value = this.#pipe({ ...pipe, set: [] }, dot, scope)
    const entries = entriesOf(value)
    for (const [key, one] of entries) {
      const own = inside(scope)
      const [first, second] = pipe.set
      if (second !== undefined && first !== undefined) own.variables.set(first, key).set(second, one)
      else if (first !== undefined) own.variables.set(first, one)
      if (this.nodes(body, one, own) === 'break') break
    }
    return entries.length === 0 ? this.nodes(otherwise, dot, scope) : undefined
  }

  #pipe(pipe: Pipe, dot: unknown, scope: Scope): unknown {
    let value: unknown
    for (const [i, call] of pipe.calls.entries()) value = this.#call(call, dot, scope, i === 0 ? [] : [value])
    for (const name of pipe.set) (pipe.declares ? scope : find(scope, name)).variables.set(name, value)
    return value
  }

  #call([first, ...rest]: Call, dot: unknown, scope: Scope, piped: readonly unknown[]): unknown {
    if (first === undefined) return undefined
    if (first.kind !== 'function') {
      if (first.kind === 'literal' && first.value === null) throw fail('nil is not a command')
      if (first.kind === 'literal' && rest.length > 0) {
        throw fail(`can't give argument to non-function ${JSON.stringify(first.value)}`)
      }
      const value = this.#operand(first, dot, scope)
      if (rest.length > 0 || piped.length > 0)
        throw fail(`${describe(first)} has arguments but cannot be invoked as function`)
      return value
    }
    // These two look no further than they must.
    if ((first.name === 'and' || first.name === 'or') && rest.length + piped.length > 0) {
      let value: unknown
      for (const operand of rest) {
        value = this.#operand(operand, dot, scope)
        if (isTrue(value) === (first.name === 'or')) return value
      }
      return piped.length > 0 ? piped[0] : value
    }
    const values = [...rest.map((operand) => this.#operand(operand, dot, scope)), ...piped]
    return this.#invoke(first.name, values)
  }

  #invoke(name: string, values: readonly unknown[]): unknown {
    const [least, most] = argumentsOf[name] ?? [0, Number.POSITIVE_INFINITY]
    if (values.length < least || values.length > most) {
      const want = least === most ? String(least) : values.length < least ? `at least ${least}` : `at most ${most}`
      throw fail(`wrong number of args for ${name}: want ${want} got ${values.length}`)
    }
    return this.#functions[name]?.(...values)
  }

  #operand(operand: Operand, dot: unknown, scope: Scope): unknown {
    switch (operand.kind) {
      case 'literal':
        return operand.value
      case 'field':
        return fields(dot, operand.names)
      case 'variable':
        return fields(find(scope, operand.name).variables.get(operand.name), operand.names)
      case 'pipe':
        return fields(this.#pipe(operand.pipe, dot, inside(scope)), operand.names)
      case 'function':
        return this.#invoke(operand.name, [])
    }
  }
}

const describe = (operand: Operand): string => (operand.kind === 'field' ? `.${operand.names.join('.')}` : operand.kind)

function entriesOf(value: unknown): readonly (readonly [key: unknown, value: unknown])[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return [...value.entries()]
  if (typeof value === 'number') return Array.from({ length: value }, (_, i) => [i, i])
  if (typeof value === 'object') return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  throw fail(`range can't iterate over ${printed(value)}`)
}

/** Errors: DockError: of the text at once, of the data when it is used. own: functions in the place of docker's. */
function compileWith(text: string, own: TemplateFunctions): (data: unknown) => string {
  const nodes = parseTemplate(text, (name) => Object.hasOwn(own, name))
  return (data) => {
    const run = new Run(own)
    run.nodes(nodes, data, { variables: new Map([['', data]]), outer: undefined })
    return run.out
  }
}

/** Errors: DockError: of the text at once, of the data when it is used. */
export const compileTemplate = (text: string): ((data: unknown) => string) => compileWith(text, functions)

/** For the line of headings: what functions make of values leaves headings alone. Errors: DockError. */
export const compileHeadings = (text: string): ((data: unknown) => string) => compileWith(text, headingFunctions)
