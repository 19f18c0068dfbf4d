/** Bytes that a flow at rest takes in all: its part of the tables made beforehand, and what it adds. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** What the child process found; bytes. */
export interface MemoryAnswer {
  rules: number;
  /** In the table at the end. */
  flows: number;
  heldBytes: number;
  detections: number;
  /** Of an inspector without flows: tables of the asked capacity and what is there in any case. */
  emptyInspector: number;
  /** Added by the flows to JavaScript's heap, and outside it. */
  heap: number;
  external: number;
}

export interface MemoryPerFlow {
  flows: number;
  /** Bytes per flow. */
  table: number;
  heap: number;
  external: number;
  total: number;
}

export const MEMORY_GOAL = 512;

/** The product's default, and the smallest that it takes. */
const LARGE_TABLE = 262_144;
const SMALL_TABLE = 1024;

export function measureMemoryPerFlow(flows: number, rules: string, cacheFolder: string): MemoryPerFlow {
  const capacity = Math.max(LARGE_TABLE, 2 ** Math.ceil(Math.log2(flows * 1.25)));
  const small = runChild(0, SMALL_TABLE, rules, cacheFolder);
  const large = runChild(flows, capacity, rules, cacheFolder);
  if (large.flows !== flows) throw new Error(`of ${flows} flows ${large.flows} are in the table`);
  const table = (large.emptyInspector - small.emptyInspector) / (capacity - SMALL_TABLE);
  const heap = large.heap / flows;
  const external = large.external / flows;
  return { flows, table, heap, external, total: table + heap + external };
}

function runChild(flows: number, capacity: number, rules: string, cacheFolder: string): MemoryAnswer {
  const script = join(__dirname, 'memory-child.js');
  const argv = [
    '--expose-gc',
    '--max-old-space-size=4096',
    script,
    String(flows),
    String(capacity),
    rules,
    cacheFolder,
  ];
  const child = spawnSync(process.execPath, argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (child.status !== 0) throw new Error(`memory of flows: ${child.stderr}`);
  return JSON.parse(child.stdout) as MemoryAnswer;
}
