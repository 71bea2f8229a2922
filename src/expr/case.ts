import { QueryError } from '../errors.js'
import type { ColumnType } from '../types/column-type.js'
import { dynamicType } from '../types/dynamic.js'
import { boolType } from '../types/scalars.js'
import { type Arg, callOperator, Expression, type ExprFor, toExpression } from './expression.js'

/** The value that an argument stands for. */
type ValueOf<A> = A extends { readonly node: unknown; readonly $type?: infer T | undefined } ? T : A

/** A choice whose conditions are still being added. */
export class Case<out V> {
  /** Phantom type. */
  declare readonly $value?: V
  readonly #parts: readonly Expression[]

  /** @internal */
  constructor(parts: readonly Expression[]) {
    this.#parts = parts
  }

  /** Where none of the conditions before holds and this one does: `value`. @throws QueryError */
  when<A>(condition: Arg<boolean | null>, value: A): Case<V | ValueOf<A>> {
    return new Case([...this.#parts, ...branch(condition, value)])
  }

  /**
   * Where no condition holds: `value`, which may be null.
   * @throws QueryError when the values are of several kinds
   */
  otherwise<A>(value: A): ExprFor<V | ValueOf<A>> {
    const parts = [...this.#parts, toExpression(value, 'otherwise()')]
    checkKinds(parts.filter((_, i) => i % 2 === 1 || i === parts.length - 1).map(Expression.typeOf))
    return callOperator('case', parts) as unknown as ExprFor<V | ValueOf<A>>
  }
}

/**
 * A value that depends on conditions: the first that holds decides. A condition that is null does not hold.
 *
 * @throws QueryError when the condition is none
 * @example
 * ```ts
 * import { Pixeltable, t, when } from 'pixeltable'
 * const pxt = await Pixeltable.open(':memory:')
 * const films = await pxt.createTable('films', { title: t.string(), stars: t.int() })
 * await films.insert([{ title: 'Alien', stars: 5 }, { title: 'Cats', stars: 1 }])
 * const rated = films.select((c) => ({ title: c.title, rating: when(c.stars.gte(4), 'good').when(c.stars.eq(3), 'fair').otherwise('poor') }))
 * console.log(await rated.collect()) // [{ title: 'Alien', rating: 'good' }, { title: 'Cats', rating: 'poor' }]
 * ```
 */
export function when<A>(condition: Arg<boolean | null>, value: A): Case<ValueOf<A>> {
  return new Case(branch(condition, value))
}

function branch(condition: unknown, value: unknown): [Expression, Expression] {
  const test = toExpression(condition, 'when()')
  const type = Expression.typeOf(test)
  if (type !== boolType && !type.operators.includes('bool')) {
    throw new QueryError(`when(): expected a condition such as c.stars.gt(3), got a value of type ${type.name}`)
  }
  return [test, toExpression(value, 'when()')]
}

/** Numbers go together, and JSON with everything; no column could hold text in one row and a date in the next. */
function checkKinds(types: readonly ColumnType[]): void {
  const known = types.filter((type) => type !== dynamicType && type.name !== 'json')
  const kind = (type: ColumnType): string =>
    type.operators.includes('number') ? 'number' : type.storage === 'text' ? textKind(type) : type.name
  const kinds = new Set(known.map(kind))
  if (kinds.size > 1) {
    throw new QueryError(`otherwise(): expected values of one type, got ${known.map((type) => type.name).join(', ')}`)
  }
}

/** A day or a UUID may be given as text. */
const textKind = (type: ColumnType): string => (type.name === 'date' || type.name === 'uuid' ? 'string' : type.name)
