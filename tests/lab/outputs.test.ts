/** Events on their way to a real rsyslog and a real HTTPS server that are away when they happen, over a kill of the engine. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EveRecord } from '@portcullis/events';
import { Lab, Rsyslog, selfMadeCertificate, waitUntil } from '@portcullis/testkit';
import { ATTACK_PATH, describeLab, LabEngine } from './engine';

const PORT = 80;
const SYSLOG_PORT = 5514;
const WEBHOOK_PORT = 8443;
/** Bans by hand before the engine is killed, and after. */
const MANY = 25;

/** Writes each request into a file: the id of the batch, and the batch. */
const HTTPS_SERVER = `
const { createServer } = require('node:https');
const { appendFileSync, readFileSync } = require('node:fs');
const [folder, port] = process.argv.slice(1);
const certificate = { key: readFileSync(folder + '/key.pem'), cert: readFileSync(folder + '/cert.pem') };
createServer(certificate, (request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text) => { body += text; }).on('end', () => {
    const id = request.headers['webhook-id'];
    appendFileSync(folder + '/requests', JSON.stringify({ id, records: JSON.parse(body) }) + '\\n');
    response.end();
  });
}).listen(Number(port), '::', () => console.log('ready'));
`;

describeLab('receivers of events', () => {
  let lab: Lab;
  let engine: LabEngine;
  let rsyslog: Rsyslog | null = null;
  beforeAll(async () => {
    lab = new Lab('pcou');
    await lab.httpServer('server', PORT);
    engine = new LabEngine(lab);
    const { key, cert } = selfMadeCertificate();
    writeFileSync(join(engine.directory, 'key.pem'), key);
    writeFileSync(join(engine.directory, 'cert.pem'), cert);
    const missing = Rsyslog.missing();
    if (missing !== null) process.stderr.write(`skipped in part: ${missing}\n`);
    else rsyslog = new Rsyslog(engine.directory, SYSLOG_PORT, (argv) => lab.spawn('gateway', argv));
  });
  afterAll(async () => {
    await rsyslog?.stop();
    lab?.destroy();
    engine?.remove();
  });

  /** Of what came twice, as told by the id of its batch, once. */
  const posted = (): EveRecord[] => {
    const file = join(engine.directory, 'requests');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    const batches = lines.map((line) => JSON.parse(line) as { id: string; records: EveRecord[] });
    return [...new Map(batches.map(({ id, records }) => [id, records])).values()].flat();
  };
  const logged = (): EveRecord[] => (rsyslog as Rsyslog).rows.map(({ message }) => JSON.parse(message));

  const banMany = async (network: string) => {
    for (let host = 1; host <= MANY; host++)
      await engine.command('bans.add', { address: `${network}${host}`, for: '10m' });
    const last = `"${network}${MANY}"`;
    const isThere = (folder: string) => {
      const files = readdirSync(folder);
      return files.some((file) => readFileSync(join(folder, file), 'utf8').includes(last));
    };
    const state = join(engine.directory, 'state', 'spool');
    const folders = [join(engine.directory, 'log'), join(state, 'syslog'), join(state, 'webhook')];
    await waitUntil(() => folders.every(isThere), { what: 'the last event on the disk, everywhere' });
  };

  test('that were away get every event once and in order, also of an engine that was killed', async () => {
    const start = (webhook: string, syslog: string) =>
      engine.start({
        'outputs.webhook': `{ url: "https://${webhook}:${WEBHOOK_PORT}/", ca: ${engine.directory}/cert.pem, batch: 10 }`,
        'outputs.syslog': `{ address: "${syslog}:${SYSLOG_PORT}" }`,
      });
    await start('127.0.0.1', '[::1]');
    for (const family of [4, 6] as const) {
      const options = { host: lab.target(family), port: PORT, ...engine.patience() };
      expect(await lab.httpGet('attacker', ATTACK_PATH, options)).toMatchObject({ complete: false });
    }
    await banMany('198.51.100.');
    for (const output of ['syslog', 'webhook'])
      await engine.process.waitFor(new RegExp(`${output} \\S+ takes no events`));
    await engine.kill();
    // The receivers have moved to the other family meanwhile; what waits for them is theirs all the same.
    await start('[::1]', '127.0.0.1');
    await banMany('2001:db8:7::');

    await rsyslog?.start();
    const server = lab.spawn('gateway', [
      ...[process.execPath, '-e', HTTPS_SERVER],
      ...[engine.directory, String(WEBHOOK_PORT)],
    ]);
    await server.waitFor(/ready/);
    const happened = engine.events();
    const kinds = happened.map(({ event_type }) => event_type);
    expect(kinds.filter((kind) => kind === 'alert')).toHaveLength(2);
    expect(kinds.filter((kind) => kind === 'ban')).toHaveLength(2 + 2 * MANY);
    const all = { timeout: 40_000, what: 'every event' };
    await waitUntil(() => posted().length >= happened.length, all);
    expect(posted()).toEqual(happened);
    if (rsyslog === null) return;
    await waitUntil(() => logged().length >= happened.length, all);
    expect(logged()).toEqual(happened);
  });
});
