/** Alerts as far as the live queue and a replay have to agree about them. */
import type { EveRecord } from '@portcullis/events';

/** Who, what, and what was done, as one line. */
export function alertLine(record: EveRecord): string {
  const { alert, proto, src_ip, src_port, dest_ip, dest_port } = record;
  const source = src_port === undefined ? src_ip : `${src_ip} ${src_port}`;
  const destination = dest_port === undefined ? dest_ip : `${dest_ip} ${dest_port}`;
  return `sid ${alert?.signature_id} ${alert?.action}: ${proto} ${source} > ${destination}`;
}

export interface Comparison {
  /** Alerts that both have. */
  readonly common: readonly string[];
  readonly onlyLive: readonly string[];
  readonly onlyReplay: readonly string[];
}

/** Compares what was alerted, not how often. */
export function compareAlerts(live: readonly EveRecord[], replay: readonly EveRecord[]): Comparison {
  const ofLive = new Set(live.map(alertLine));
  const ofReplay = new Set(replay.map(alertLine));
  return {
    common: [...ofLive].filter((line) => ofReplay.has(line)).sort(),
    onlyLive: [...ofLive].filter((line) => !ofReplay.has(line)).sort(),
    onlyReplay: [...ofReplay].filter((line) => !ofLive.has(line)).sort(),
  };
}
