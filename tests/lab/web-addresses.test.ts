/** What protected hosts ask for outside is looked up in lists of web addresses, on the real kernel. */
import { writeFileSync } from 'node:fs';
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
const query = (name: string) => dnsMessage({ queries: [question(labels(name))] });
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
  const start = async () => {
    await engine.start({ 'web-addresses': lists() });
    await waitUntil(async () => ((await engine.status()).web_addresses?.entries ?? 0) > 0, {
      what: 'the lists',
      timeout: 20_000,
    });
  };

  beforeAll(async () => {
    lab = new Lab('pcwa');
    // The protected side is the network of `server`; what it asks for is on the side of `attacker`.
    web = await lab.httpServer('attacker', 80);
    tls = await lab.tcpServer('attacker', 443);
    dns = await lab.udpServer('attacker', 53);
    h3 = await lab.udpServer('attacker', 443);
    engine = new LabEngine(lab, { rules, queues: '0-1' });
    const file = (name: string, text: string) => writeFileSync(join(engine.directory, name), text);
    file('malware.txt', 'evil.example\n*.only-below.example\nallowed.example\n');
    file('urls.csv', '# id,url\n1,"http://shared.example/mal/"\n2,silent.example\n');
    file('quiet.txt', '0.0.0.0 told4.example told6.example\n');
    await start();
  }, 90_000);
  afterAll(async () => {
    if (engine?.process?.running) await engine.stop();
    lab?.destroy();
    engine?.remove();
  }, 20_000);

  const get = (family: 4 | 6, host: string, path = '/', method = 'GET', patience = { timeout: 8000 }) =>
    lab.request('server', {
      host: lab.address('attacker', family),
      port: 80,
      bytes: `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      ...patience,
    });
  const answer = async (...request: Parameters<typeof get>) => (await get(...request)).response.toString();
  const greet = (family: 4 | 6, name: string) =>
    lab.request('server', {
      host: lab.address('attacker', family),
      port: 443,
      bytes: handshake(MessageType.CLIENT_HELLO, hello(name)),
      until: /[\s\S]/,
      timeout: 8000,
    });
  const datagram = (family: 4 | 6, port: number, payload: Buffer, timeout = 8000) =>
    lab.udpRequest('server', { host: lab.address('attacker', family), port, payload, timeout });
  const seen = (host: string) =>
    engine.events('alert').filter(({ portcullis }) => portcullis?.web_address?.host === host);
  const told = (host: string): Promise<EveRecord> =>
    waitUntil(() => seen(host)[0], { what: `the event about ${host}`, timeout: 10_000 });
  const set = async (...assignments: string[]) => {
    const { code, stderr } = await engine.ask('config', 'set', ...assignments);
    expect([code, stderr]).toEqual([0, '']);
  };

  test.each([4, 6] as const)(
    'HTTP: a page, a URL, exceptions, and what is only told, over IPv%d',
    async (family) => {
      const evil = `www${family}.evil.example`;
      const blocked = await get(family, evil, '/a?b');
      expect(blocked).toMatchObject({ complete: true });
      expect(blocked.response.toString()).toMatch(/^HTTP\/1\.1 403 [\s\S]*\.evil\.example[\s\S]*malware/);
      expect(await told(evil)).toMatchObject({
        event_type: 'alert',
        src_ip: lab.address('server', family),
        dest_ip: lab.address('attacker', family),
        dest_port: 80,
        app_proto: 'http',
        alert: { action: 'blocked' },
        verdict: { action: 'drop', reject: ['tcp-reset'] },
        http: { hostname: evil },
        portcullis: {
          event: 'web_address_detected',
          enforced: true,
          category: 'malware',
          source: { ip: lab.address('server', family) },
          web_address: {
            category: 'malware',
            list: 'malware',
            entry: 'evil.example',
            host: evil,
            url: `${evil}/a?b`,
            seen_in: 'http.host',
          },
        },
      });
      expect(await answer(family, 'evil.example', '/', 'HEAD')).toMatch(/^HTTP\/1\.1 403 [\s\S]*\r\n\r\n$/);
      expect(await answer(family, 'shared.example', '/%6dal/x')).toMatch(/^HTTP\/1\.1 403 /);
      expect(await told('shared.example')).toMatchObject({
        portcullis: {
          web_address: { entry: 'shared.example/mal', seen_in: 'http.uri', category: 'phishing' },
        },
      });
      const quiet = `told${family}.example`;
      const fine = [
        'shared.example',
        'good.allowed.example',
        'only-below.example',
        quiet,
        'ordinary.example',
      ];
      for (const host of fine) expect(await answer(family, host, '/other')).toMatch(/^HTTP\/1\.1 200/);
      expect(await told(quiet)).toMatchObject({
        alert: { action: 'allowed' },
        portcullis: { enforced: false, category: 'quiet' },
      });
      expect((await web.received()).toString()).not.toMatch(/evil\.example|%6dal/);
      // The server was not left waiting.
      await waitUntil(async () => (await web.connections()).every(({ state }) => state !== 'open'), {
        what: 'the end of all connections at the server',
        timeout: 10_000,
      });
      for (const host of fine.slice(1, 3)) expect(seen(host)).toEqual([]);
      expect(await engine.bans()).toEqual([]);
    },
    60_000,
  );

  test.each([4, 6] as const)(
    'TLS is reset, DNS and QUIC are dropped, over IPv%d',
    async (family) => {
      const before = (await tls.received()).length;
      const name = (kind: string) => `${kind}${family}.evil.example`;
      expect(await greet(family, name('t'))).toMatchObject({ connected: true, state: 'ECONNRESET' });
      expect(await told(name('t'))).toMatchObject({
        alert: { action: 'blocked' },
        portcullis: { web_address: { seen_in: 'tls.sni' } },
      });
      // A reset may overtake the end of the handshake: then the server's program never hears of the connection.
      await waitUntil(async () => (await tls.connections()).every(({ state }) => state !== 'open'), {
        what: 'the end of the connection at the server',
        timeout: 10_000,
      });
      expect((await tls.received()).length).toBe(before);
      expect(await greet(family, 'ordinary.example')).toMatchObject({ complete: true });

      for (const [kind, port, server, message] of [
        ['dns.query', 53, dns, query],
        ['quic.sni', 443, h3, quic],
      ] as const) {
        expect(await datagram(family, port, message(name(kind[0] as string)), 1000)).toBeNull();
        expect(await told(name(kind[0] as string))).toMatchObject({
          proto: 'UDP',
          alert: { action: 'blocked' },
          portcullis: { web_address: { seen_in: kind } },
        });
        expect(await datagram(family, port, message('ordinary.example'))).not.toBeNull();
        for (const bytes of await server.received())
          expect(Buffer.from(bytes).toString('latin1')).not.toContain('evil');
      }
    },
    60_000,
  );

  test.each([4, 6] as const)(
    'a program on the gateway itself gets a page too, over IPv%d',
    async (family) => {
      const result = await lab.request('gateway', {
        host: lab.address('attacker', family),
        port: 80,
        bytes: `GET / HTTP/1.1\r\nHost: local${family}.evil.example\r\n\r\n`,
        timeout: 8000,
      });
      expect(result.response.toString()).toMatch(/^HTTP\/1\.1 403 /);
      expect(await told(`local${family}.evil.example`)).toMatchObject({ alert: { action: 'blocked' } });
    },
    30_000,
  );

  test.each([4, 6] as const)(
    'a host behind address translation gets its page, and is named, over IPv%d',
    async (family) => {
      const command = family === 4 ? 'iptables' : 'ip6tables';
      const masquerade = (how: '-A' | '-D') =>
        lab.run('gateway', `${command} -w -t nat ${how} POSTROUTING -o attacker0 -j MASQUERADE`.split(' '));
      const harmless = 'harmless.example';
      const evil = `hidden${family}.evil.example`;
      await masquerade('-A');
      try {
        expect(await answer(family, harmless)).toMatch(/^HTTP\/1\.1 200/);
        expect(await answer(family, evil)).toMatch(/^HTTP\/1\.1 403 [\s\S]*\.evil\.example/);
        expect(await told(evil)).toMatchObject({
          src_ip: lab.address('server', family),
          alert: { action: 'blocked' },
        });
        const received = (await web.received()).toString();
        expect(received).toContain(harmless);
        expect(received).not.toContain(evil);
      } finally {
        await masquerade('-D');
      }
    },
  );

  test('what others ask of the protected side is none of this', async () => {
    const own = await lab.httpServer('server', 80);
    const inwards = await lab.request('attacker', {
      host: lab.address('server', 4),
      port: 80,
      bytes: 'GET / HTTP/1.1\r\nHost: inwards.evil.example\r\n\r\n',
      timeout: 8000,
    });
    expect(inwards).toMatchObject({ complete: true });
    expect((await own.received()).toString()).toContain('inwards.evil.example');
    expect(seen('inwards.evil.example')).toEqual([]);
  }, 30_000);

  test('settings change at once: no page, silence, telling only', async () => {
    await set('web-addresses.block-page=off', 'web-addresses.categories={ phishing: drop }');
    expect(await get(4, 'reset.evil.example')).toMatchObject({ complete: false, state: 'ECONNRESET' });
    expect(await get(4, 'silent.example', '/', 'GET', engine.patience())).toMatchObject({
      response: Buffer.alloc(0),
    });
    expect(await told('silent.example')).toMatchObject({
      alert: { action: 'blocked' },
      verdict: { action: 'drop' },
    });
    await set('action-on-detect=notify', 'web-addresses.categories={}');
    expect(await answer(4, 'only-told.evil.example')).toMatch(/^HTTP\/1\.1 200/);
    expect(await told('only-told.evil.example')).toMatchObject({
      alert: { action: 'allowed' },
      portcullis: { enforced: false },
    });
    expect((await engine.ask('config', 'unset', 'action-on-detect', 'web-addresses')).code).toBe(0);
  }, 60_000);

  test('lists are read again when told; a bad one leaves the old one in force, and says so', async () => {
    expect(await answer(4, 'later.example')).toMatch(/^HTTP\/1\.1 200/);
    writeFileSync(join(engine.directory, 'quiet.txt'), '<html>\n<p>not found\n');
    writeFileSync(join(engine.directory, 'malware.txt'), 'evil.example\nlater.example\n');
    expect((await engine.ask('reload')).code).toBe(0);
    const now = await waitUntil(
      async () => {
        const { web_addresses: addresses } = await engine.status();
        return addresses?.lists.find(({ name }) => name === 'malware')?.entries === 2 ? addresses : undefined;
      },
      { what: 'the new list', timeout: 20_000 },
    );
    expect(now.lists.find(({ name }) => name === 'quiet')).toMatchObject({
      entries: 2,
      problem: expect.stringContaining('no address'),
    });
    expect((await engine.ask('status')).stdout).toMatch(/quiet .*no address/);
    expect(engine.events('engine')).toMatchObject([{ engine: { error_code: 'WEB_ADDRESS_LIST' } }]);
    expect(await answer(4, 'later.example')).toMatch(/^HTTP\/1\.1 403/);
    expect(await answer(4, 'told4.example')).toMatch(/^HTTP\/1\.1 200/);
  }, 60_000);

  test('Monitoring mode touches nothing, and its records say so', async () => {
    await engine.stop();
    expect((await engine.ask('service', 'register', '--mode', 'monitoring')).code).toBe(0);
    await start();
    expect(await answer(4, 'monitored.evil.example')).toMatch(/^HTTP\/1\.1 200/);
    expect(await datagram(4, 53, query('asked.evil.example'))).not.toBeNull();
    for (const host of ['monitored.evil.example', 'asked.evil.example'])
      expect(await told(host)).toMatchObject({
        alert: { action: 'allowed' },
        portcullis: { enforced: false, mode: 'monitoring' },
      });
  }, 90_000);
});
