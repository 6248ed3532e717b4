// SPDX-License-Identifier: Apache-2.0
// Go's text/template for `--format`: the tree. Pure.

import { type Token, tokensOf, wrong } from './lexer.ts'

export type Operand =
  | { readonly kind: 'field'; readonly names: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly names: readonly string[] }
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'pipe'; readonly pipe: Pipe; readonly names: readonly string[] }

/** A function or value, and its arguments. */
export type Call = readonly Operand[]

export interface Pipe {
  /** Variables that the value goes to. */
  readonly set: readonly string[]
  /** `:=` and not `=`. */
  readonly declares: boolean
  readonly calls: readonly Call[]
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipe: Pipe }
  | { readonly kind: 'if' | 'with' | 'range'; readonly pipe: Pipe; readonly body: Nodes; readonly otherwise: Nodes }
  | { readonly kind: 'break' | 'continue' }

export type Nodes = readonly Node[]

const constants: Readonly<Record<string, boolean | null>> = { true: true, false: false, nil: null }

class Parser {
  readonly #tokens: readonly { readonly token: Token; readonly line: number }[]
  readonly #isFunction: (name: string) => boolean
  #at = 0

  constructor(text: string, isFunction: (name: string) => boolean) {
    this.#tokens = tokensOf(text)
    this.#isFunction = isFunction
  }

  get #token(): Token | undefined {
    return this.#tokens[this.#at]?.token
  }

  #fail(message: string): never {
    throw wrong(this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]?.line ?? 1, message)
  }

  #isSign(text: string): boolean {
    const token = this.#token
    return token?.kind === 'sign' && token.text === text
  }

  /** The word right behind `{{`. */
  #keyword(): string | undefined {
    const next = this.#tokens[this.#at + 1]?.token
    return this.#token?.kind === 'open' && next?.kind === 'word' ? next.text : undefined
  }

  #close(): void {
    if (this.#token?.kind !== 'close') this.#fail(`unexpected ${this.#describe()} in command`)
    this.#at++
  }

  #describe(): string {
    const token = this.#token
    if (token === undefined) return 'EOF'
    if (token.kind === 'sign' || token.kind === 'word') return JSON.stringify(token.text)
    return token.kind === 'close' ? '"}}"' : token.kind
  }

  /** Until one of the words that end a list. */
  list(ends: readonly string[], inRange: boolean): Nodes {
    const nodes: Node[] = []
    for (;;) {
      const token = this.#token
      if (token === undefined) {
        if (ends.length > 0) this.#fail('unexpected EOF')
        return nodes
      }
      const keyword = this.#keyword()
      if (keyword !== undefined && ends.includes(keyword)) return nodes
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.text })
        this.#at++
      } else nodes.push(this.#action(keyword, inRange))
    }
  }

  #action(keyword: string | undefined, inRange: boolean): Node {
    switch (keyword) {
      case 'if':
      case 'with':
      case 'range':
        this.#at += 2
        return this.#block(keyword, inRange)
      case 'break':
      case 'continue':
        if (!inRange) this.#fail(`{{${keyword}}} outside {{range}}`)
        this.#at += 2
        this.#close()
        return { kind: keyword }
      case 'end':
      case 'else':
        return this.#fail(`unexpected {{${keyword}}}`)
      case 'define':
      case 'template':
      case 'block':
        return this.#fail(`{{${keyword}}} has no use in a format`)
      default: {
        this.#at++
        const pipe = this.#pipe()
        this.#close()
        return { kind: 'print', pipe }
      }
    }
  }

  /** Behind `{{if`, or `{{else if`. */
  #block(kind: 'if' | 'with' | 'range', inRange: boolean): Node {
    const pipe = this.#pipe(kind === 'range' ? 2 : 1)
    this.#close()
    const body = this.list(['else', 'end'], inRange || kind === 'range')
    if (this.#keyword() === 'end') {
      this.#at += 2
      this.#close()
      return { kind, pipe, body, otherwise: [] }
    }
    this.#at += 2
    const token = this.#token
    if (token?.kind === 'word' && (token.text === 'if' || token.text === 'with')) {
      this.#at++
      return { kind, pipe, body, otherwise: [this.#block(token.text, inRange)] }
    }
    this.#close()
    const otherwise = this.list(['end'], inRange)
    this.#at += 2
    this.#close()
    return { kind, pipe, body, otherwise }
  }

  /** `$i, $v :=` */
  #variables(): { readonly set: readonly string[]; readonly declares: boolean } {
    const start = this.#at
    const set: string[] = []
    for (;;) {
      const token = this.#token
      if (token?.kind !== 'variable' || token.names.length > 0) break
      set.push(token.name)
      this.#at++
      if (this.#isSign(':=') || this.#isSign('=')) {
        const declares = this.#isSign(':=')
        this.#at++
        return { set, declares }
      }
      if (!this.#isSign(',')) break
      this.#at++
    }
    this.#at = start
    return { set: [], declares: false }
  }

  /** limit: how many variables it may set. */
  #pipe(limit = 1): Pipe {
    const variables = this.#variables()
    const calls = [this.#call()]
    while (this.#isSign('|')) {
      this.#at++
      // A pipe to nothing goes nowhere.
      if (this.#token?.kind === 'close') break
      calls.push(this.#call())
    }
    if (variables.set.length > limit) this.#fail(`too many declarations in ${limit > 1 ? 'range' : 'command'}`)
    return { ...variables, calls }
  }

  #call(): Call {
    const operands: Operand[] = []
    for (;;) {
      const operand = this.#operand()
      if (operand === undefined) break
      operands.push(operand)
    }
    if (operands.length === 0) this.#fail('missing value for command')
    const [first, ...more] = operands
    if (first?.kind === 'literal' && first.value === null) this.#fail('nil is not a command')
    if (first?.kind === 'literal' && more.length > 0) this.#fail(`can't give argument to non-function ${first.value}`)
    return operands
  }

  #operand(): Operand | undefined {
    const token = this.#token
    switch (token?.kind) {
      case 'field':
      case 'variable':
        this.#at++
        return token
      case 'string':
      case 'number':
        this.#at++
        return { kind: 'literal', value: token.value }
      case 'word':
        this.#at++
        if (Object.hasOwn(constants, token.text)) return { kind: 'literal', value: constants[token.text] ?? null }
        if (!this.#isFunction(token.text)) this.#fail(`function ${JSON.stringify(token.text)} not defined`)
        return { kind: 'function', name: token.text }
      case 'sign': {
        if (token.text !== '(') return undefined
        this.#at++
        const pipe = this.#pipe()
        if (!this.#isSign(')')) this.#fail('unclosed left paren')
        this.#at++
        const next = this.#token
        const names = next?.kind === 'field' && next.names.length > 0 ? next.names : []
        if (names.length > 0) this.#at++
        return { kind: 'pipe', pipe, names }
      }
      default:
        return undefined
    }
  }
}

/** Errors: DockError, `template parsing error: ...`. */
export function parseTemplate(text: string, isFunction: (name: string) => boolean): Nodes {
  return new Parser(text, isFunction).list([], false)
}
