/** A span of OpenTelemetry, as far as it is used. */
export interface Span {
  setAttribute(key: string, value: string | number | boolean): unknown
  recordException(exception: Error): void
  setStatus(status: { code: number; message?: string }): unknown
  end(): void
}

/** A tracer of OpenTelemetry, as far as it is used: `trace.getTracer('app')` is one. */
export interface Tracer {
  startActiveSpan<T>(
    name: string,
    options: { attributes?: Record<string, string | number | boolean> },
    work: (span: Span) => T,
  ): T
}

/** OpenTelemetry's `SpanStatusCode.ERROR`. */
const failedStatus = 2

/** Does work inside a span, which has the error when it fails. Without a tracer it only does the work. */
export function traced<T>(
  tracer: Tracer | undefined,
  name: string,
  attributes: Record<string, string | number | boolean>,
  work: (span: Span | undefined) => Promise<T>,
): Promise<T> {
  if (!tracer) return work(undefined)
  return tracer.startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work(span)
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause))
      span.recordException(error)
      span.setStatus({ code: failedStatus, message: error.message })
      throw cause
    } finally {
      span.end()
    }
  })
}
