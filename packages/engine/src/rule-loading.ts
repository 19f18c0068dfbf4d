import type { DataSets, NameTable } from '@portcullis/matcher';
import type { ProtocolDefinition } from '@portcullis/protocols';
import { type LoadedRules, openRules, openRulesNow } from './rule-opening';
import { prepareRules, prepareRulesNow } from './rule-preparation';
import type { RuleSource } from './rule-source';

/** Everything up to the pattern databases, in slices of a few milliseconds. */
export function* loadRules(
  source: RuleSource,
  protocols: readonly ProtocolDefinition[],
  names: NameTable,
  dataSets?: DataSets,
): Generator<void, LoadedRules> {
  const { prepared } = yield* prepareRules(source, protocols);
  return yield* openRules(prepared, protocols, names, dataSets);
}

/** Rules with their databases, in this thread. */
export async function loadRulesNow(
  source: RuleSource,
  protocols: readonly ProtocolDefinition[],
  names: NameTable,
  dataSets?: DataSets,
): Promise<LoadedRules> {
  const started = performance.now();
  const loaded = await openRulesNow(prepareRulesNow(source, protocols), protocols, names, dataSets);
  loaded.summary.seconds = (performance.now() - started) / 1000;
  return loaded;
}
