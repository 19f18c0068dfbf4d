/** What is tried to exhaust the engine: each attack, how large it is, and what has to be seen of it. */
import type { StatusAnswer } from '@portcullis/control';
import type { ConversationPacket } from '@portcullis/testkit';
import {
  alerts,
  bomb,
  get,
  halfOpen,
  headerFlood,
  hoarding,
  idle,
  post,
  slowRequest,
  syn,
  tinyWindows,
} from './conversations';
import type { CrowdOptions } from './many-clients';

/** Requests that rules tell of, and those that get the sender banned. */
export const TOLD_PATH = '/exhaustion-told';
export const BANNED_PATH = '/exhaustion-banned';

/** Rules that the attacks of this page are aimed at. */
export const targetRules = [
  `alert http any any -> any 80 (msg:"told"; flow:established,to_server; http.uri; content:"${TOLD_PATH}"; sid:1000010;)`,
  `drop http any any -> any 80 (msg:"banned"; flow:established,to_server; http.uri; content:"${BANNED_PATH}"; classtype:web-application-attack; sid:1000011;)`,
  'alert http any any -> any 80 (msg:"backtracks"; flow:to_server; http.request_body; content:"aaaa"; pcre:"/(?:[a-z]+\\.)*[0-9]/"; sid:1000012;)',
  'alert http any any -> any 80 (msg:"backtracks"; flow:to_server; http.request_body; content:"aaaa"; pcre:"/^(a+)+$/"; sid:1000013;)',
  'alert tcp any any -> any 80 (msg:"zeros"; flow:to_server; content:"|00 00 00 00|"; content:"|00 00 00 01|"; distance:0; sid:1000014;)',
  'alert tcp any any -> any 80 (msg:"repeats"; flow:to_server; content:"aaaa"; content:"aaaaaaaaaaaaaaab"; distance:0; sid:1000015;)',
  'alert tcp any any -> any 80 (msg:"nearly"; flow:to_server; content:"near-match-1"; content:"near-match-2"; distance:1; content:"near-match-3"; distance:1; sid:1000016;)',
].join('\n');

interface Counted {
  readonly as: string;
  of(status: StatusAnswer): number;
  /** What has to be full before; absent: nothing, rules tell of the attack however small it is. */
  readonly limit?: 'flows' | 'heldBytes' | 'parserBytes';
}

export interface Attack {
  readonly name: string;
  readonly packets: readonly ConversationPacket[];
  /** In `npm test`, and in the long form. */
  readonly short: CrowdOptions;
  readonly long: CrowdOptions;
  /** What has to grow for the attack to have been one; absent: nothing has to give. */
  readonly counted?: Counted;
  /** Nobody may be banned for it, or no more than the configuration allows. Absent: it is no matter. */
  readonly bans?: 'none' | 'limited';
}

const addresses = 4096;
/** The queue was full, and its exception policy (`nfqueue.fail-open`) decided; or the flow table was, and others went. */
const overwhelmed: Counted = {
  limit: 'flows',
  as: 'flows evicted and packets past a full queue',
  of: ({ flows_evicted, packets }: StatusAnswer) => flows_evicted + packets.uninspected,
};
/** As many that speak as the table holds: those that come then are the policy's. */
const evictedOrNot: Counted = {
  limit: 'flows',
  as: 'flows evicted or without a place, and packets past a full queue',
  of: (status: StatusAnswer) => {
    const { passed, dropped } = status.exceptions['flow-table'];
    return overwhelmed.of(status) + passed + dropped;
  },
};
const memcap: Counted = {
  limit: 'heldBytes',
  as: 'memcap exceptions',
  of: ({ exceptions }: StatusAnswer) => exceptions.memcap.passed + exceptions.memcap.dropped,
};
const parsers: Counted = {
  limit: 'parserBytes',
  as: 'parsers that gave way',
  of: ({ exceptions: { 'app-layer-memcap': row } }: StatusAnswer) => row.passed + row.dropped,
};
const stopped: Counted = { as: 'attacks stopped', of: ({ alerts: { blocked } }: StatusAnswer) => blocked };
const told: Counted = { as: 'alerts', of: ({ alerts: { allowed } }: StatusAnswer) => allowed };

/** One connection a second: what is seen beside it is what inspection costs good clients by itself, on this machine. */
export const noAttack: Attack = {
  name: 'no attack',
  packets: idle({ clientPort: 20_500 }),
  short: { flows: 1 },
  long: { flows: 3, rate: 1 },
};

/** @param server the address of a server that answers */
export function attacks(server: string): readonly Attack[] {
  return [
    {
      name: 'SYN flood from forged addresses',
      packets: syn({ server }),
      short: { flows: 40_000, addresses: 1 << 16 },
      long: { flows: 1 << 20, addresses: 1 << 20, rate: 30_000 },
      counted: overwhelmed,
    },
    {
      name: 'half-open flows',
      packets: halfOpen({ clientPort: 21_000 }),
      short: { flows: 20_000, addresses },
      long: { flows: 1_000_000, addresses: 1 << 16, rate: 30_000 },
      counted: overwhelmed,
    },
    {
      name: 'half-open flows over IPv6',
      packets: halfOpen({ family: 6, clientPort: 21_500 }),
      short: { flows: 20_000, addresses },
      long: { flows: 1_000_000, addresses: 1 << 16, rate: 30_000 },
      counted: overwhelmed,
    },
    {
      name: 'idle flows',
      packets: idle({ clientPort: 22_000 }),
      short: { flows: 20_000, addresses },
      long: { flows: 1_000_000, addresses: 1 << 16, rate: 30_000 },
      counted: evictedOrNot,
    },
    {
      name: 'out-of-order hoarding',
      packets: hoarding(8, { clientPort: 23_000 }),
      short: { flows: 2000, addresses },
      long: { flows: 200_000, addresses: 1 << 14, rate: 20_000 },
      counted: memcap,
    },
    {
      name: 'tiny windows',
      packets: tinyWindows({ clientPort: 24_000 }),
      short: { flows: 100, addresses },
      long: { flows: 10_000, addresses, rate: 20_000 },
    },
    {
      name: 'slow senders',
      packets: slowRequest(6, 1000, { clientPort: 25_000 }),
      // No more together than a full table lets be half-open, and no faster than a slow machine inspects them.
      short: { flows: 800, together: 800, addresses, rate: 5000 },
      long: { flows: 100_000, together: 100_000, addresses: 1 << 14, rate: 20_000 },
      counted: parsers,
    },
    {
      name: 'decompression bombs',
      packets: bomb({ clientPort: 26_000 }),
      short: { flows: 200, addresses },
      long: { flows: 10_000, addresses, rate: 5000 },
    },
    {
      name: 'header and parameter floods',
      packets: headerFlood({ clientPort: 27_000 }),
      short: { flows: 60, addresses },
      long: { flows: 5000, addresses, rate: 5000 },
    },
    {
      name: 'regular expressions that backtrack',
      packets: post(`${'a'.repeat(50_000)}!`, { clientPort: 28_000 }),
      short: { flows: 20, addresses },
      long: { flows: 2000, addresses, rate: 2000 },
    },
    {
      name: 'zeros',
      packets: post(Buffer.alloc(50_000), { clientPort: 29_000 }),
      short: { flows: 60, addresses },
      long: { flows: 5000, addresses, rate: 5000 },
    },
    {
      name: 'repeated pattern bytes',
      packets: post('a'.repeat(15).concat('c').repeat(3000), { clientPort: 30_000 }),
      short: { flows: 60, addresses },
      long: { flows: 5000, addresses, rate: 5000 },
    },
    {
      name: 'near-matches',
      packets: post('near-match-1 near-match-2 '.repeat(1900), { clientPort: 31_000 }),
      short: { flows: 60, addresses },
      long: { flows: 5000, addresses, rate: 5000 },
    },
    {
      name: 'alert flood',
      packets: alerts(TOLD_PATH, { clientPort: 32_000 }),
      short: { flows: 20, addresses },
      long: { flows: 2000, addresses, rate: 2000 },
      counted: told,
    },
    {
      name: 'attacks from forged addresses',
      // The answers go to others: nothing of the connection is acknowledged rightly.
      packets: get(BANNED_PATH, { clientPort: 33_000 }).filter(({ from }) => from === 'client'),
      short: { flows: 1000, addresses },
      long: { flows: 100_000, addresses: 1 << 17, rate: 10_000 },
      counted: stopped,
      bans: 'none',
    },
    {
      name: 'attacks from very many addresses',
      // Up to the request, which does not arrive. No more together than a full table lets be half-open.
      packets: get(BANNED_PATH, { clientPort: 34_000 }).slice(0, 4),
      short: { flows: 400, together: 200, addresses, patience: 1000 },
      long: { flows: 100_000, together: 4096, addresses: 1 << 17, rate: 10_000, patience: 1000 },
      counted: stopped,
      bans: 'limited',
    },
  ];
}
