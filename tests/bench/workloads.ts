/** Traffic from the attacker's namespace to the server's, and what it measured. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '@portcullis/testkit';
import type { ModeName, WorkloadName } from './options';
import { PAYLOAD_BYTES, type PayloadName } from './payloads';
import { HTTP_PORT, type Site, UPLOAD_PATH } from './site';

/** What one measurement gave. */
export interface Sample {
  /** Gbit/s, or requests/s. */
  rate: number;
  /** Transferred in all: gigabytes, or thousands of requests. */
  amount: number;
  /** Milliseconds from request to answer; absent for bulk. */
  p50?: number;
  p99?: number;
  /** Requests that failed; for bulk, measurements that had to be repeated. */
  errors: number;
}

export interface Workload {
  name: WorkloadName;
  title: string;
  rateUnit: 'Gbit/s' | 'req/s';
  /** What processor time is given per. */
  amountUnit: 'GB' | '1 000 req';
  /** Where there is no need to measure it in all modes. */
  modes?: readonly ModeName[];
  /** @param full requests per second of the engine under full load; for a part of it */
  run(site: Site, seconds: number, full?: number): Promise<Sample>;
}

const CONNECTIONS = 32;
/** With pauses between requests: so many that a pause is long against the clock's milliseconds. */
const PAUSING_CONNECTIONS = 128;
const PAYLOAD_CONNECTIONS = 4;
/** Of the time between two requests of a connection what is no pause, about: the answer, and the next tick of the clock. */
const OWN_MILLISECONDS = 1;
const CLOSE = 'Connection: close';
/** Beyond its own time a measurement may take so long, before it counts as stuck. */
const GRACE_MILLISECONDS = 15_000;

export const workloads: Readonly<Record<WorkloadName, Workload>> = {
  bulk1: {
    name: 'bulk1',
    title: 'bulk TCP, 1 connection',
    rateUnit: 'Gbit/s',
    amountUnit: 'GB',
    run: ({ lab }, seconds) => bulk(lab, seconds, 1),
  },
  bulk4: {
    name: 'bulk4',
    title: 'bulk TCP, 4 connections',
    rateUnit: 'Gbit/s',
    amountUnit: 'GB',
    run: ({ lab }, seconds) => bulk(lab, seconds, 4),
  },
  keepalive: {
    name: 'keepalive',
    title: `HTTP, ${CONNECTIONS} keep-alive connections`,
    rateUnit: 'req/s',
    amountUnit: '1 000 req',
    run: ({ lab }, seconds) => http(lab, seconds, [], '/'),
  },
  half: {
    name: 'half',
    title: `HTTP, ${PAUSING_CONNECTIONS} keep-alive connections, half of what the engine can do`,
    rateUnit: 'req/s',
    amountUnit: '1 000 req',
    modes: ['none', 'limit', 'engine', 'engine-offload'],
    run: (site, seconds, full = Number.NaN) => paced(site, seconds, full / 2),
  },
  connections: {
    name: 'connections',
    title: `HTTP, a new connection per request, ${CONNECTIONS} at a time`,
    rateUnit: 'req/s',
    amountUnit: '1 000 req',
    run: ({ lab }, seconds) => http(lab, seconds, ['-H', CLOSE], '/'),
  },
  text: upload('text', 'English words'),
  zeros: upload('zeros', 'zeros'),
  near: upload('near', 'contents of rules but for their last letter'),
};

function upload(name: PayloadName, what: string): Workload {
  return {
    name,
    title: `bodies of ${PAYLOAD_BYTES / 1024} KiB sent by the client, a connection each: ${what}`,
    rateUnit: 'Gbit/s',
    amountUnit: 'GB',
    modes: ['engine'],
    async run(site, seconds) {
      const script = join(site.folder, `${name}.lua`);
      writeFileSync(
        script,
        `wrk.method = 'POST'\nwrk.body = io.open('${site.payload(name)}', 'rb'):read('*a')\n`,
      );
      const argv = ['-s', script, '-H', CLOSE];
      const sample = await http(site.lab, seconds, argv, UPLOAD_PATH, PAYLOAD_CONNECTIONS);
      return {
        rate: (sample.rate * PAYLOAD_BYTES * 8) / 1e9,
        amount: (sample.amount * 1000 * PAYLOAD_BYTES) / 1e9,
        errors: sample.errors,
      };
    },
  };
}

/** Requests at a given rate, as nearly as pauses in whole milliseconds allow. */
function paced({ lab, folder }: Site, seconds: number, rate: number): Promise<Sample> {
  const pause = (PAUSING_CONNECTIONS / rate) * 1000 - OWN_MILLISECONDS;
  const script = join(folder, 'paced.lua');
  // A pause with a fraction: sometimes the one, sometimes the other number of milliseconds.
  writeFileSync(
    script,
    `function delay() return math.floor(${Math.max(pause, 0).toFixed(3)} + math.random()) end\n`,
  );
  return http(lab, seconds, ['-s', script], '/', PAUSING_CONNECTIONS);
}

async function bulk(lab: Lab, seconds: number, connections: number): Promise<Sample> {
  const argv = [
    'iperf3',
    '-c',
    lab.address('server', 4),
    '-t',
    String(seconds),
    '-P',
    String(connections),
    '-J',
  ];
  for (let errors = 0; ; errors++) {
    const { stdout, stderr } = await lab.exec('attacker', argv, {
      timeout: seconds * 1000 + GRACE_MILLISECONDS,
    });
    try {
      return { ...readIperf(stdout || stderr), errors };
    } catch (error) {
      // A lost control connection is told in the table; a second time in a row there is something wrong.
      if (errors > 0) throw error;
    }
  }
}

async function http(
  lab: Lab,
  seconds: number,
  more: readonly string[],
  path: string,
  connections = CONNECTIONS,
): Promise<Sample> {
  const url = `http://${lab.address('server', 4)}:${HTTP_PORT}${path}`;
  const argv = ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency', ...more, url];
  return readWrk(await lab.run('attacker', argv, { timeout: seconds * 1000 + GRACE_MILLISECONDS }));
}

/** Reads what `iperf3 -J` printed. */
export function readIperf(text: string): Sample {
  let received: { bits_per_second?: number; bytes?: number } | undefined;
  try {
    received = JSON.parse(text)?.end?.sum_received;
  } catch {
    // Said below.
  }
  if (typeof received?.bits_per_second !== 'number' || typeof received.bytes !== 'number')
    throw new Error(`iperf3 said: ${text.slice(0, 500)}`);
  return { rate: received.bits_per_second / 1e9, amount: received.bytes / 1e9, errors: 0 };
}

const milliseconds: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

/** Reads what `wrk --latency` printed. */
export function readWrk(text: string): Sample {
  const latency = (share: number) => {
    const found = new RegExp(`^ +${share}% +([0-9.]+)(us|ms|s|m)$`, 'm').exec(text);
    return found ? Number(found[1]) * (milliseconds[found[2] as string] as number) : Number.NaN;
  };
  const rate = /^Requests\/sec: +([0-9.]+)/m.exec(text);
  const requests = /^ +([0-9]+) requests in /m.exec(text);
  if (!rate || !requests) throw new Error(`wrk said: ${text.slice(0, 500)}`);
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const wrongAnswers = /Non-2xx or 3xx responses: (\d+)/.exec(text);
  const failures = [...(socketErrors?.slice(1) ?? []), ...(wrongAnswers?.slice(1) ?? [])].map(Number);
  return {
    rate: Number(rate[1]),
    amount: Number(requests[1]) / 1000,
    p50: latency(50),
    p99: latency(99),
    errors: failures.reduce((sum, count) => sum + count, 0),
  };
}
