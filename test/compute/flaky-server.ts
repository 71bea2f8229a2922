import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What one request got. */
export interface Answer {
  readonly id: string
  readonly at: number
  readonly kind: 'ok' | 'limited' | 'error' | 'reset' | 'slow' | 'garbled'
}

/**
 * A provider on loopback as they are: it limits requests in a sliding minute, asks to wait, fails, resets connections,
 * is slow, and sends garbled JSON. Which request gets what is random, from a seed.
 */
export class FlakyServer {
  readonly answers: Answer[] = []
  readonly #server: Server
  readonly #perMinute: number
  readonly #times: number[] = []
  #seed: number

  private constructor(perMinute: number, seed: number) {
    this.#perMinute = perMinute
    this.#seed = seed
    this.#server = createServer((request, response) => {
      const id = request.url!.slice(1)
      const answer = (kind: Answer['kind']) => this.answers.push({ id, at: performance.now(), kind })
      const now = performance.now()
      while (this.#times.length > 0 && this.#times[0]! <= now - 60_000) this.#times.shift()
      this.#times.push(now)
      if (this.#times.length > this.#perMinute) {
        answer('limited')
        response.writeHead(429, { 'retry-after': '1' }).end('too many')
        return
      }
      const chance = this.#random()
      if (chance < 0.03) {
        answer('limited')
        response.writeHead(429, { 'retry-after': '0.02' }).end('too many')
      } else if (chance < 0.09) {
        answer('error')
        response.writeHead(500).end('oops')
      } else if (chance < 0.12) {
        answer('reset')
        request.socket.destroy()
      } else if (chance < 0.15) {
        answer('garbled')
        response.end(`{"double": ${Number(id) * 2}`)
      } else if (chance < 0.17) {
        answer('slow')
        setTimeout(() => response.end(JSON.stringify({ double: Number(id) * 2 })), 5000)
      } else {
        answer('ok')
        response.end(JSON.stringify({ double: Number(id) * 2 }))
      }
    })
  }

  static async start(perMinute: number, seed: number): Promise<FlakyServer> {
    const flaky = new FlakyServer(perMinute, seed)
    await new Promise<void>((resolve) => flaky.#server.listen(0, '127.0.0.1', resolve))
    return flaky
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The most requests that it got in any sliding minute. */
  get busiestMinute(): number {
    let most = 0
    let first = 0
    this.answers.forEach(({ at }, i) => {
      while (this.answers[first]!.at <= at - 60_000) first++
      most = Math.max(most, i - first + 1)
    })
    return most
  }

  stop(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  /** Mulberry32. */
  #random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0
    let x = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}
