import type { EventFilter, RateFilter, ThresholdConfig, ThresholdEntry } from '@portcullis/rules';
import { AddressSet } from './address-set';
import type { RuleBuilder } from './rule-builder';

/** Not one of a rule set's own: its answers are not remembered. */
const UNNUMBERED = -1;

/** What a threshold.config says of each rule. */
export class ThresholdEntries {
  private readonly bySignature = new Map<string, ThresholdEntry[]>();
  /** For all rules of a group; group 0: for all rules. */
  private readonly byGroup = new Map<number, ThresholdEntry[]>();

  constructor({ entries }: ThresholdConfig) {
    for (const entry of entries) {
      const key = `${entry.gid}:${entry.sid}`;
      const known = entry.sid === 0 ? this.byGroup.get(entry.gid) : this.bySignature.get(key);
      if (known) known.push(entry);
      else if (entry.sid === 0) this.byGroup.set(entry.gid, [entry]);
      else this.bySignature.set(key, [entry]);
    }
  }

  /** Adds them to a rule. Suppressions come first: what they take away is not counted. */
  apply(builder: RuleBuilder): void {
    const { gid, sid } = builder.rule;
    const own = this.bySignature.get(`${gid}:${sid}`) ?? [];
    const common = [...(this.byGroup.get(0) ?? []), ...(this.byGroup.get(gid) ?? [])];
    if (own.length === 0 && common.length === 0) return;
    const { thresholds } = builder;
    // What a rule says of itself comes before what is said of all.
    if (thresholds.length === 0) {
      for (const entry of common) if (entry.kind !== 'suppress') thresholds.push(settingsOf(entry));
    }
    for (const entry of own) {
      if (entry.kind === 'event_filter') removeWritten(builder);
      else if (entry.kind === 'rate_filter' && thresholds.some(({ type }) => type === 'detection_filter'))
        continue;
      if (entry.kind !== 'suppress') thresholds.push(settingsOf(entry));
    }
    for (const entry of [...common, ...own]) {
      if (entry.kind !== 'suppress') continue;
      if (entry.addresses === null) builder.noAlert = true;
      else {
        const addresses = new AddressSet(UNNUMBERED, entry.addresses);
        thresholds.unshift({ type: 'suppress', track: entry.track, addresses });
      }
    }
  }
}

/** A filter for one rule stands in for the `threshold` written in it. */
function removeWritten({ thresholds }: RuleBuilder): void {
  const at = thresholds.findIndex(({ type }) => type !== 'detection_filter' && type !== 'rate_filter');
  if (at >= 0) thresholds.splice(at, 1);
}

function settingsOf(entry: EventFilter | RateFilter) {
  const { track, count, seconds } = entry;
  if (entry.kind === 'event_filter') return { type: entry.type, track, count, seconds } as const;
  const { newAction, timeout } = entry;
  return { type: 'rate_filter', track, count, seconds, newAction, timeout } as const;
}
