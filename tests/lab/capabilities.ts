import { readdirSync, readFileSync } from 'node:fs';
import type { LabEngine } from './engine';

/** Numbers of linux/capability.h. */
export const Capability = { DAC_OVERRIDE: 1, NET_ADMIN: 12, NET_RAW: 13 } as const;

/** No thread of the engine, and nothing that it has started, holds another capability than these or can get one. */
export function expectOnly(engine: LabEngine, numbers: readonly number[]): void {
  const mask = numbers.reduce((bits, number) => bits | (1n << BigInt(number)), 0n);
  const found = tasksOf(String(engine.process.pid)).map((task) => textOf(`${task}/status`));
  const threads = found.filter((status) => status !== '');
  expect(threads.length).toBeGreaterThan(3);
  for (const status of threads) {
    for (const set of ['Eff', 'Prm', 'Bnd'])
      expect([set, BigInt(`0x${new RegExp(`^Cap${set}:\\s*(\\w+)`, 'm').exec(status)?.[1]}`)]).toEqual([
        set,
        mask,
      ]);
    expect(status).toMatch(/^NoNewPrivs:\s*1$/m);
  }
}

/** Of a process and those it has started, with theirs: the shell that runs iptables is one. */
function tasksOf(process: string): string[] {
  const tasks = ifThere(() => readdirSync(`/proc/${process}/task`), []).map(
    (id) => `/proc/${process}/task/${id}`,
  );
  const children = tasks.flatMap((task) => textOf(`${task}/children`).split(' ').filter(Boolean));
  return [...tasks, ...children.flatMap(tasksOf)];
}

const textOf = (path: string) => ifThere(() => readFileSync(path, 'utf8'), '');

/** What the engine starts is often there for a moment only. */
function ifThere<T>(read: () => T, gone: T): T {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return gone;
    throw error;
  }
}
