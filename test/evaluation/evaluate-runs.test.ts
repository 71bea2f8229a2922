import { describe, expect, test } from 'vitest'
import { ValidationError } from '../../src/errors.js'
import { evaluateRuns } from '../../src/evaluation/evaluate-runs.js'
import type { Qrels } from '../../src/evaluation/qrels.js'

const qrels: Qrels = new Map([
  ['q1', new Map([['a', 1]])],
  [
    'q2',
    new Map([
      ['b', 2],
      ['c', 1],
    ]),
  ],
  ['nothing relevant', new Map([['a', 0]])],
])
const text = new Map([
  ['q1', ['x', 'a']],
  ['q2', ['b', 'c']],
  ['not judged', ['z']],
])
const vector = new Map([['q1', ['a']]])

describe('evaluateRuns', () => {
  test('rates each run over the queries that have a relevant document', async () => {
    const report = await evaluateRuns({ text, vector }, qrels)
    expect(report.k).toBe(10)
    expect(report.queries.map(({ query, relevant }) => [query, relevant])).toEqual([
      ['q1', 1],
      ['q2', 2],
    ])
    expect(report.queries[0]!.scores.text).toEqual({
      ndcg: 1 / Math.log2(3),
      mrr: 0.5,
      recall: 1,
      precision: 0.1,
      map: 0.5,
    })
    expect(report.means.text!.mrr).toBe(0.75)
    // What it did not answer counts.
    expect(report.means.vector).toEqual({ ndcg: 0.5, mrr: 0.5, recall: 0.5, precision: 0.05, map: 0.5 })
  })

  test('prints as a table', async () => {
    const report = await evaluateRuns({ text, vector }, qrels, { k: 5 })
    expect(`${report}`).toBe(
      [
        '2 queries  nDCG@5  MRR@5  recall@5  precision@5  MAP@5',
        'text        0.815  0.750     1.000        0.300  0.750',
        'vector      0.500  0.500     0.500        0.100  0.500',
      ].join('\n'),
    )
  })

  test('compares two runs', async () => {
    const report = await evaluateRuns({ text, vector }, qrels)
    const { difference, queries } = report.compare('text', 'vector', { metric: 'mrr' })
    expect({ difference, queries }).toEqual({ difference: 0.25, queries: 2 })
    expect(() => report.compare('text', 'fused')).toThrow("no run 'fused'. There are: text, vector")
  })

  test('refuses what cannot be rated', async () => {
    await expect(evaluateRuns({}, qrels)).rejects.toThrow('runs: expected at least one')
    await expect(evaluateRuns({ text }, qrels, { k: 0 })).rejects.toThrow(ValidationError)
    await expect(evaluateRuns({ text }, new Map([['q1', new Map([['a', 0]])]]))).rejects.toThrow(
      'expected a query with a relevant document, got none among 1 judged',
    )
    await expect(evaluateRuns({ text: new Map([['q1', ['a', 'a']]]) }, qrels)).rejects.toThrow(
      `run 'text', query 'q1': ranking: expected each document once, got the string "a" twice`,
    )
  })
})

describe('a judge', () => {
  test('grades what any run found for queries without judgements, each document once', async () => {
    const asked: string[] = []
    const report = await evaluateRuns(
      {
        text: new Map([
          ['q1', ['a']],
          ['new', ['a', 'b', 'deep']],
        ]),
        vector: new Map([['new', ['b', 'c']]]),
      },
      qrels,
      {
        k: 2,
        judge: async (query, document) => {
          asked.push(`${query} ${document}`)
          return document === 'c' ? 3 : 0
        },
      },
    )
    expect(asked.sort()).toEqual(['new a', 'new b', 'new c'])
    expect(report.queries.map(({ query }) => query)).toEqual(['q1', 'q2', 'new'])
    expect(report.queries[2]!.scores.vector!.mrr).toBe(0.5)
  })

  test('is called so many times at once at most', async () => {
    let running = 0
    let most = 0
    const judge = async (): Promise<number> => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 2))
      running--
      return 1
    }
    const run = new Map([['new', Array.from({ length: 20 }, (_, i) => `d${i}`)]])
    await evaluateRuns({ run }, new Map(), { k: 20, judge, concurrency: 3 })
    expect(most).toBe(3)
  })

  const many = new Map([['new', Array.from({ length: 50 }, (_, i) => `d${i}`)]])

  test('that fails is asked no more', async () => {
    let calls = 0
    const judge = async (): Promise<number> => {
      await new Promise((resolve) => setImmediate(resolve))
      if (++calls === 5) throw new Error('out of credit')
      return 1
    }
    await expect(evaluateRuns({ many }, new Map(), { k: 50, judge, concurrency: 2 })).rejects.toThrow('out of credit')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(calls).toBeLessThanOrEqual(6)
  })

  test('stops with its signal', async () => {
    const controller = new AbortController()
    let calls = 0
    const judge = async (): Promise<number> => {
      if (++calls === 3) controller.abort(new Error('enough'))
      return 1
    }
    const evaluation = evaluateRuns({ many }, new Map(), { k: 50, judge, concurrency: 1, signal: controller.signal })
    await expect(evaluation).rejects.toThrow('enough')
    expect(calls).toBe(3)
  })

  test('gives numbers', async () => {
    const run = new Map([['new', ['d']]])
    await expect(evaluateRuns({ run }, new Map(), { judge: () => Number.NaN })).rejects.toThrow(
      "judge: expected a finite number for document 'd' and query 'new', got the number NaN",
    )
    await expect(evaluateRuns({ run }, new Map(), { judge: () => 1, concurrency: 0 })).rejects.toThrow('concurrency')
  })
})
