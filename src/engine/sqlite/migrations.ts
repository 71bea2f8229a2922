import type { Database } from 'better-sqlite3'
import { EngineError } from '../../errors.js'

/** Marks a SQLite file as one of ours: "pxt" and a zero byte. */
export const applicationId = 0x70787400

/** Brings a file from format `i` to format `i + 1`. Never edit one that was released: add the next. */
const migrations: readonly string[] = [
  `
  CREATE TABLE pxt_meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO pxt_meta VALUES ('catalog_version', 0), ('next_table_id', 1), ('version', 0), ('first_version', 0), ('results_bytes', 0), ('results_clock', 0);
  CREATE TABLE pxt_directories (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE pxt_tables (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    schema_version INTEGER NOT NULL,
    next_rowid INTEGER NOT NULL DEFAULT 1,
    definition TEXT NOT NULL
  ) STRICT;
  CREATE TABLE pxt_definitions (
    table_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    definition TEXT NOT NULL,
    PRIMARY KEY (table_id, version)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE pxt_snapshots (name TEXT PRIMARY KEY COLLATE NOCASE, definition TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE pxt_versions (
    version INTEGER NOT NULL,
    table_id INTEGER NOT NULL,
    at TEXT NOT NULL,
    operation TEXT NOT NULL,
    inserted INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    reverts INTEGER,
    PRIMARY KEY (table_id, version)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE pxt_code (
    table_id INTEGER NOT NULL,
    what INTEGER NOT NULL,
    function TEXT NOT NULL,
    version INTEGER NOT NULL,
    code INTEGER NOT NULL,
    PRIMARY KEY (table_id, what, function, version)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE pxt_pending (
    id INTEGER PRIMARY KEY,
    table_id INTEGER NOT NULL,
    what INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    _version INTEGER NOT NULL,
    _until INTEGER
  ) STRICT;
  CREATE TABLE pxt_results (
    key TEXT NOT NULL,
    position INTEGER NOT NULL,
    type TEXT,
    value ANY,
    size INTEGER NOT NULL,
    used INTEGER NOT NULL,
    kept INTEGER NOT NULL,
    PRIMARY KEY (key, position)
  ) STRICT;
  CREATE INDEX pxt_results_used ON pxt_results (used);
  CREATE TABLE pxt_files (sha256 TEXT PRIMARY KEY, size INTEGER NOT NULL, mime TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE pxt_file_chunks (
    sha256 TEXT NOT NULL,
    position INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (sha256, position)
  ) STRICT;
  `,
]

/** The format that this version of the library writes. */
export const formatVersion = migrations.length

/**
 * Brings the file to the current format, in one transaction.
 * @throws EngineError when the file is another program's, or was written by a newer version of this library
 */
export function migrate(db: Database, readonly: boolean): void {
  const id = db.pragma('application_id', { simple: true }) as number
  if (id !== 0 && id !== applicationId) {
    throw new EngineError(`the file belongs to another program (application id ${id}); open a file of its own`)
  }
  const found = () => (id === applicationId || isOurs(db) ? (db.pragma('user_version', { simple: true }) as number) : 0)
  if (found() > formatVersion) {
    throw new EngineError(
      `the file has format ${found()}, and this version of pixeltable reads up to ${formatVersion}: upgrade pixeltable`,
    )
  }
  if (found() === formatVersion) return
  if (readonly) {
    throw new EngineError(
      `the file has format ${found()} and must be opened for writing once, to bring it to ${formatVersion}`,
    )
  }
  db.transaction(() => {
    // Another process may have migrated between the check and the lock.
    for (const migration of migrations.slice(found())) db.exec(migration)
    db.pragma(`application_id = ${applicationId}`)
    db.pragma(`user_version = ${formatVersion}`)
  }).immediate()
}

function isOurs(db: Database): boolean {
  return db.prepare(`SELECT 1 FROM sqlite_schema WHERE name = 'pxt_meta'`).get() !== undefined
}
