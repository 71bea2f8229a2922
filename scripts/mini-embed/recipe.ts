import type { TrainerOptions } from './trainer.js'
import type { VocabularyOptions } from './vocabulary.js'

/** The settings of the shipped model, chosen on STS-B dev and on held-out pairs (see docs/mini-embed.md). */
export const recipe: Omit<TrainerOptions, 'seed' | 'onProgress'> & { readonly vocabulary: VocabularyOptions } = {
  vocabulary: { size: 20_000, pieces: 5_000 },
  dimensions: 384,
  batch: 512,
  steps: 1_000,
  rate: 0.004,
  weightRate: 0.01,
  temperature: 0.05,
  sif: 2e-4,
  dropout: 0,
  averaged: 0,
  mixture: {
    'lemma–gloss': 3,
    'question–gloss': 2,
    'gloss–example': 1,
    'lemma–example': 1,
    synonyms: 2,
    ppdb: 4,
    tldr: 1,
    intents: 1,
    'title–abstract': 1,
    'title–sentence': 1,
    'sentence–sentence': 1,
    'sentence–abstract': 1,
  },
}
