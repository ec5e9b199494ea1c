import { Writable } from 'node:stream';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { pino } from 'pino';
import { openTelemetryAuditLog } from '../examples/observability/opentelemetry.js';
import { pinoAuditLog } from '../examples/observability/pino.js';
import { requestSpan } from '../examples/observability/request-span.js';
import type { AuditEvent } from '../lib/index.js';
import { basic, testApp } from './support/app.js';
import { auditEvents, identifying, listedEvents } from './support/audit-events.js';
import { alice } from './support/people.js';

type Type = AuditEvent['type'];

const told = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('the listener for pino', () => {
  /** What is written for these events, line by line. */
  const written = (...events: AuditEvent[]) => {
    let text = '';
    const stream = new Writable({
      write(chunk, _encoding, done) {
        text += chunk;
        done();
      },
    });
    const listen = pinoAuditLog(pino({}, stream));
    for (const event of events) listen(event);
    return text.split(/\r?\n|\r/).slice(0, -1);
  };
  const [info, warn, error] = [30, 40, 50];
  const refused: Type[] = ['sign_in_failed', 'locked', 'captcha_refused', 'throttled', 'rejected_api_key'];
  const refusedLater: Type[] = [
    'second_factor_failed',
    'second_factor_locked',
    'configuration_unlock_failed',
  ];
  const broken: Type[] = ['peer_failed', 'dependency_failed'];
  const levelOf = (type: Type) => {
    if (broken.includes(type)) return error;
    return [...refused, ...refusedLater, 'device_refused'].includes(type) ? warn : info;
  };

  it.each(listedEvents.map((event) => [event.type, event] as const))(
    'writes %s as one line, as it is and at its level',
    (type, event) => {
      const lines = written(event);
      expect(lines).toHaveLength(1);
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: levelOf(type), msg: type, audit: event });
    },
  );

  it('takes a counter that went back for an error, at a sign-in and at an enrolment', () => {
    const reason = 'counter_regressed';
    const lines = written(
      { ...auditEvents.second_factor_failed, reason },
      { ...auditEvents.device_refused, reason },
    );
    expect(lines.map((line) => JSON.parse(line).level)).toEqual([error, error]);
  });

  it('keeps to one line when the id of a request tries to begin another', () => {
    const requestId = 'one\r\n{"level":30,"msg":"signed_in"}\u2028two';
    const lines = written({ ...auditEvents.sign_in_failed, requestId }, auditEvents.signed_in);
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'sign_in_failed', audit: { requestId } });
  });
});

describe('the listener for OpenTelemetry', () => {
  const spans = new InMemorySpanExporter();
  const traces = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  traces.register();
  const tracer = traces.getTracer('spec');
  const exported = new InMemoryMetricExporter(AggregationTemporality.DELTA);
  const reader = new PeriodicExportingMetricReader({ exporter: exported, exportIntervalMillis: 3_600_000 });
  const metrics = new MeterProvider({ readers: [reader] });
  const onEvent = openTelemetryAuditLog({ meter: metrics.getMeter('spec') });

  /** What was counted since the last look: name, attributes and by how much. */
  const counted = async () => {
    exported.reset();
    await metrics.forceFlush();
    const all = exported
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((each) => each.metrics));
    return all.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({ name: descriptor.name, attributes, value })),
    );
  };
  /** Tells of an event within a span of a request. */
  const within = (event: AuditEvent) => {
    const span = tracer.startSpan('request');
    context.with(trace.setSpan(context.active(), span), () => onEvent(event));
    span.end();
  };
  const finished = () =>
    spans.getFinishedSpans().map(({ name, events, status }) => ({ name, events, status }));

  beforeEach(async () => {
    await counted();
    spans.reset();
  });
  afterAll(async () => {
    await Promise.all([metrics.shutdown(), traces.shutdown()]);
    trace.disable();
    context.disable();
  });

  const success = { outcome: 'success' };
  const failure = { outcome: 'failure' };
  const method = 'password';
  const second = { factor: 'fido2', purpose: 'sign-in' };
  it.each(
    Object.entries({
      signed_in: ['sign_ins', { method, ...success, state: 'active' }],
      sign_in_failed: ['sign_ins', { method, ...failure, reason: 'wrong_secret' }],
      locked: ['locks', { factor: 'first', what: 'guesses' }],
      unlocked: ['unlocks', {}],
      captcha_refused: ['refused_captchas', { reason: 'low_score' }],
      throttled: ['throttles', { scope: 'address' }],
      rejected_api_key: ['rejected_api_keys', { reason: 'disabled' }],
      second_factor_completed: ['second_factors', { ...second, ...success }],
      second_factor_failed: ['second_factors', { ...second, ...failure, reason: 'no_challenge' }],
      second_factor_locked: ['locks', { factor: 'second' }],
      configuration_unlocked: ['configuration_unlocks', success],
      configuration_unlock_failed: ['configuration_unlocks', { ...failure, reason: 'wrong_secret' }],
      device_added: ['enrolments', success],
      device_refused: ['enrolments', { ...failure, reason: 'not_verified' }],
      device_renamed: ['configuration_changes', { change: 'device_renamed' }],
      device_removed: ['configuration_changes', { change: 'device_removed' }],
      recovery_codes_generated: ['configuration_changes', { change: 'recovery_codes_generated' }],
      operation_approved: ['approved_operations', {}],
      recovery_code_used: ['used_recovery_codes', {}],
      session_ended: ['ended_sessions', { cause: 'replaced', principal: 'user' }],
      account_selected: ['selected_accounts', {}],
      password_rehashed: ['rehashed_passwords', {}],
      peer_failed: ['peer_failures', { peer: 'idp.example.com', kind: 'timed_out' }],
      dependency_failed: ['dependency_failures', { operation: 'users.findById', kind: 'threw' }],
    } satisfies Record<Type, [string, object]>),
  )('counts %s once, in one counter', async (type, [name, attributes]) => {
    within(auditEvents[type as Type]);
    expect(await counted()).toEqual([{ name: `passport_control.${name}`, attributes, value: 1 }]);
  });

  it('has no id, no address and no hash of one in the attributes of counters, of however many there are', async () => {
    for (const event of listedEvents) {
      within(event);
      const names = Object.keys(identifying).filter((name) => name in event);
      for (let n = 0; n < 50; n += 1)
        within(Object.assign({ ...event }, ...names.map((name) => ({ [name]: `${name}-${n}` }))));
    }
    const points = await counted();
    expect(points).toHaveLength(listedEvents.length);
    const attributes = points.flatMap((each) => Object.entries(each.attributes));
    const numbered = Object.keys(identifying).map((name) => `${name}-\\d`);
    const telling = new RegExp([...Object.values(identifying), ...numbered].join('|'));
    const found = attributes.filter(([name, value]) => name in identifying || telling.test(String(value)));
    expect(found).toEqual([]);
  });

  it.each(listedEvents.map((event) => [event.type, event] as const))(
    'tells %s to the span of the request, without addresses',
    (type, event) => {
      within(event);
      const { at, type: _, ...fields } = event;
      const { address, identifier, ...kept } = { address: null, identifier: null, ...fields };
      const seconds = [Math.floor(at / 1000), 0];
      const isBroken = type === 'peer_failed' || type === 'dependency_failed';
      expect(finished()).toEqual([
        {
          name: 'request',
          events: [
            expect.objectContaining({ name: `passport_control.${type}`, attributes: kept, time: seconds }),
          ],
          status: isBroken ? { code: SpanStatusCode.ERROR, message: type } : { code: SpanStatusCode.UNSET },
        },
      ]);
    },
  );

  it('leaves out of a span what is not known', () => {
    within({ ...auditEvents.sign_in_failed, idpId: null, entityId: null });
    const [span] = finished();
    expect(span?.events[0]?.attributes).toEqual({
      method,
      reason: 'wrong_secret',
      requestId: identifying.requestId,
    });
  });

  it('makes a span below that of the request where that one is closed, and one at the top where there is none', () => {
    const closed = tracer.startSpan('request');
    closed.end();
    context.with(trace.setSpan(context.active(), closed), () => onEvent(auditEvents.signed_in));
    onEvent(auditEvents.dependency_failed);
    const [request, below, top] = spans.getFinishedSpans();
    expect(request?.events).toEqual([]);
    expect(below?.name).toBe('passport_control.signed_in');
    expect(below?.parentSpanContext?.spanId).toBe(closed.spanContext().spanId);
    expect(below?.events).toHaveLength(1);
    expect(top?.name).toBe('passport_control.dependency_failed');
    expect(top?.parentSpanContext).toBeUndefined();
    expect(top?.status.code).toBe(SpanStatusCode.ERROR);
  });

  it('finds of many requests at once the span of each', async () => {
    const ids: string[] = [];
    const app = await testApp({
      onEvent,
      lockout: false,
      before: [
        (request, _response, next) => {
          const id = `request-${ids.length}`;
          ids.push(id);
          Object.assign(request, { id });
          next();
        },
        requestSpan(tracer),
      ],
    });
    const passwords = [alice.password, 'wrong', alice.password, 'wrong', 'wrong', alice.password];
    await Promise.all(
      passwords.map((password) => app.post('/sys/v1/session/auth', undefined, basic(alice.email, password))),
    );
    await told();
    const heard = spans.getFinishedSpans().map(({ attributes, events }) => ({
      status: attributes['http.response.status_code'],
      events: events.map(({ name }) => name),
    }));
    expect(heard).toHaveLength(passwords.length);
    for (const { status, events } of heard)
      expect(events).toEqual([`passport_control.${status === 200 ? 'signed_in' : 'sign_in_failed'}`]);
    const requests = spans.getFinishedSpans().map(({ events }) => events[0]?.attributes?.requestId);
    expect(requests.sort()).toEqual(ids);
    expect((await counted()).map(({ value }) => value)).toEqual([3, 3]);
  });

  it('marks the span of a request whose repository is down', async () => {
    const app = await testApp({ onEvent, before: [requestSpan(tracer)] });
    app.faults.users.break('findByEmail', 'reject');
    await app.post('/sys/v1/session/auth', undefined, basic(alice.email, alice.password)).expect(503);
    await told();
    const [span] = spans.getFinishedSpans();
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'dependency_failed' });
    expect(span?.attributes['http.response.status_code']).toBe(503);
  });
});
