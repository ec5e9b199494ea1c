import { randomBytes, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import {
  AggregationTemporality,
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { ConsoleSpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import express from 'express';
import { type AuditEvent, hashPassword, memoryRepositories, passportControl } from 'passport-control';
import { pino } from 'pino';
import { openTelemetryAuditLog } from './opentelemetry.js';
import { pinoAuditLog } from './pino.js';
import { requestSpan } from './request-span.js';

// Spans are printed when they end, and counters every two seconds, as far as they have changed.
const traces = new NodeTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())],
});
traces.register();
const exporter = new ConsoleMetricExporter({ temporalitySelector: () => AggregationTemporality.DELTA });
const every = { exportIntervalMillis: 2000, exportTimeoutMillis: 2000 };
const metrics = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter, ...every })] });

const logger = pino();
const tracer = traces.getTracer('observability');
const listeners = [pinoAuditLog(logger), openTelemetryAuditLog({ meter: metrics.getMeter('observability') })];
const onEvent = (event: AuditEvent) => {
  for (const listener of listeners) listener(event);
};

const alice = { id: 'a11ce000-0000-4000-8000-000000000001', email: 'alice@example.com' };
const repositories = memoryRepositories({
  users: [{ ...alice, passwordHash: await hashPassword('correct horse battery staple') }],
});
const relyingParty = { id: 'localhost', name: 'Observability', origins: ['http://localhost:3000'] };
const control = passportControl({ repositories, secret: randomBytes(32), relyingParty, onEvent });

const app = express();
app.use((request, _response, next) => {
  Object.assign(request, { id: randomUUID() });
  next();
});
app.use(requestSpan(tracer));
app.use('/sys/v1', control.router);
const server = app.listen(Number(process.env.PORT ?? 3000), 'localhost', () => {
  const { port } = server.address() as AddressInfo;
  logger.info({ url: `http://localhost:${port}` }, 'listening');
});
