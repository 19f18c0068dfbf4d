import { makeRuleMemory, type RuleMemory } from '@portcullis/matcher';
import { ExpectedFlows } from '../expected-flows';

/**
 * What workers know together, because connections of one host are with any of them, and what outlives each of them: plain
 * data. Of its megabytes only those are taken that are written to.
 */
export interface SharedMemory {
  readonly rules: RuleMemory;
  /** Of `ExpectedFlows`. */
  readonly expectedFlows: SharedArrayBuffer;
}

export function makeSharedMemory(): SharedMemory {
  return { rules: makeRuleMemory(), expectedFlows: new SharedArrayBuffer(ExpectedFlows.BYTES) };
}
