import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '@portcullis/testkit';
import { certificate, HttpsReceiver, type Received } from '../../testing/https-receiver';
import { alert, alerts, flowIds, numbers } from '../../testing/records';
import { SpooledSink } from '../delivery/spooled-sink';
import { Spool } from '../spool/spool';
import { webhookKey, webhookSignature } from './signature';
import { type WebhookOptions, WebhookTransport } from './webhook';

let directory: string;
let receiver: HttpsReceiver;
const sinks: SpooledSink[] = [];
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'webhook-'));
  receiver = new HttpsReceiver();
  await receiver.start();
});
afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close();
  await receiver.stop();
  rmSync(directory, { recursive: true });
});

async function open(
  options: Partial<WebhookOptions> = {},
  batch = 100,
  size = 1024 * 1024,
  onFull: (records: number) => void = () => undefined,
): Promise<SpooledSink> {
  const transport = new WebhookTransport({
    url: `https://127.0.0.1:${receiver.port}/events?token=1`,
    ca: certificate.cert,
    verify: true,
    key: null,
    headers: {},
    format: 'json',
    timeoutMilliseconds: 10_000,
    ...options,
  });
  const spool = await Spool.open({ directory, size, onFull });
  const sink = new SpooledSink(spool, transport, {
    batch,
    retry: { first: 1, most: 5 },
    graceMilliseconds: 0,
  });
  sinks.push(sink);
  return sink;
}

test('events come as arrays of at most so many, in order, each batch with its id', async () => {
  const sink = await open({ headers: { authorization: 'Bearer abc' } }, 10);
  for (const record of alerts(0, 35)) sink.write(record);
  await waitUntil(() => receiver.taken.length === 35, { what: 'the events' });
  expect(receiver.taken).toEqual(numbers(0, 35));
  expect(JSON.parse(receiver.requests[0]?.body ?? '')[0]).toEqual(alert(0));
  const ids = receiver.requests.map(({ headers }) => headers['webhook-id']);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { headers, body } of receiver.requests) {
    expect(JSON.parse(body).length).toBeLessThanOrEqual(10);
    expect(headers).toMatchObject({ 'content-type': 'application/json', authorization: 'Bearer abc' });
    expect(headers['portcullis-redelivered']).toBeUndefined();
    expect(headers['webhook-signature']).toBeUndefined();
  }
});

test('or as lines', async () => {
  const sink = await open({ format: 'ndjson' });
  for (const record of alerts(0, 3)) sink.write(record);
  await waitUntil(() => receiver.requests.length > 0, { what: 'the events' });
  const { headers, body } = receiver.requests[0] as Received;
  expect(headers['content-type']).toBe('application/x-ndjson');
  expect(flowIds(body.trimEnd().split('\n'))).toEqual(numbers(0, 3));
});

test('a shared secret signs id, time and body', async () => {
  const key = webhookKey('whsec_c2VjcmV0\n');
  const sink = await open({ key });
  sink.write(alert(1));
  await waitUntil(() => receiver.requests.length > 0, { what: 'the event' });
  const { headers, body } = receiver.requests[0] as Received;
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const wanted = createHmac('sha256', 'secret').update(signed).digest('base64');
  expect(headers['webhook-signature']).toBe(`v1,${wanted}`);
  expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60);
});

test('the signature is that of Standard Webhooks', () => {
  // The example of the specification's own libraries.
  const key = webhookKey('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  expect(webhookSignature(key, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, '{"test": 2432232314}')).toBe(
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  );
  expect(webhookKey('plain text ').toString()).toBe('plain text');
});

test('a receiver that is away and comes back gets everything', async () => {
  const sink = await open({}, 20);
  sink.write(alert(0));
  await waitUntil(() => receiver.taken.length === 1, { what: 'the first event' });
  await receiver.stop();
  for (const record of alerts(1, 200)) sink.write(record);
  await waitUntil(() => sink.statistics.failures > 3, { what: 'failures' });
  expect(sink.statistics.lost).toBe(0);
  await receiver.start();
  await waitUntil(() => receiver.taken.length === 201, { what: 'the other events' });
  expect(receiver.taken).toEqual(numbers(0, 201));
});

test('a receiver that answers with errors for a while gets everything once', async () => {
  receiver.status = 503;
  const sink = await open({}, 20);
  for (const record of alerts(0, 20)) sink.write(record);
  await waitUntil(() => receiver.requests.length >= 3, { what: 'attempts' });
  const [first] = receiver.requests as [Received];
  expect(sink.statistics.lastError).toBe('the answer was 503');
  receiver.status = 204;
  await waitUntil(() => sink.statistics.written === 20, { what: 'delivery' });
  const last = receiver.requests.at(-1) as Received;
  expect(last.headers['portcullis-redelivered']).toBe('true');
  // Attempts at the same events bear the same id.
  const same = receiver.requests.filter(({ body }) => body === first.body);
  expect(new Set(same.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
});

test('events wait over a restart of the engine', async () => {
  await receiver.stop();
  const before = await open();
  for (const record of alerts(0, 150)) before.write(record);
  await waitUntil(() => before.statistics.failures > 0, { what: 'a failure' });
  await before.close();
  await receiver.start();
  const after = await open();
  for (const record of alerts(150, 10)) after.write(record);
  await waitUntil(() => receiver.taken.length === 160, { what: 'the events' });
  expect(receiver.taken).toEqual(numbers(0, 160));
});

test('away for longer than the spool is large: the newest stay, the loss is told once and counted', async () => {
  await receiver.stop();
  const told: number[] = [];
  const sink = await open({}, 1000, 256 * 1024, (records) => told.push(records));
  for (let round = 0; round < 40; round++) {
    for (const record of alerts(round * 50, 50)) sink.write(record);
    await sink.flush();
  }
  expect(told).toHaveLength(1);
  const { lost } = sink.statistics;
  expect(lost).toBeGreaterThan(500);
  await receiver.start();
  await waitUntil(() => receiver.taken.length === 2000 - lost, { what: 'the rest' });
  expect(receiver.taken).toEqual(numbers(lost, 2000 - lost));
});

test('a receiver nobody vouches for gets nothing, unless that is wanted', async () => {
  const sink = await open({ ca: null });
  sink.write(alert(1));
  await waitUntil(() => sink.statistics.failures > 2, { what: 'refusals' });
  expect(sink.statistics.lastError).toMatch(/self-signed certificate/);
  expect(receiver.requests).toEqual([]);
  await sink.close();
  await open({ ca: null, verify: false });
  await waitUntil(() => receiver.taken.length === 1, { what: 'the event' });
});

test('a name that the certificate does not have is refused', async () => {
  const sink = await open({ url: `https://127.0.0.2:${receiver.port}/` });
  await receiver.stop();
  sink.write(alert(1));
  await waitUntil(() => sink.statistics.failures > 0, { what: 'refusals' });
  expect(receiver.requests).toEqual([]);
});

test('redirections are not followed, and the place is told without its secrets', async () => {
  receiver.status = 302;
  const sink = await open();
  sink.write(alert(1));
  await waitUntil(() => sink.statistics.failures > 1, { what: 'answers' });
  expect(sink.statistics.lastError).toBe('the answer was 302');
  const transport = new WebhookTransport({
    url: 'https://user:password@receiver.example/hook/secret?token=1',
    ca: null,
    verify: true,
    key: null,
    headers: {},
    format: 'json',
    timeoutMilliseconds: 1,
  });
  expect(transport.name).toBe('webhook https://receiver.example/…');
});

test('a receiver that never answers is given up after the time, and tried again', async () => {
  receiver.silent = true;
  const sink = await open({ timeoutMilliseconds: 30 });
  sink.write(alert(1));
  await waitUntil(() => receiver.requests.length >= 2, { what: 'a second attempt' });
  expect(sink.statistics.lastError).toBe('no answer within 0.03 s');
  receiver.silent = false;
  await waitUntil(() => sink.statistics.written === 1, { what: 'delivery' });
});
