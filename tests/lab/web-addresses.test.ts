/** What protected hosts ask for outside is looked up in lists of web addresses, on the real kernel. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EveRecord } from '@portcullis/events';
import { Lab, type LabServer, type LabUdpServer, waitUntil } from '@portcullis/testkit';
import { message as dnsMessage, labels, question } from '../../packages/protocols/testing/dns/messages';
import { cryptoFrame, seal } from '../../packages/protocols/testing/quic/seal';
import {
  clientHello,
  groups,
  handshake,
  MessageType,
  serverName,
  signatureAlgorithms,
  supportedVersions,
  message as tlsMessage,
} from '../../packages/protocols/testing/tls/messages';
import { describeLab, LabEngine } from './engine';

/** Of another port than those that are looked at by themselves, so that rules are there for something. */
const rules = 'alert tcp any any -> any 9 (msg:"nothing"; content:"nothing at all"; sid:1; rev:1;)\n';

const EXTENSIONS = [groups([29]), signatureAlgorithms([0x0403]), supportedVersions([0x0304])];
const hello = (name: string) =>
  clientHello({ ciphers: [0x1301], extensions: [serverName(name), ...EXTENSIONS] });
const query = (name: string) => dnsMessage({ id: 1, flags: 0x0100, questions: [question(labels(name))] });
let connections = 0;
const quic = (name: string) => {
  const connection = Buffer.alloc(8);
  connection.writeUInt32BE(++connections);
  const crypto = cryptoFrame(0, tlsMessage(MessageType.CLIENT_HELLO, hello(name)));
  return seal({ connection }, Buffer.concat([crypto, Buffer.alloc(1100 - crypto.length)]));
};

describeLab('web addresses', () => {
  let lab: Lab;
  let engine: LabEngine;
  let web: LabServer;
  let tls: LabServer;
  let dns: LabUdpServer;
  let h3: LabUdpServer;

  beforeAll(async () => {
    lab = new Lab('pcwa');
    // The protected side is the network of `server`; what it asks for is on the side of `attacker`.
    web = await lab.httpServer('attacker', 80);
    tls = await lab.tcpServer('attacker', 443);
    dns = await lab.udpServer('attacker', 53);
    h3 = await lab.udpServer('attacker', 443);
    engine = new LabEngine(lab, { rules });
    writeFileSync(
      join(engine.directory, 'malware.txt'),
      'evil.example\n*.only-below.example\nallowed.example\nnotify.example\n',
    );
    writeFileSync(
      join(engine.directory, 'urls.csv'),
      '# id,url\n1,"http://shared.example/mal/"\n2,quiet.example\n',
    );
  }, 60_000);
  afterAll(() => {
    lab?.destroy();
    engine?.remove();
  });
  afterEach(async () => {
    if (engine.process?.running) await engine.stop();
    rmSync(join(engine.directory, 'log', 'eve.json'), { force: true });
  }, 20_000);

  const lists = (more: object = {}) =>
    JSON.stringify({
      lists: [
        { name: 'malware', file: 'malware.txt', format: 'domains', category: 'malware' },
        { name: 'urls', file: 'urls.csv', format: 'csv', column: 2, category: 'phishing' },
        { name: 'quiet', file: 'quiet.txt', format: 'hosts', category: 'quiet' },
      ],
      allow: ['good.allowed.example'],
      categories: { quiet: 'notify' },
      ...more,
    });

  const start = async (more: object = {}, settings: Record<string, string> = {}) => {
    writeFileSync(join(engine.directory, 'quiet.txt'), '0.0.0.0 told.example\n');
    await engine.start({ 'web-addresses': lists(more), ...settings });
    await waitUntil(async () => ((await engine.status()).web_addresses?.entries ?? 0) > 0, {
      what: 'the lists',
      timeout: 20_000,
    });
  };
  const get = (family: 4 | 6, host: string, path = '/', method = 'GET', timeout = 8000) =>
    lab.request('server', {
      host: lab.address('attacker', family),
      port: 80,
      bytes: `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      timeout,
    });
  const greet = (family: 4 | 6, name: string, timeout = 8000) =>
    lab.request('server', {
      host: lab.address('attacker', family),
      port: 443,
      bytes: handshake(MessageType.CLIENT_HELLO, hello(name)),
      until: /[\s\S]/,
      timeout,
    });
  const datagram = (family: 4 | 6, port: number, payload: Buffer, timeout = 3000) =>
    lab.udpRequest('server', { host: lab.address('attacker', family), port, payload, timeout });
  const told = (host: string, count = 1): Promise<EveRecord> =>
    waitUntil(
      () =>
        engine.events('alert').filter(({ portcullis }) => portcullis?.web_address?.host === host)[count - 1],
      { what: `the event about ${host}`, timeout: 10_000 },
    );

  test.each([4, 6] as const)(
    'HTTP: a page, a URL, exceptions, and what is only told, over IPv%d',
    async (family) => {
      await start();
      const blocked = await get(family, 'www.evil.example', '/a?b');
      expect(blocked).toMatchObject({ complete: true });
      expect(blocked.response.toString()).toMatch(/^HTTP\/1\.1 403 [\s\S]*www\.evil\.example[\s\S]*malware/);
      expect(await told('www.evil.example')).toMatchObject({
        event_type: 'alert',
        src_ip: lab.address('server', family),
        dest_ip: lab.address('attacker', family),
        dest_port: 80,
        app_proto: 'http',
        alert: { action: 'blocked' },
        verdict: { action: 'drop', reject: ['tcp-reset'] },
        http: { hostname: 'www.evil.example' },
        portcullis: {
          event: 'web_address_detected',
          enforced: true,
          category: 'malware',
          source: { ip: lab.address('server', family) },
          web_address: {
            category: 'malware',
            list: 'malware',
            entry: 'evil.example',
            host: 'www.evil.example',
            url: 'www.evil.example/a?b',
            seen_in: 'http.host',
          },
        },
      });
      const head = await get(family, 'evil.example', '/', 'HEAD');
      expect(head.response.toString()).toMatch(/^HTTP\/1\.1 403 [\s\S]*\r\n\r\n$/);

      expect((await get(family, 'shared.example', '/%6dal/x')).response.toString()).toMatch(/ 403 /);
      expect(await told('shared.example')).toMatchObject({
        portcullis: {
          web_address: { entry: 'shared.example/mal', seen_in: 'http.uri', category: 'phishing' },
        },
      });
      for (const [host, path] of [
        ['shared.example', '/other'],
        ['good.allowed.example', '/'],
        ['only-below.example', '/'],
        ['told.example', '/'],
        ['ordinary.example', '/'],
      ] as const)
        expect((await get(family, host, path)).response.toString()).toMatch(/^HTTP\/1\.1 200/);
      expect(await told('told.example')).toMatchObject({
        alert: { action: 'allowed' },
        portcullis: { enforced: false, category: 'quiet' },
      });
      const received = (await web.received()).toString();
      expect(received).not.toMatch(/evil\.example|%6dal/);
      // The server was not left waiting.
      await waitUntil(async () => (await web.connections()).every(({ state }) => state !== 'open'), {
        what: 'the end of all connections at the server',
      });
      expect(engine.events('alert')).toHaveLength(4);
      expect(await engine.bans()).toEqual([]);
    },
    60_000,
  );

  test.each([4, 6] as const)(
    'TLS is reset, DNS and QUIC are dropped, over IPv%d',
    async (family) => {
      await start();
      const before = { tls: (await tls.received()).length, dns: (await dns.received()).length };
      expect(await greet(family, 'evil.example')).toMatchObject({ connected: true, state: 'ECONNRESET' });
      expect(await told('evil.example')).toMatchObject({
        alert: { action: 'blocked' },
        portcullis: { web_address: { seen_in: 'tls.sni' } },
      });
      await waitUntil(async () => (await tls.connections()).some(({ state }) => state === 'ECONNRESET'), {
        what: 'the reset at the server',
      });
      expect((await tls.received()).length).toBe(before.tls);
      expect(await greet(family, 'ordinary.example')).toMatchObject({ complete: true });

      expect(await datagram(family, 53, query('a.evil.example'), 1000)).toBeNull();
      expect(await told('a.evil.example')).toMatchObject({
        proto: 'UDP',
        alert: { action: 'blocked' },
        portcullis: { web_address: { seen_in: 'dns.query' } },
      });
      expect((await dns.received()).length).toBe(before.dns);
      expect(await datagram(family, 53, query('ordinary.example'))).not.toBeNull();

      const quicBefore = (await h3.received()).length;
      expect(await datagram(family, 443, quic('q.evil.example'), 1000)).toBeNull();
      expect(await told('q.evil.example')).toMatchObject({
        portcullis: { web_address: { seen_in: 'quic.sni' } },
      });
      expect((await h3.received()).length).toBe(quicBefore);
      expect(await datagram(family, 443, quic('ordinary.example'))).not.toBeNull();
      expect(engine.events('alert')).toHaveLength(3);
    },
    60_000,
  );

  test('without a page HTTP is reset; drop is silent; what others ask of the protected side is none of this', async () => {
    await start({ 'block-page': 'off', categories: { phishing: 'drop' } });
    expect(await get(4, 'evil.example')).toMatchObject({ complete: false, state: 'ECONNRESET' });
    expect(await get(4, 'quiet.example', '/', 'GET', 1500)).toMatchObject({ complete: false, state: 'open' });
    const own = await lab.httpServer('server', 80);
    const inwards = await lab.httpGet('attacker', '/', { host: lab.address('server', 4), port: 80 });
    expect(inwards).toMatchObject({ complete: true });
    const named = await lab.request('attacker', {
      host: lab.address('server', 4),
      port: 80,
      bytes: 'GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n',
    });
    expect(named).toMatchObject({ complete: true });
    expect((await own.received()).toString()).toContain('evil.example');
    expect(engine.events('alert')).toHaveLength(2);
  }, 60_000);

  test.each([4, 6] as const)(
    'a program on the gateway itself gets a page too, over IPv%d',
    async (family) => {
      await start();
      const result = await lab.request('gateway', {
        host: lab.address('attacker', family),
        port: 80,
        bytes: 'GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n',
      });
      expect(result.response.toString()).toMatch(/^HTTP\/1\.1 403 /);
      expect(await told('evil.example')).toMatchObject({ alert: { action: 'blocked' } });
    },
    60_000,
  );

  test('notify and Monitoring mode touch nothing', async () => {
    await start({}, { 'action-on-detect': 'notify' });
    expect((await get(4, 'evil.example')).response.toString()).toMatch(/ 200 /);
    expect(await told('evil.example')).toMatchObject({
      alert: { action: 'allowed' },
      portcullis: { enforced: false },
    });
    await engine.stop();
    expect((await engine.ask('service', 'register', '--mode', 'monitoring')).code).toBe(0);
    try {
      await start();
      expect((await get(4, 'evil.example')).response.toString()).toMatch(/ 200 /);
      expect(await datagram(4, 53, query('b.evil.example'))).not.toBeNull();
      expect(await told('b.evil.example')).toMatchObject({
        alert: { action: 'allowed' },
        portcullis: { enforced: false, mode: 'monitoring' },
      });
    } finally {
      if (engine.process.running) await engine.stop();
      expect((await engine.ask('service', 'unregister')).code).toBe(0);
    }
  }, 90_000);

  test('lists are read again when told; a bad one leaves the old one in force, and says so', async () => {
    await start();
    expect((await get(4, 'later.example')).response.toString()).toMatch(/ 200 /);
    writeFileSync(join(engine.directory, 'quiet.txt'), '<html>\n<p>not found\n');
    writeFileSync(join(engine.directory, 'malware.txt'), 'evil.example\nlater.example\n');
    expect((await engine.ask('reload')).code).toBe(0);
    const answer = await waitUntil(
      async () => {
        const { web_addresses: now } = await engine.status();
        return now?.lists.find(({ name }) => name === 'malware')?.entries === 2 ? now : undefined;
      },
      { what: 'the new list', timeout: 20_000 },
    );
    expect(answer.lists.find(({ name }) => name === 'quiet')).toMatchObject({
      entries: 1,
      problem: expect.stringContaining('no address'),
    });
    expect((await engine.ask('status')).stdout).toMatch(/malware\s.*\b2\b/);
    expect(engine.events('engine')).toMatchObject([{ engine: { error_code: 'WEB_ADDRESS_LIST' } }]);
    expect((await get(4, 'later.example')).response.toString()).toMatch(/ 403 /);
    expect((await get(4, 'told.example')).response.toString()).toMatch(/ 200 /);
    await told('told.example');
  }, 60_000);
});
