export { analyserOf, type TextAnalyser, type TextAnalysis, termsOf } from './analyser.js'
export { type ExtractOptions, extractText, foundPhrases, highlightText, type Marks, type Matched } from './mark.js'
export { type Phrase, parseTextQuery, type TextOperator, type TextQuery, wantedPhrases } from './text-query.js'
