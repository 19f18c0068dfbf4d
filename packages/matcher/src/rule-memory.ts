import { randomInt } from 'node:crypto';
import { HostBits } from './host-bits';
import { LearntValues } from './lists/learnt-values';
import { DEFAULT_LIMITS } from './matcher-limits';
import { ThresholdTable } from './threshold-table';

/** What rules remember from one connection to the next: plain data for all threads that are to remember together. */
export interface RuleMemory {
  readonly thresholds: SharedArrayBuffer;
  readonly hostBits: SharedArrayBuffer;
  /** What data sets learn. */
  readonly learnt: SharedArrayBuffer;
  /** Keeps an attacker from choosing addresses whose places in the tables collide. */
  readonly seed: number;
}

/** Memory for matchers with the usual limits. Of its megabytes only those are taken that are written to. */
export function makeRuleMemory(): RuleMemory {
  return {
    thresholds: new SharedArrayBuffer(ThresholdTable.bytesFor(DEFAULT_LIMITS.thresholds)),
    hostBits: new SharedArrayBuffer(HostBits.BYTES),
    learnt: new SharedArrayBuffer(LearntValues.BYTES),
    seed: randomInt(2 ** 32),
  };
}
