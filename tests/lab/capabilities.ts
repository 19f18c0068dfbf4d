import { readdirSync, readFileSync } from 'node:fs';
import type { LabEngine } from './engine';

/** Numbers of linux/capability.h. */
export const Capability = { DAC_OVERRIDE: 1, NET_ADMIN: 12, NET_RAW: 13 } as const;

/** No thread of the engine, and nothing that it has started, holds another capability than these or can get one. */
export function expectOnly(engine: LabEngine, numbers: readonly number[]): void {
  const mask = numbers.reduce((bits, number) => bits | (1n << BigInt(number)), 0n);
  const threads = tasksOf(String(engine.process.pid));
  expect(threads.length).toBeGreaterThan(3);
  for (const task of threads) {
    const status = readFileSync(`${task}/status`, 'utf8');
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
  const tasks = readdirSync(`/proc/${process}/task`).map((id) => `/proc/${process}/task/${id}`);
  const children = tasks.flatMap((task) =>
    readFileSync(`${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return [...tasks, ...children.flatMap(tasksOf)];
}
