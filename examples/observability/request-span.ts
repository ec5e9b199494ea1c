import { context, SpanKind, type Tracer, trace } from '@opentelemetry/api';
import type { RequestHandler } from 'express';

/**
 * Middleware that opens a span for each request and has what follows run in its context. The span is closed after the
 * answer, and after the audit events that were on their way when it was sent.
 */
export function requestSpan(tracer: Tracer): RequestHandler {
  return (request, response, next) => {
    const attributes = { 'http.request.method': request.method, 'url.path': request.path };
    const span = tracer.startSpan(request.method, { kind: SpanKind.SERVER, attributes });
    response.once('close', () => {
      span.setAttribute('http.response.status_code', response.statusCode);
      setImmediate(() => span.end());
    });
    context.with(trace.setSpan(context.active(), span), next);
  };
}
