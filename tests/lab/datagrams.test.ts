/** What comes without a handshake: attacks over UDP and ICMP are stopped and told, and ban nobody. */
import { Lab, type LabUdpServer, waitUntil } from '@portcullis/testkit';
import { describeLab, LabEngine } from './engine';

const DNS_PORT = 53;
const rules = `drop dns any any -> any any (msg:"query for a dangerous name"; dns.query; content:"dangerous.example"; classtype:trojan-activity; sid:1000030; rev:1;)
drop icmp any any -> any any (msg:"dangerous echo"; itype:8; content:"evilevil"; sid:1000031; rev:1;)
drop icmp any any -> any any (msg:"dangerous echo over IPv6"; itype:128; content:"evilevil"; sid:1000032; rev:1;)
`;

/** A query for an address (RFC 1035 section 4.1). */
function query(name: string): Buffer {
  const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
  return Buffer.from([0x12, 0x34, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
}

describeLab('an attack without a handshake', () => {
  let lab: Lab;
  let server: LabUdpServer;
  let engine: LabEngine;
  beforeAll(async () => {
    lab = new Lab('pcud');
    server = await lab.udpServer('server', DNS_PORT);
    engine = await new LabEngine(lab, { rules }).start();
  }, 60_000);
  afterAll(async () => {
    if (engine?.process?.running) await engine.stop();
    lab?.destroy();
    engine?.remove();
  });

  const refusedAlert = (sid: number, address: string) =>
    waitUntil(
      () =>
        engine
          .events('alert')
          .find((record) => record.alert?.signature_id === sid && record.src_ip === address),
      { what: `the alert of rule ${sid}` },
    );

  describe.each([4, 6] as const)('over IPv%d', (family) => {
    const ask = (name: string, timeout = 1500) =>
      lab.udpRequest('attacker', {
        host: lab.target(family),
        port: DNS_PORT,
        payload: query(name),
        timeout,
      });

    test('by DNS is dropped and told', async () => {
      expect(await ask(`ordinary-${family}.example`)).not.toBeNull();
      expect(await ask(`very.dangerous.example`, 700)).toBeNull();
      const received = (await server.received()).map((bytes) => Buffer.from(bytes).toString('latin1'));
      expect(received.some((text) => text.includes(`ordinary-${family}`))).toBe(true);
      expect(received.some((text) => text.includes('dangerous'))).toBe(false);
      const address = lab.address('attacker', family);
      expect(await refusedAlert(1000030, address)).toMatchObject({
        proto: 'UDP',
        app_proto: 'dns',
        alert: { action: 'blocked' },
        portcullis: { enforced: true, ban: { refused: expect.stringMatching(/handshake/) } },
      });
      // Neither the device nor its flow is cut off.
      expect(await ask(`ordinary-again-${family}.example`)).not.toBeNull();
      expect(await engine.bans()).toEqual([]);
    }, 20_000);

    test('by an echo request is dropped and told', async () => {
      const ping = (pattern: string) =>
        lab.exec('attacker', ['ping', `-${family}`, '-c', '1', '-W', '1', '-p', pattern, lab.target(family)]);
      expect((await ping('00')).code).toBe(0);
      expect((await ping(Buffer.from('evil').toString('hex'))).code).not.toBe(0);
      const alert = await refusedAlert(family === 4 ? 1000031 : 1000032, lab.address('attacker', family));
      expect(alert).toMatchObject({
        alert: { action: 'blocked' },
        portcullis: { ban: { refused: expect.stringMatching(/handshake/) } },
      });
      expect(await engine.bans()).toEqual([]);
      expect((await ping('00')).code).toBe(0);
    }, 20_000);

    test('bans where that is configured', async () => {
      await engine.set('ban-without-handshake=true');
      expect(await ask(`very.dangerous.example`, 700)).toBeNull();
      const address = lab.address('attacker', family);
      await waitUntil(async () => (await engine.bans()).includes(address), { what: 'the ban' });
      expect(await ask(`ordinary-${family}.example`, 700)).toBeNull();
      await engine.unset('ban-without-handshake');
      await engine.letAllIn();
    });
  });
});
