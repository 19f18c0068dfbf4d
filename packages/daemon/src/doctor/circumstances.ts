import { type Configuration, setAt } from '@portcullis/configuration';
import type { Mode, SettingRow, StatusAnswer } from '@portcullis/control';
import * as plan from '../install-plan';
import type { FirewallView, Host } from './host';
import type { IpSet } from './kernel-sets';
import type { FamilyTables } from './kernel-tables';

/** An engine that answers, or why there is none. */
export type EngineFacts =
  | { readonly status: StatusAnswer; readonly problem: null; readonly code: null }
  | { readonly status: null; readonly problem: string; readonly code: string };

/** Kernel objects of the firewall, or why they could not be read. */
export type FirewallFacts =
  | {
      readonly view: FirewallView;
      readonly tables: readonly FamilyTables[];
      readonly sets: ReadonlyMap<string, IpSet>;
      readonly problem: null;
    }
  | { readonly problem: string };

/** What all checks start from. */
export interface Circumstances {
  readonly host: Host;
  /** As the engine has it, where one answers. */
  readonly configuration: Configuration;
  readonly mode: Mode;
  readonly engine: EngineFacts;
  readonly firewall: FirewallFacts;
}

/** The configuration with what the engine says about its own: it may run with `--set`, or with an older file. */
export function withEngineSettings(configuration: Configuration, rows: readonly SettingRow[]): Configuration {
  const effective = structuredClone(configuration) as unknown as Record<string, unknown>;
  for (const { key, value } of rows) setAt(effective, key.split('.'), value);
  return effective as unknown as Configuration;
}

/** Queue numbers that are to be served: none where mirrors are watched. */
export function queueNumbers({ nfqueue, pcap }: Configuration): number[] {
  if (pcap.length > 0) return [];
  const { first, last } = nfqueue.queues;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

export function inspecting({ engine }: Circumstances): boolean {
  return engine.status !== null && engine.status.state !== 'disabled';
}

/** Whether packets pass that nobody takes from the queue. */
export function failsOpen({ configuration, mode }: Circumstances): boolean {
  return plan.failsOpen(configuration, mode);
}
