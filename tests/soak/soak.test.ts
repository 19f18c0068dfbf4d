/**
 * Mixed load with reloads, bans and attacks for a while: memory does not grow, nothing is lost without a reason, and the
 * engine's counters, the kernel's and those of both ends agree. Half a minute; PORTCULLIS_SOAK says how many seconds instead
 * ('npm run test:soak': 300), PORTCULLIS_LONG=1 two hours.
 */
import { Lab, waitUntil } from '@portcullis/testkit';
import { ATTACK_PATH, attackRules, describeLab, LabEngine } from '../lab/engine';
import { getLocally } from '../ops/prometheus-tools';
import { Load } from './load';
import { growth, residentMemory, tenths } from './memory';

const LONG = process.env.PORTCULLIS_LONG === '1';
const SECONDS = Number(process.env.PORTCULLIS_SOAK) || (LONG ? 7200 : 25);
/** A process that has just started still grows into its caches: what a short run may show. */
const MOST_GROWTH = SECONDS >= 300 ? 0.02 : 0.15;
const WEB = 80;
const ECHO = 7777;
const METRICS = 9199;
/** Attackers: each is banned for a minute, the least there is, and comes again then. */
const SOURCES = Array.from({ length: 250 }, (_, index) => `10.77.1.${3 + index}`);
const ATTACK_PAUSE = 300;

/** A request of an honest client, in what the server has got. */
const REQUEST = /(GET|POST) \/(page|kept)\//g;
/** Beside the one against attacks: one that has datagrams inspected too. */
const RULES = `${attackRules}drop udp any any -> any any (msg:"never sent"; content:"never-sent"; sid:1000002; rev:1;)\n`;

interface Metric {
  readonly name: string;
  readonly labels: string;
  readonly value: number;
}

describeLab('soak', () => {
  let lab: Lab;
  let engine: LabEngine;
  afterEach(() => {
    lab?.destroy();
    engine?.remove();
  });

  async function metrics(): Promise<Metric[]> {
    const page = await waitUntil(() => getLocally(lab, METRICS, '/metrics'), {
      timeout: 30_000,
      what: 'metrics',
    });
    return page.split('\n').flatMap((line) => {
      const match = /^portcullis_(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
      return match ? [{ name: match[1] as string, labels: match[2] ?? '', value: Number(match[3]) }] : [];
    });
  }

  /** Lines of the kernel's list: queue, owner, waiting, mode, range, dropped by the queue, by the socket, last number. */
  async function kernelQueues() {
    const text = await lab.run('gateway', ['cat', '/proc/net/netfilter/nfnetlink_queue']);
    return text
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .map((fields) => ({
        waiting: fields[2] ?? 0,
        queueDropped: fields[5] ?? 0,
        socketDropped: fields[6] ?? 0,
        last: fields[7] ?? 0,
      }));
  }

  test(
    `${SECONDS} seconds of mixed load`,
    async () => {
      lab = new Lab('pcsoak', { bystander: true });
      const server = await lab.httpServer('server', WEB);
      await lab.udpServer('server', ECHO);
      await lab.run('attacker', ['ip', '-batch', '-'], {
        input: SOURCES.map(
          (source) => `addr add ${source}/24 dev eth0
`,
        ).join(''),
      });
      engine = await new LabEngine(lab, {
        rules: RULES,
        settings: {
          'metrics.listen': `127.0.0.1:${METRICS}`,
          'block-duration': '1m',
          'nfqueue.fail-open': 'false',
          'max-bans-per-minute': '100000',
        },
      }).start();
      const pid = engine.process.pid as number;
      const load = new Load(lab, { web: WEB, echo: ECHO });
      const { counts, problems } = load;

      const memory: number[] = [];
      const received = { requests: 0, attacks: 0 };
      const drain = async () => {
        for (const { bytes } of await server.takeEnded()) {
          const text = Buffer.from(bytes).toString('latin1');
          received.requests += text.match(REQUEST)?.length ?? 0;
          received.attacks += Number(text.includes(ATTACK_PATH));
        }
      };
      const deadline = Date.now() + SECONDS * 1000;
      const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
      const work = [
        load.repeat((turn) => load.request(turn)),
        load.repeat((turn) => load.request(turn + 1)),
        load.repeat((turn) => load.keepAlive(turn)),
        load.repeat((turn) => load.datagram(turn)),
        load.repeat(async (turn) => {
          await load.attack(`${ATTACK_PATH}/${turn}`, SOURCES[turn % SOURCES.length] as string);
          await pause(ATTACK_PAUSE);
        }),
        load.repeat(async () => {
          const { code, stderr } = await engine.ask('reload');
          if (code === 0) counts.reloads++;
          else problems.push(`reload: ${stderr}`);
          await pause(Math.min(30_000, SECONDS * 150));
        }),
        load.repeat(async (turn) => {
          const address = `198.51.100.${turn % 250}`;
          for (const command of [
            ['add', address, '--for', '1h'],
            ['remove', address],
          ]) {
            const { code, stderr } = await engine.ask('bans', ...command);
            if (code === 0) counts.bansByHand++;
            else problems.push(`bans ${command.join(' ')}: ${stderr}`);
          }
          await pause(Math.min(10_000, SECONDS * 100));
        }),
        load.repeat(async () => {
          memory.push(residentMemory(pid));
          await drain();
          if (Date.now() >= deadline) load.end();
          await pause(500);
        }),
      ];
      await Promise.all(work);

      // All that is on its way arrives; then the counters stand still.
      await waitUntil(async () => (await kernelQueues()).every(({ waiting }) => waiting === 0), {
        timeout: 10_000,
        what: 'empty queues',
      });
      await drain();
      const left = (await server.connections()).map(({ bytes }) => Buffer.from(bytes).toString('latin1'));
      received.requests += left.join('\n').match(REQUEST)?.length ?? 0;
      received.attacks += left.filter((text) => text.includes(ATTACK_PATH)).length;
      const page = await metrics();
      const status = await engine.status();
      const queues = await kernelQueues();
      const value = (name: string, label = '') =>
        page
          .filter((metric) => metric.name === name && metric.labels.includes(label))
          .reduce((sum, each) => sum + each.value, 0);
      const drops = page.filter((metric) => metric.name === 'drops_total' && metric.value > 0);
      const bans = engine.events('ban').filter(({ ban }) => ban?.action === 'added');
      const grown = growth(memory);
      process.stdout.write(
        [
          `soak of ${SECONDS} s: ${JSON.stringify(counts)}`,
          `memory by tenths ${tenths(memory).map((bytes) => (bytes / 2 ** 20).toFixed(1))} MiB, growth after warm-up ${(grown * 100).toFixed(2)} %`,
          `incidents ${value('incidents_total')}`,
          `packets received ${status.packets.received}, by the kernel ${queues.reduce((sum, { last }) => sum + last, 0)}`,
          `drops ${drops.map(({ labels, value: many }) => `${labels} ${many}`).join(', ')}; bans ${bans.length}`,
          '',
        ].join('\n'),
      );
      expect(problems).toEqual([]);
      expect({ ...received, answered: counts.answered, echoed: counts.echoed }).toEqual({
        requests: counts.requests,
        attacks: 0,
        answered: counts.requests,
        echoed: counts.datagrams,
      });
      // Every attack that could begin was seen, and nothing else was dropped than what belongs to one, and what no receiver
      // takes: a segment that its own retransmission has overtaken (RFC 7323 section 5.3).
      expect(status.alerts.blocked).toBe(counts.attacks);
      expect(
        drops
          .map(({ labels }) => labels)
          .filter((labels) => !/reason="(rules|flow-blocked|blocked-source|stream-paws)"/.test(labels)),
      ).toEqual([]);
      expect(
        queues
          .map(({ queueDropped, socketDropped }) => queueDropped + socketDropped)
          .every((many) => many === 0),
      ).toBe(true);
      expect(value('queue_kernel_dropped_total')).toBe(0);
      expect(value('events_lost_total')).toBe(0);
      expect(value('incidents_total')).toBe(0);
      expect(queues.reduce((sum, { last }) => sum + last, 0)).toBe(status.packets.received);
      expect(value('packets_queued_total')).toBe(status.packets.received);
      expect(status.packets.uninspected).toBe(0);
      expect(bans.length).toBeGreaterThan(0);
      expect(counts.reloads).toBeGreaterThan(1);
      expect(grown).toBeLessThan(MOST_GROWTH);
    },
    (SECONDS + 120) * 1000,
  );
});
