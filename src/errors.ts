/**
 * Every error that this library throws. One root, so that `catch (e) { if (PixeltableError.isInstance(e)) … }`
 * works across copies of the package, and one `code` a class for programs that switch on it.
 */

const marker: unique symbol = Symbol.for('pixeltable.error')

/** What an error may carry beyond its message. */
export interface ErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown
}

/**
 * The root of all errors of this library.
 *
 * @example
 * ```ts
 * import { PixeltableError } from 'pixeltable'
 * try {
 *   throw new PixeltableError('disk is full')
 * } catch (error) {
 *   if (PixeltableError.isInstance(error)) console.log(error.code)
 * }
 * ```
 */
export class PixeltableError extends Error {
  /** A stable, machine-readable name of the kind of error, such as `VALIDATION`. */
  readonly code: string = 'PIXELTABLE'
  /** @internal */
  readonly [marker] = true

  constructor(message: string, options?: ErrorOptions) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
  }

  /** Whether `value` is an error of this class, also when another copy of the package made it. */
  static isInstance<T extends PixeltableError>(this: abstract new (...args: any[]) => T, value: unknown): value is T {
    if (typeof value !== 'object' || value === null || !(marker in value)) return false
    if (value instanceof this) return true
    return (this as unknown) === PixeltableError || (value as { name?: unknown }).name === this.name
  }
}

/** A table, column, type or index was declared in a way that cannot work. Code `SCHEMA`. */
export class SchemaError extends PixeltableError {
  override readonly code = 'SCHEMA'
}

/** A directory, table, column, index or function does not exist. Code `NOT_FOUND`. */
export class NotFoundError extends PixeltableError {
  override readonly code = 'NOT_FOUND'
}

/** Something of that name exists already. Code `EXISTS`. */
export class ExistsError extends PixeltableError {
  override readonly code = 'EXISTS'
}

/** Others depend on what was to be dropped or changed; `dependents` names them. Code `DEPENDENCY`. */
export class DependencyError extends PixeltableError {
  override readonly code = 'DEPENDENCY'
  /** Names of the tables, views, columns or indexes that depend on it. */
  readonly dependents: readonly string[]

  constructor(message: string, dependents: readonly string[], options?: ErrorOptions) {
    super(message, options)
    this.dependents = dependents
  }
}

/** A value does not fit: its column's type, a constraint, an argument. Code `VALIDATION`. */
export class ValidationError extends PixeltableError {
  override readonly code = 'VALIDATION'
  /** The column that refused the value, where one did. */
  readonly column: string | undefined
  /** The position of the row in the input, from 0, where there is one. */
  readonly row: number | undefined

  constructor(message: string, at: { column?: string | undefined; row?: number | undefined } & ErrorOptions = {}) {
    super(message, at)
    this.column = at.column
    this.row = at.row
  }
}

/** A query was built in a way that cannot work. Code `QUERY`. */
export class QueryError extends PixeltableError {
  override readonly code = 'QUERY'
}

/** A function failed while it computed a cell. Code `COMPUTE`. */
export class ComputeError extends PixeltableError {
  override readonly code = 'COMPUTE'
  /** The column whose cell failed. */
  readonly column: string | undefined
  /** The position of the row in the statement, from 0. */
  readonly row: number | undefined
  /** The function that failed, as `name@version`. */
  readonly function: string | undefined

  constructor(
    message: string,
    at: { column?: string | undefined; row?: number | undefined; function?: string | undefined } & ErrorOptions = {},
  ) {
    super(message, at)
    this.column = at.column
    this.row = at.row
    this.function = at.function
  }
}

/** A media file could not be found, fetched, read or understood. Code `MEDIA`. */
export class MediaError extends PixeltableError {
  override readonly code = 'MEDIA'
}

/** A model could not be loaded or run. Code `MODEL`. */
export class ModelError extends PixeltableError {
  override readonly code = 'MODEL'
}

/** An index is missing, ambiguous or cannot answer. Code `INDEX`. */
export class IndexError extends PixeltableError {
  override readonly code = 'INDEX'
}

/** The database file could not be opened, read or written. Code `ENGINE`. */
export class EngineError extends PixeltableError {
  override readonly code = 'ENGINE'
}

/** Another writer was in the way: it held the file too long, or changed what this statement had read. Code `CONFLICT`. */
export class ConflictError extends PixeltableError {
  override readonly code = 'CONFLICT'
}

/** An optional package is not installed; `package` names it. Code `MISSING_PACKAGE`. */
export class MissingPackageError extends PixeltableError {
  override readonly code = 'MISSING_PACKAGE'
  /** The package to install. */
  readonly package: string

  constructor(name: string, purpose: string, options?: ErrorOptions) {
    super(`${purpose} needs the package '${name}', which is not installed. Run: npm install ${name}`, options)
    this.package = name
  }
}
