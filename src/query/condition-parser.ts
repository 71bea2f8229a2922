import { NotFoundError, QueryError } from '../errors.js'
import { type AnyExpr, expression } from '../expr/expression.js'
import { literal, type Node } from '../expr/node.js'
import type { RefRecord } from './refs.js'

/*
 * Conditions as text: `quality >= ? AND lang IN ('en', 'de') AND NOT meta.draft`. They become the same nodes as those
 * of callbacks; nothing of the text reaches SQL.
 *
 *   or         = and { OR and }
 *   and        = not { AND not }
 *   not        = NOT not | test
 *   test       = operand [ comparison operand | [NOT] IN (operand, …) | [NOT] LIKE operand
 *              | [NOT] BETWEEN operand AND operand | IS [NOT] NULL ]
 *   operand    = ? | number | 'text' | TRUE | FALSE | NULL | name { . name } | ( or )
 */

interface Token {
  readonly kind: 'word' | 'name' | 'number' | 'text' | 'symbol' | 'end'
  readonly text: string
  readonly at: number
}

const pattern =
  /\s*(?:(?<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|(?<text>'(?:[^']|'')*')|(?<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])|(?<word>[\p{L}_$][\p{L}\p{M}\p{N}_$]*)|(?<symbol><=|>=|<>|!=|==|[=<>()?,.-]))/uy

const keywords = ['AND', 'OR', 'NOT', 'IN', 'LIKE', 'BETWEEN', 'IS', 'NULL', 'TRUE', 'FALSE']

/**
 * Parses a condition.
 * @param params the values of its `?`, in order
 * @throws QueryError with the position where it cannot be understood
 * @throws NotFoundError for an unknown column
 */
export function parseCondition(text: string, params: readonly unknown[], refs: RefRecord): Node {
  return new ConditionParser(text, params, refs).parse()
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  const scan = new RegExp(pattern)
  while (scan.lastIndex < text.length) {
    const start = scan.lastIndex
    const match = scan.exec(text)
    if (!match) {
      if (text.slice(start).trim() === '') break
      const at = start + (/\S/.exec(text.slice(start))?.index ?? 0)
      throw new QueryError(
        `where(): cannot read ${JSON.stringify(text.slice(at, at + 10))} at position ${at} of ${JSON.stringify(text)}`,
      )
    }
    const { number, text: quotedText, quoted, word, symbol } = match.groups!
    const at = scan.lastIndex - (number ?? quotedText ?? quoted ?? word ?? symbol)!.length
    if (number !== undefined) tokens.push({ kind: 'number', text: number, at })
    else if (quotedText !== undefined) tokens.push({ kind: 'text', text: unquote(quotedText), at })
    else if (quoted !== undefined) tokens.push({ kind: 'name', text: unquote(quoted), at })
    else if (word !== undefined)
      tokens.push({ kind: keywords.includes(word.toUpperCase()) ? 'word' : 'name', text: word, at })
    else tokens.push({ kind: 'symbol', text: symbol!, at })
  }
  return [...tokens, { kind: 'end', text: 'the end', at: text.length }]
}

function unquote(quoted: string): string {
  const mark = quoted[0]!
  const inner = quoted.slice(1, -1)
  return mark === '[' ? inner : inner.replaceAll(mark + mark, mark)
}

const comparisons: Readonly<Record<string, string>> = {
  '=': 'eq',
  '==': 'eq',
  '!=': 'ne',
  '<>': 'ne',
  '<': 'lt',
  '<=': 'lte',
  '>': 'gt',
  '>=': 'gte',
}

class ConditionParser {
  readonly #text: string
  readonly #tokens: readonly Token[]
  readonly #params: readonly unknown[]
  readonly #refs: RefRecord
  #next = 0
  #used = 0

  constructor(text: string, params: readonly unknown[], refs: RefRecord) {
    this.#text = text
    this.#tokens = tokenize(text)
    this.#params = params
    this.#refs = refs
  }

  parse(): Node {
    const condition = this.#or()
    if (this.#peek().kind !== 'end') throw this.#unexpected('AND, OR or the end')
    if (this.#used !== this.#params.length) {
      throw new QueryError(
        `where(): ${JSON.stringify(this.#text)} has ${this.#used} '?', got ${this.#params.length} values`,
      )
    }
    return condition.node
  }

  #or(): AnyExpr {
    let left = this.#and()
    while (this.#accept('OR')) left = left.or(this.#and())
    return left
  }

  #and(): AnyExpr {
    let left = this.#not()
    while (this.#accept('AND')) left = left.and(this.#not())
    return left
  }

  #not(): AnyExpr {
    return this.#accept('NOT') ? this.#not().not() : this.#test()
  }

  #test(): AnyExpr {
    const left = this.#operand()
    const { kind, text } = this.#peek()
    if (kind === 'symbol' && comparisons[text]) {
      this.#next++
      return this.#compare(left, comparisons[text], this.#operand())
    }
    if (this.#accept('IS')) {
      const negated = this.#accept('NOT')
      this.#expect('NULL')
      return (negated ? left.isNotNull() : left.isNull()) as unknown as AnyExpr
    }
    const negated = this.#accept('NOT')
    const test = this.#membership(left)
    if (test) return negated ? test.not() : test
    if (negated) throw this.#unexpected('IN, LIKE or BETWEEN')
    return left
  }

  #membership(left: AnyExpr): AnyExpr | undefined {
    if (this.#accept('IN')) return this.#in(left)
    if (this.#accept('LIKE')) return left.like(this.#operand())
    if (!this.#accept('BETWEEN')) return undefined
    const low = this.#operand()
    this.#expect('AND')
    return left.between(low, this.#operand())
  }

  #in(left: AnyExpr): AnyExpr {
    this.#expectSymbol('(')
    const values: AnyExpr[] = []
    if (!this.#acceptSymbol(')')) {
      do values.push(this.#operand())
      while (this.#acceptSymbol(','))
      this.#expectSymbol(')')
    }
    const literals = values.map(({ node }) => {
      if (node.kind === 'literal') return node.value
      throw new QueryError('where(): IN takes a list of values and not of columns')
    })
    // `IN (?)` with an array means its items.
    return left.in(literals.length === 1 && Array.isArray(literals[0]) ? literals[0] : literals)
  }

  /** A value on the left is compared the other way round: `5 < stars` is `stars > 5`. */
  #compare(left: AnyExpr, operator: string, right: AnyExpr): AnyExpr {
    const flipped: Readonly<Record<string, string>> = { lt: 'gt', lte: 'gte', gt: 'lt', gte: 'lte' }
    const flip = left.node.kind === 'literal' && right.node.kind !== 'literal'
    const [a, b, name] = flip ? [right, left, flipped[operator] ?? operator] : [left, right, operator]
    return (a as unknown as Record<string, (value: AnyExpr) => AnyExpr>)[name]!(b)
  }

  #operand(): AnyExpr {
    const token = this.#peek()
    this.#next++
    switch (token.kind) {
      case 'number':
        return value(Number(token.text))
      case 'text':
        return value(token.text)
      case 'name':
        return this.#column(token)
      case 'word': {
        const word = token.text.toUpperCase()
        if (word === 'TRUE' || word === 'FALSE') return value(word === 'TRUE')
        if (word === 'NULL') return value(null)
        break
      }
      case 'symbol':
        if (token.text === '?') return this.#param()
        if (token.text === '-' && this.#peek().kind === 'number') {
          this.#next++
          return value(-Number(this.#tokens[this.#next - 1]!.text))
        }
        if (token.text === '(') {
          const inner = this.#or()
          this.#expectSymbol(')')
          return inner
        }
    }
    this.#next--
    throw this.#unexpected('a column, a value or (')
  }

  /** A column, and after dots a path into its JSON. */
  #column(token: Token): AnyExpr {
    if (!Object.hasOwn(this.#refs, token.text)) {
      const names = Object.keys(this.#refs).join(', ')
      throw new NotFoundError(`where(): there is no column '${token.text}' (position ${token.at}). There are: ${names}`)
    }
    let column = this.#refs[token.text] as unknown as AnyExpr
    while (this.#acceptSymbol('.')) {
      const key = this.#peek()
      if (key.kind !== 'name' && key.kind !== 'word') throw this.#unexpected('a name')
      this.#next++
      column = column.get(key.text)
    }
    return column
  }

  #param(): AnyExpr {
    if (this.#used >= this.#params.length) {
      throw new QueryError(
        `where(): ${JSON.stringify(this.#text)} has more '?' than the ${this.#params.length} values given`,
      )
    }
    const given = this.#params[this.#used++]
    if (given === undefined)
      throw new QueryError(`where(): value ${this.#used} is undefined. Leave the condition out, or use IS NULL`)
    return value(given)
  }

  #peek(): Token {
    return this.#tokens[this.#next]!
  }

  #accept(word: string): boolean {
    const { kind, text } = this.#peek()
    if (kind !== 'word' || text.toUpperCase() !== word) return false
    this.#next++
    return true
  }

  #acceptSymbol(symbol: string): boolean {
    const { kind, text } = this.#peek()
    if (kind !== 'symbol' || text !== symbol) return false
    this.#next++
    return true
  }

  #expect(word: string): void {
    if (!this.#accept(word)) throw this.#unexpected(word)
  }

  #expectSymbol(symbol: string): void {
    if (!this.#acceptSymbol(symbol)) throw this.#unexpected(`'${symbol}'`)
  }

  #unexpected(expected: string): QueryError {
    const { kind, text, at } = this.#peek()
    const found = kind === 'end' ? text : JSON.stringify(text)
    return new QueryError(
      `where(): expected ${expected}, got ${found} at position ${at} of ${JSON.stringify(this.#text)}`,
    )
  }
}

const value = (given: unknown): AnyExpr => expression<AnyExpr>(literal(given))
