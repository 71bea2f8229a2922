/**
 * What is compared: rows of the table of results, and who is measured for each. `task` is one of `measure.mjs`; `target`
 * is what the library is meant to reach.
 */
const ours = '**pixeltable**'
const bits = `${ours}, rabitq`
const stored = [`${ours}, stored as float16`, `${ours}, stored as int8`, `${ours}, stored as bits, not rescored`]
const vec0 = ['sqlite-vec, vec0', 'sqlite-vec, vec0 int8 + rescore', 'sqlite-vec, vec0 bits + rescore']
const graph = `${ours}, hnsw (ef 128)`
const lists = ['LanceDB, IVF_FLAT', 'LanceDB, IVF_RQ + refine']
const graphs = ['LanceDB, IVF_HNSW_SQ + refine', 'usearch, hnsw', 'zvec, hnsw']

/** A graph of a million takes a quarter of an hour and more to build: `BENCH_LONG=1` waits for it. */
const isLong = Boolean(process.env.BENCH_LONG)

const exact = [ours, 'sqlite-vec, scalar function', 'sqlite-vec, vec0', 'LanceDB, flat', 'usearch, exact', 'zvec, flat']

export const works = [
  {
    what: 'exact',
    size: 10_000,
    task: 'search',
    target: 'p95 ≤ 1 ms',
    engines: [...exact, 'vectra', 'Orama, vectors', 'PGlite, pgvector'],
  },
  {
    what: 'exact',
    size: 100_000,
    task: 'search',
    target: '≤ 7 ms float32, ≤ 3.5 ms int8 + rescore, recall 1.000',
    engines: [...exact, 'PGlite, pgvector'],
  },
  {
    what: 'less stored, or bits + rescore',
    size: 100_000,
    task: 'search',
    target: 'bits ≤ 1.5 ms, recall ≥ 0.98',
    engines: [bits, ...stored, ...vec0.slice(1)],
  },
  {
    what: 'approximate',
    size: 100_000,
    task: 'search',
    target: 'recall ≥ 0.95',
    engines: [graph, `${ours}, ivfflat`, ...lists, ...graphs],
  },
  {
    what: 'exact',
    size: 1_000_000,
    task: 'search',
    target: 'int8 ≤ 30 ms',
    engines: [ours, 'LanceDB, flat', 'usearch, exact', 'zvec, flat'],
  },
  {
    what: 'approximate',
    size: 1_000_000,
    task: 'search',
    target: '≤ 3 ms, recall ≥ 0.95',
    engines: [bits, `${ours}, ivfflat`, ...lists, ...(isLong ? [graph, 'usearch, hnsw', 'zvec, hnsw'] : [])],
  },
  {
    what: 'with a filter of 1 %',
    size: 100_000,
    task: 'filtered',
    target: 'faster than unfiltered, recall 1.000',
    engines: [
      ours,
      'sqlite-vec, scalar function',
      'sqlite-vec, vec0',
      'sqlite-vec, vec0 by partitions',
      'LanceDB, flat',
      'zvec, flat',
      'PGlite, pgvector',
    ],
  },
  {
    what: 'open the file and search once',
    size: 100_000,
    task: 'first',
    target: '≤ 150 ms',
    engines: [ours, 'sqlite-vec, scalar function', 'sqlite-vec, vec0', 'LanceDB, flat', 'zvec, flat'],
  },
  {
    what: '100 searches at once, until all are answered',
    size: 10_000,
    task: 'concurrent',
    target: '≤ 150 ms',
    engines: [ours, 'sqlite-vec, vec0', 'LanceDB, flat', 'usearch, exact', 'zvec, flat'],
  },
  {
    what: 'BM25, five words',
    size: 100_000,
    task: 'text',
    target: 'p95 ≤ 10 ms',
    engines: [`${ours}, words and vectors`, 'LanceDB, words and vectors', 'zvec, words and vectors', 'Orama, words'],
  },
  {
    what: 'vectors of the same rows',
    size: 100_000,
    task: 'search',
    engines: [`${ours}, words and vectors`, 'LanceDB, words and vectors', 'zvec, words and vectors'],
  },
  {
    what: 'hybrid of words and vectors',
    size: 100_000,
    task: 'hybrid',
    target: '≤ BM25 + vectors + 2 ms',
    engines: [`${ours}, words and vectors`, 'LanceDB, words and vectors', 'zvec, words and vectors'],
  },
  {
    what: 'hybrid of words and vectors',
    size: 10_000,
    task: 'hybrid',
    engines: [`${ours}, words and vectors`, 'LanceDB, words and vectors', 'Orama, words and vectors'],
  },
  {
    what: 'insert 10k more, 1,000 in a commit',
    size: 100_000,
    task: 'insert',
    target: '≥ 20,000 vectors/s',
    engines: [ours, graph, 'sqlite-vec, vec0', 'LanceDB, flat', 'zvec, flat', 'usearch, hnsw'],
  },
  {
    what: 'delete 90 %, then vacuum',
    size: 100_000,
    task: 'shrink',
    target: 'about 10 % left',
    engines: [ours, 'sqlite-vec, vec0', 'LanceDB, flat', 'zvec, flat'],
  },
]

/** Who is in the plot, and up to what size. */
export const scaling = {
  sizes: [1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000],
  engines: {
    [ours]: 1_000_000,
    [bits]: 1_000_000,
    [graph]: isLong ? 1_000_000 : 100_000,
    'LanceDB, flat': 1_000_000,
    'usearch, exact': 1_000_000,
    'zvec, flat': 1_000_000,
    'sqlite-vec, vec0': 300_000,
  },
}
