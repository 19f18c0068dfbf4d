import type { InspectionContext } from './context';

export type ThresholdType = 'limit' | 'threshold' | 'both' | 'detection_filter';
export type ThresholdTrack = 'by_src' | 'by_dst' | 'by_both' | 'by_rule' | 'by_flow';

export interface ThresholdSettings {
  readonly type: ThresholdType;
  readonly track: ThresholdTrack;
  readonly count: number;
  readonly seconds: number;
}

/** What becomes of a match. SILENT: its action counts, no alert. */
export const ThresholdResult = { NOTHING: 0, ALERT: 1, SILENT: 2 } as const;
export type ThresholdResult = 0 | 1 | 2;

const WAYS = 8;
const KEY_WORDS = 9;

/**
 * Counts of rule matches by address, in a table of fixed size: eight places for each hash, of which the one with the
 * oldest period is given up (and counted) when all are taken. Time is packet time.
 */
export class ThresholdTable {
  /** Entries that were given up while their period was still running. */
  evictions = 0;

  private readonly sets: number;
  private readonly keys: Uint32Array;
  private readonly rules: Float64Array;
  /** Microseconds; 0: the place is free. */
  private readonly began: Float64Array;
  private readonly ends: Float64Array;
  private readonly counts: Uint32Array;
  private readonly key = new Uint32Array(KEY_WORDS);

  /** @param capacity entries, rounded up to a power of two */
  constructor(capacity: number) {
    let sets = 1;
    while (sets * WAYS < capacity) sets *= 2;
    this.sets = sets;
    this.keys = new Uint32Array(sets * WAYS * KEY_WORDS);
    this.rules = new Float64Array(sets * WAYS);
    this.began = new Float64Array(sets * WAYS);
    this.ends = new Float64Array(sets * WAYS);
    this.counts = new Uint32Array(sets * WAYS);
  }

  /**
   * Counts a match.
   * @param rule number of the rule that outlives a reload (gid and sid)
   * @param index place of `settings` among those of the rule
   */
  count(
    rule: number,
    index: number,
    settings: ThresholdSettings,
    context: InspectionContext,
  ): ThresholdResult {
    const now = context.timeMicros;
    const slot = this.find(rule, index, settings, context, now);
    const counts = this.counts;
    const known = this.began[slot] !== 0;
    // The last moment of a period still belongs to it, as in Suricata.
    const running = known && now - this.began[slot] <= settings.seconds * 1e6;
    if (!running) {
      this.began[slot] = now === 0 ? 1 : now;
      this.ends[slot] = now + settings.seconds * 1e6;
      counts[slot] = 0;
    }
    const count = ++counts[slot];
    switch (settings.type) {
      case 'limit':
        return count <= settings.count ? 1 : 2;
      case 'threshold':
        // Suricata again: the match that begins a new period is counted, never told.
        if (count < settings.count || (known && !running)) return 0;
        counts[slot] = 0;
        return 1;
      case 'both':
        return count === settings.count ? 1 : count > settings.count ? 2 : 0;
      case 'detection_filter':
        return count > settings.count ? 1 : 0;
    }
  }

  private find(
    rule: number,
    index: number,
    settings: ThresholdSettings,
    context: InspectionContext,
    now: number,
  ): number {
    const key = this.key;
    this.fillKey(settings.track, context);
    key[KEY_WORDS - 1] = index;
    let hash = (rule | 0) ^ Math.imul((rule / 0x100000000) | 0, 0x9e3779b1);
    for (let i = 0; i < KEY_WORDS; i++) {
      hash = Math.imul(hash ^ key[i], 0x85ebca6b);
      hash ^= hash >>> 13;
    }
    const first = ((hash >>> 4) & (this.sets - 1)) * WAYS;
    let victim = first;
    for (let slot = first; slot < first + WAYS; slot++) {
      if (this.began[slot] !== 0 && this.rules[slot] === rule && this.sameKey(slot)) return slot;
      if (this.ends[slot] < this.ends[victim]) victim = slot;
    }
    if (this.began[victim] !== 0 && this.ends[victim] > now) this.evictions++;
    this.rules[victim] = rule;
    this.keys.set(key, victim * KEY_WORDS);
    this.began[victim] = 0;
    this.counts[victim] = 0;
    return victim;
  }

  private sameKey(slot: number): boolean {
    const at = slot * KEY_WORDS;
    for (let i = 0; i < KEY_WORDS; i++) if (this.keys[at + i] !== this.key[i]) return false;
    return true;
  }

  private fillKey(track: ThresholdTrack, context: InspectionContext): void {
    const key = this.key;
    const { source, destination } = context.packet;
    key.fill(0);
    switch (track) {
      case 'by_src':
        copyWords(key, 0, source);
        return;
      case 'by_dst':
        copyWords(key, 0, destination);
        return;
      case 'by_both': {
        // Both directions of a pair of hosts are one pair.
        const swapped = compareWords(source, destination) > 0;
        copyWords(key, 0, swapped ? destination : source);
        copyWords(key, 4, swapped ? source : destination);
        return;
      }
      case 'by_flow':
        key[0] = context.flowId >>> 0;
        key[1] = (context.flowId / 0x100000000) >>> 0;
        return;
      case 'by_rule':
        return;
    }
  }
}

function copyWords(to: Uint32Array, at: number, from: Uint32Array): void {
  for (let i = 0; i < 4; i++) to[at + i] = from[i];
}

function compareWords(a: Uint32Array, b: Uint32Array): number {
  for (let i = 0; i < 4; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
}
