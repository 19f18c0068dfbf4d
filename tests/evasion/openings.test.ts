/**
 * Connections that do not begin with SYN, SYN-ACK and ACK and nothing in them: data in the SYN that the server takes (TCP Fast
 * Open, RFC 7413), data in the SYN-ACK, both sides at once; and attacks on a victim that connected itself.
 */
import { type LabConnection, SeededRandom, waitUntil } from '@portcullis/testkit';
import { TcpFlag } from '@portcullis/wire';
import { describeLab } from '../lab/engine';
import { type Attempt, LONG, run } from './campaign';
import type { Plan, Step } from './plan';
import type { Opening } from './raw-peer';
import { ATTACK, deliver, HARMLESS, type Outcome, planOf, type Way } from './trial';
import { CUTS, combination, noise, TRICKS, type Trick } from './tricks';
import { Ways } from './ways';

/** Of the server; a victim that connects does so from the next one. */
const PORT = 7001;
const RULES = `drop tcp any any -> any any (msg:"evasion"; flow:established; content:"${ATTACK}"; sid:1; rev:1;)\n`;
const COMBINATIONS = Number(process.env.PORTCULLIS_RUNS) || (LONG ? 5000 : 10);
/** Milliseconds until the application has what it is going to get. */
const DELIVERY_TIME = 1000;

const honest = (name: string, apply: Trick['apply']): Trick => ({ name, conflicting: false, apply });
const deceiving = (name: string, apply: Trick['apply']): Trick => ({ name, conflicting: true, apply });

/** The first bytes of the stream go with the SYN. */
function inSyn(
  name: string,
  length: (plan: Plan, random: SeededRandom) => number,
  rest: 'all again' | 'the rest',
): Trick {
  return honest(`Fast Open, ${name} in the SYN, then ${rest}`, (plan, random) => {
    const count = length(plan, random);
    const from = rest === 'all again' ? 0 : count;
    const step: Step = { at: from, bytes: plan.stream.subarray(from) };
    return {
      ...plan,
      synData: plan.stream.subarray(0, count),
      steps: from < plan.stream.length ? [step] : [],
    };
  });
}

const IN_SYN: readonly Trick[] = [
  inSyn('one byte', () => 1, 'the rest'),
  inSyn('half', (plan) => plan.stream.length >> 1, 'the rest'),
  inSyn('some', (plan, random) => random.between(1, plan.stream.length - 1), 'the rest'),
  inSyn('everything', (plan) => plan.stream.length, 'the rest'),
  inSyn('some', (plan, random) => random.between(1, plan.stream.length), 'all again'),
  deceiving('Fast Open, others follow for the bytes in the SYN', (plan, random) => {
    const count = random.between(1, plan.stream.length);
    const others = Buffer.concat([noise(random, count), plan.stream.subarray(count)]);
    return { ...plan, synData: plan.stream.subarray(0, count), steps: [{ at: 0, bytes: others }] };
  }),
];

/** A client takes no data from a SYN-ACK: what is there does not count. */
const IN_SYN_ACK: readonly Trick[] = [
  honest('no data in the SYN-ACK', (plan) => plan),
  honest('its own first bytes in the SYN-ACK', (plan, random) => ({
    ...plan,
    synData: plan.stream.subarray(0, random.between(1, plan.stream.length)),
  })),
  deceiving('a second SYN-ACK of another number', (plan, random) => ({
    ...plan,
    steps: [
      {
        at: random.between(-200, 200),
        bytes: new Uint8Array(0),
        flags: TcpFlag.SYN | TcpFlag.ACK,
        decoy: true,
      },
      ...plan.steps,
    ],
  })),
  deceiving('other bytes in the SYN-ACK', (plan, random) => ({
    ...plan,
    synData: noise(random, random.between(1, 40)),
  })),
];

/** What reaches a victim that connects. */
async function receive(
  way: Way,
  port: number,
  plan: Plan,
  random: SeededRandom,
  opening: Opening,
  time: number,
) {
  const playing = way.peers.play(port, plan, random, opening);
  const connection = await way.lab
    .connect('server', { host: way.peers.sourceOf(port), port, localPort: PORT + 1, timeout: 3000 })
    .catch((): LabConnection | null => null);
  await playing;
  if (connection === null) return Buffer.alloc(0);
  const received = async () => Buffer.from((await connection.state()).received);
  await waitUntil(async () => (await received()).length >= plan.stream.length || undefined, {
    timeout: time,
    what: 'all bytes',
  }).catch(() => {});
  const bytes = await received();
  await connection.reset();
  return bytes;
}

interface Pair {
  readonly plain: Way;
  readonly engine: Way;
}
type Delivery = (way: Way, port: number, plan: Plan, random: SeededRandom, time: number) => Promise<Buffer>;

async function attempt(
  pair: Pair,
  tricks: readonly Trick[],
  port: number,
  seed: number,
  time: number,
  deliverTo: Delivery,
): Promise<Outcome> {
  const plan = (text: string) => {
    const random = new SeededRandom(seed);
    const [before, after] = [noise(random, random.below(12)), noise(random, random.below(12))];
    return planOf(text, tricks, before, after, random.next(), random);
  };
  const send = (way: Way, from: number, what: Plan) =>
    deliverTo(way, from, what, new SeededRandom(seed), time);
  const attack = plan(ATTACK);
  const [without, withEngine] = await Promise.all([
    send(pair.plain, port, attack),
    send(pair.engine, port, attack),
  ]);
  const outcome = { works: without.includes(ATTACK), evaded: withEngine.includes(ATTACK) };
  if (tricks.some((trick) => trick.conflicting)) return { ...outcome, broken: false, compared: false };
  const harmless = plan(HARMLESS);
  const [plain, inspected] = await Promise.all([
    send(pair.plain, port + 1, harmless),
    send(pair.engine, port + 1, harmless),
  ]);
  const whole = (bytes: Buffer) => bytes.equals(harmless.stream);
  return { ...outcome, broken: whole(plain) && !whole(inspected), compared: whole(plain) };
}

describeLab('evasion by how a connection begins', () => {
  const ways = new Ways();
  afterEach(() => ways.close(), 20_000);

  async function campaign(
    title: string,
    pair: Pair,
    alone: readonly (readonly Trick[])[],
    together: (random: SeededRandom) => readonly Trick[],
    deliverTo: Delivery,
  ): Promise<void> {
    const trial = (row: string, tricks: readonly Trick[], seed: number): Attempt => ({
      row,
      said: `${tricks.map((trick) => trick.name).join(' + ')} (seed ${seed})`,
      convicts: false,
      run: (port, time = DELIVERY_TIME) => attempt(pair, tricks, port, seed, time, deliverTo),
    });
    const { tallies, failures } = await run({
      title,
      ways,
      combinations: COMBINATIONS,
      alone: (seed) => {
        const random = new SeededRandom(seed);
        return alone.map((tricks) =>
          trial(tricks.map(({ name }) => name).join(' + '), tricks, random.next()),
        );
      },
      together: (seed) => trial('(several together)', together(new SeededRandom(seed)), seed),
    });
    expect(failures).toEqual([]);
    expect(tallies.sum('works')).toBeGreaterThan(tallies.sum('tried') / 2);
  }

  test.each([4, 6] as const)(
    'over IPv%d: data in the SYN where the server takes it, and victims that connect themselves',
    async (family) => {
      const pair = await ways.pair({ family, kind: 'sink', port: PORT, rules: RULES, fastOpen: true });
      await campaign(
        `Fast Open over IPv${family}`,
        pair,
        IN_SYN.map((trick) => [trick]),
        (random) => [random.pick(IN_SYN), ...combination(random)],
        deliver,
      );
      await campaign(
        `victim connects over IPv${family}`,
        pair,
        [...IN_SYN_ACK, ...TRICKS.filter((_, index) => LONG || index % 8 === family)].map((trick) => [trick]),
        (random) => [random.pick(IN_SYN_ACK), ...combination(random)],
        (way, port, plan, random, time) => receive(way, port, plan, random, 'passive', time),
      );
      await campaign(
        `both connect over IPv${family}`,
        pair,
        CUTS.map((trick) => [trick]),
        combination,
        (way, port, plan, random, time) => receive(way, port, plan, random, 'simultaneous', time),
      );
    },
    LONG ? 6 * 3600_000 : 120_000,
  );

  test('a client of the kernel with Fast Open', async () => {
    const { lab, server } = await ways.open({
      family: 4,
      kind: 'web',
      port: PORT,
      rules: RULES,
      fastOpen: true,
    });
    const get = (word: string) =>
      lab.exec('attacker', [
        ...['curl', '--silent', '--tcp-fastopen', '--max-time', '2', '--write-out', '%{http_code}'],
        `http://${lab.address('server', 4)}:${PORT}/${word}`,
      ]);
    expect((await get(HARMLESS)).stdout).toContain('200');
    await get(ATTACK);
    expect((await get(`${HARMLESS}-again`)).stdout).toContain('200');
    const read = (await server.connections())
      .flatMap(({ readings }) => readings.map(({ text }) => text))
      .join('\n');
    expect(read).toContain(`${HARMLESS}-again`);
    expect(read).not.toContain(ATTACK);
    const counters = await lab.run('server', ['cat', '/proc/net/netstat']);
    const [names, values] = counters
      .split('\n')
      .filter((line) => line.startsWith('TcpExt:'))
      .map((line) => line.split(' '));
    expect(Number(values?.[names?.indexOf('TCPFastOpenPassive') ?? -1])).toBeGreaterThan(0);
  });
});
