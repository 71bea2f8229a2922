import { foldName } from '../catalog/catalog.js'
import { SchemaError, ValidationError } from '../errors.js'
import { describeValue } from '../types/column-type.js'
import { type AnyDeclaration, Declaration, declared, sourceOf } from './declaration.js'

/**
 * The declarations that are listed, and those of their bases, each name once and bases before what derives from them.
 * Where a name has several, one must add to the others (`Docs.computed(…)` to `Docs`), and stands for all.
 *
 * @throws ValidationError when something else is listed
 * @throws SchemaError when a name is declared in two ways
 */
export function inOrder(declarations: Readonly<Record<string, unknown>>): AnyDeclaration[] {
  if (typeof declarations !== 'object' || declarations === null) {
    throw new ValidationError(
      `sync(): expected an object of declarations such as { docs: Docs }, got ${describeValue(declarations)}`,
    )
  }
  const byName = new Map<string, AnyDeclaration[]>()
  const gather = (declaration: AnyDeclaration): void => {
    const same = byName.get(foldName(declaration.name)) ?? []
    if (same.includes(declaration)) return
    byName.set(foldName(declaration.name), [...same, declaration])
    const { origin } = declaration[declared]
    if (origin.kind === 'view') gather(sourceOf(origin.base))
  }
  for (const [key, declaration] of Object.entries(declarations)) {
    if (!(declaration instanceof Declaration)) {
      throw new ValidationError(
        `sync(): '${key}': expected what table() or view() returned, got ${describeValue(declaration)}`,
      )
    }
    gather(declaration)
  }
  const ordered = new Set<AnyDeclaration>()
  const visit = (name: string, above: readonly string[]): void => {
    if (above.includes(name)) throw new SchemaError(`sync(): the view '${name}' derives from itself`)
    const widest = widestOf(byName.get(name)!)
    const { origin } = widest[declared]
    if (origin.kind === 'view') visit(foldName(sourceOf(origin.base).name), [...above, name])
    ordered.add(widest)
  }
  for (const name of byName.keys()) visit(name, [])
  return [...ordered]
}

/** The one declaration of several of a name that adds to all others. @throws SchemaError */
function widestOf(same: readonly AnyDeclaration[]): AnyDeclaration {
  const widest = same.find((declaration) => {
    const line = lineOf(declaration)
    return same.every((other) => line.includes(other))
  })
  if (widest) return widest
  throw new SchemaError(
    `sync(): '${same[0]!.name}' is declared in ${same.length} ways: declare it once, and import it where it is needed`,
  )
}

/** A declaration, what it adds to, what that adds to, and so on. */
function lineOf(declaration: AnyDeclaration): AnyDeclaration[] {
  const line = [declaration]
  for (let d = declaration[declared].extends; d; d = d[declared].extends) line.push(d)
  return line
}
