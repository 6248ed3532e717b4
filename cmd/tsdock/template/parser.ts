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

const PARENTHESES = 'parenthesized pipeline'

const constants: Readonly<Record<string, boolean | null>> = { true: true, false: false, nil: null }

class Parser {
  readonly #tokens: readonly { readonly token: Token; readonly line: number }[]
  readonly #isFunction: (name: string) => boolean
  #at = 0
  /** Those that are known here, as Go's parser knows them. */
  #variables = ['']

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
    if (this.#isSign(')')) this.#fail('unexpected right paren')
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
        const pipe = this.#pipe('command')
        this.#close()
        return { kind: 'print', pipe }
      }
    }
  }

  /** Behind `{{if`, or `{{else if`. */
  #block(kind: 'if' | 'with' | 'range', inRange: boolean): Node {
    const outside = this.#variables
    this.#variables = [...outside]
    const node = this.#blockInside(kind, inRange)
    this.#variables = outside
    return node
  }

  #blockInside(kind: 'if' | 'with' | 'range', inRange: boolean): Node {
    const pipe = this.#pipe(kind)
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
    const otherwise = this.list(['end', 'else'], inRange)
    if (this.#keyword() === 'else') this.#fail('expected end; found {{else}}')
    this.#at += 2
    this.#close()
    return { kind, pipe, body, otherwise }
  }

  /** `$i, $v :=` */
  #declared(context: string): { readonly set: readonly string[]; readonly declares: boolean } {
    const start = this.#at
    const set: string[] = []
    for (;;) {
      const token = this.#token
      if (token?.kind !== 'variable' || token.names.length > 0) break
      set.push(token.name)
      this.#at++
      if (this.#isSign(':=') || this.#isSign('=')) {
        const declares = this.#isSign(':=')
        if (set.length > (context === 'range' ? 2 : 1)) this.#fail(`too many declarations in ${context}`)
        this.#at++
        for (const name of set) {
          if (declares) this.#variables.push(name)
          else this.#known(name)
        }
        return { set, declares }
      }
      if (!this.#isSign(',')) break
      this.#at++
    }
    this.#at = start
    return { set: [], declares: false }
  }

  #known(name: string): void {
    if (!this.#variables.includes(name)) this.#fail(`undefined variable "$${name}"`)
  }

  /** context: what it belongs to, in Go's words. */
  #pipe(context: string): Pipe {
    const variables = this.#declared(context)
    if (this.#isSign('|')) this.#fail('unexpected "|" in command')
    const calls = [this.#call(context)]
    while (this.#isSign('|')) {
      this.#at++
      // Go's parser takes one that nothing follows.
      if (this.#token?.kind === 'close') break
      const call = this.#call(context)
      const [first] = call
      if (first?.kind === 'literal') this.#fail(`non executable command in pipeline stage ${calls.length + 1}`)
      calls.push(call)
    }
    return { ...variables, calls }
  }

  #call(context: string): Call {
    const operands: Operand[] = []
    for (;;) {
      const operand = this.#operand()
      if (operand === undefined) break
      operands.push(operand)
    }
    if (operands.length === 0) {
      if (this.#isSign(')') && context !== PARENTHESES) this.#fail('unexpected right paren')
      this.#fail(`missing value for ${context}`)
    }
    return operands
  }

  #operand(): Operand | undefined {
    const token = this.#token
    switch (token?.kind) {
      case 'variable':
        this.#known(token.name)
        this.#at++
        return token
      case 'field':
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
        const pipe = this.#pipe(PARENTHESES)
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
