/** Traffic from the attacker's namespace to the server's, and what it measured. */
import type { Lab } from '@portcullis/testkit';
import type { WorkloadName } from './options';
import { HTTP_PORT } from './site';

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
  run(lab: Lab, seconds: number): Promise<Sample>;
}

const CONNECTIONS = 32;
/** Beyond its own time a measurement may take so long, before it counts as stuck. */
const GRACE_MILLISECONDS = 15_000;

export const workloads: Readonly<Record<WorkloadName, Workload>> = {
  bulk1: {
    name: 'bulk1',
    title: 'bulk TCP, 1 connection',
    rateUnit: 'Gbit/s',
    amountUnit: 'GB',
    run: (lab, seconds) => bulk(lab, seconds, 1),
  },
  bulk4: {
    name: 'bulk4',
    title: 'bulk TCP, 4 connections',
    rateUnit: 'Gbit/s',
    amountUnit: 'GB',
    run: (lab, seconds) => bulk(lab, seconds, 4),
  },
  keepalive: {
    name: 'keepalive',
    title: `HTTP, ${CONNECTIONS} keep-alive connections`,
    rateUnit: 'req/s',
    amountUnit: '1 000 req',
    run: (lab, seconds) => http(lab, seconds, []),
  },
  connections: {
    name: 'connections',
    title: `HTTP, a new connection per request, ${CONNECTIONS} at a time`,
    rateUnit: 'req/s',
    amountUnit: '1 000 req',
    run: (lab, seconds) => http(lab, seconds, ['-H', 'Connection: close']),
  },
};

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

async function http(lab: Lab, seconds: number, more: readonly string[]): Promise<Sample> {
  const url = `http://${lab.address('server', 4)}:${HTTP_PORT}/`;
  const argv = ['wrk', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--latency', ...more, url];
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
