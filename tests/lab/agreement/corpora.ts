/** Which of the public captures are played, chosen by a number that is printed. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SeededRandom } from '@portcullis/testkit';
import { surveyCapture } from './survey';

const EXPECTED = 'et-open-2023-05-15';

export interface Corpora {
  readonly rules: string;
  readonly captures: readonly { readonly name: string; readonly file: string; readonly alerts: number }[];
}

/** Why there are no public captures here, or null. */
export function corporaMissing(): string | null {
  const folder = process.env.PORTCULLIS_CORPORA;
  if (!folder) return 'PORTCULLIS_CORPORA is not set';
  const path = join(folder, 'expected', `${EXPECTED}.jsonl`);
  return existsSync(path) ? null : `${path} is missing`;
}

/** The captures for which there are reference alerts (none, for most). */
export function readCorpora(): Corpora {
  const folder = process.env.PORTCULLIS_CORPORA as string;
  const lines = readFileSync(join(folder, 'expected', `${EXPECTED}.jsonl`), 'utf8')
    .trim()
    .split('\n');
  const captures = lines.map((line) => {
    const { pcap, alerts } = JSON.parse(line) as { pcap: string; alerts?: unknown[] };
    return { name: pcap, file: join(folder, pcap), alerts: alerts?.length ?? 0 };
  });
  return { rules: join(folder, 'rules', `${EXPECTED}.rules`), captures };
}

export interface Choice {
  readonly files: string[];
  /** Of those, how many have alerts of the reference. */
  readonly withAlerts: number;
  /** How many captures were passed over, by the reason. */
  readonly passedOver: Readonly<Record<string, number>>;
}

/**
 * Up to `count` captures all of whose packets a gateway forwards as they are, those with alerts of the reference
 * first. No address is in two of them: the live engine keeps flows, thresholds and host bits from one capture to
 * the next, a replay does not.
 */
export function chooseCaptures({ captures }: Corpora, count: number, random: SeededRandom): Choice {
  const order = random.shuffled(captures).sort((a, b) => Number(b.alerts > 0) - Number(a.alerts > 0));
  const taken = new Set<string>();
  const files: string[] = [];
  const passedOver: Record<string, number> = {};
  let withAlerts = 0;
  for (const { file, alerts } of order) {
    const { objection, addresses } = surveyCapture(file);
    const shared = [...addresses].some((address) => taken.has(address));
    const reason = objection ?? (shared ? 'addresses of a capture chosen before' : null);
    if (reason !== null) {
      passedOver[reason] = (passedOver[reason] ?? 0) + 1;
      continue;
    }
    for (const address of addresses) taken.add(address);
    files.push(file);
    if (alerts > 0) withAlerts++;
    if (files.length === count) break;
  }
  return { files, withAlerts, passedOver };
}
