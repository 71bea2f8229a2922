import { t, udf } from 'pixeltable'

interface Passage {
  readonly text: string
}

/** An answer from the passages: written by a model when there is a key, else the best passage itself. */
export const generateAnswer = udf(
  { name: 'generate_answer', version: 1, returns: t.string(), concurrency: 4 },
  async (question: string, passages: readonly Passage[]): Promise<string> => {
    const key = process.env.OPENAI_API_KEY
    if (!key) return passages[0]?.text.replaceAll(/\s+/g, ' ') ?? 'No passage was found.'
    const response = await fetch('https://api.openai.com/v1/chat/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'gpt-4o-mini',
        messages: [
          { role: 'system', content: 'Answer from the passages alone, in one or two sentences.' },
          { role: 'user', content: `${passages.map((p) => p.text).join('\n---\n')}\n\nQuestion: ${question}` },
        ],
      }),
      signal: AbortSignal.timeout(30_000),
    })
    if (!response.ok) throw new Error(`the model answered with status ${response.status}`)
    const body = (await response.json()) as { choices: readonly { message: { content: string } }[] }
    return body.choices[0]?.message.content ?? ''
  },
)
