import type { EvaluationLimits } from './evaluation';

/** Bounds of what a matcher may use. What exceeds one is left out and counted. */
export interface MatcherLimits extends EvaluationLimits {
  /** Rules told for one packet. */
  readonly matches: number;
  /** Rules evaluated in one call. */
  readonly candidates: number;
  /** Entries of the threshold table. */
  readonly thresholds: number;
  /** Rules of one transaction that wait for later buffers. */
  readonly waiting: number;
  /** Bytes that transforms may use for one transaction. */
  readonly transformMemory: number;
}

export const DEFAULT_LIMITS: MatcherLimits = {
  recursion: 3000,
  bytes: 128 << 20,
  bytesPerRule: 16 << 20,
  matches: 256,
  candidates: 65_536,
  thresholds: 32_768,
  waiting: 1024,
  transformMemory: 4 << 20,
};
