/** Which module has an engine. They are imported only where they are measured. */
const modules = [
  ['**pixeltable**', 'pixeltable'],
  ['sqlite-vec', 'sqlite-vec'],
  ['usearch', 'usearch'],
  ['LanceDB', 'lancedb'],
  ['zvec', 'zvec'],
  ['vectra', 'vectra'],
  ['Orama', 'orama'],
  ['PGlite', 'pglite'],
]

/**
 * An engine has `build(corpus, folder)`, which gives a session over all rows of the corpus, and, where what it builds is
 * a file, `open(folder)`, which gives a session over that. A session answers with ids of rows:
 *
 * - `search(vector, k)`, `filtered(vector, k)` where `part` is 0, `text(words, k)`, `hybrid(words, vector, k)`;
 * - `insert(first, vectors, flat)`: more rows, committed; `shrink()`: deletes rows of part 10 and more, and gives
 *   their space back;
 * - `ready()`: waits for what is made in the background; `efforts` and `setEffort(n)`, where a search can be more
 *   thorough and slower; `close()`.
 *
 * All but `search` may be missing.
 */
export async function engineNamed(name) {
  const [, file] = modules.find(([prefix]) => name.startsWith(prefix))
  const { engines } = await import(`./peers/${file}.mjs`)
  return engines[name]
}
