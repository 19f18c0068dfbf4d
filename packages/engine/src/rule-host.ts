import { DataSets, LearntValues, NameTable } from '@portcullis/matcher';
import {
  createProtocols,
  DEFAULT_FILE_POLICY,
  FileHash,
  type FilePolicy,
  type ProtocolDefinition,
  type ProtocolSettings,
} from '@portcullis/protocols';
import { loadRulesNow } from './rule-loading';
import { type LoadedRules, openRules, openRulesNow } from './rule-opening';
import type { PreparedRules, RuleSource } from './rule-source';

/** Buffers that hold hashes of files: they are computed where a rule looks at them. */
const FILE_HASHES: ReadonlyMap<string, number> = new Map([
  ['file.md5', FileHash.MD5],
  ['file.sha1', FileHash.SHA1],
  ['file.sha256', FileHash.SHA256],
]);

/** What outlives the rule sets that one thread works with: its protocols, shared names, what data sets have learnt. */
export class RuleHost {
  readonly protocols: readonly ProtocolDefinition[];
  /** Those of the rules in force. */
  dataSets: DataSets;
  private readonly files: FilePolicy = { ...DEFAULT_FILE_POLICY };
  private readonly names = new NameTable();

  /**
   * @param without names of protocols that are not looked for
   * @param learnt memory for what data sets learn, which other threads have too; null: its own
   */
  constructor(
    settings: ProtocolSettings = {},
    without: readonly string[] = [],
    learnt: SharedArrayBuffer | null = null,
  ) {
    this.dataSets = new DataSets(new LearntValues(learnt));
    this.protocols = createProtocols({ files: this.files, ...settings }).filter(
      ({ name }) => !without.includes(name),
    );
  }

  /** Loads rules with their databases, and takes them for the ones in force. */
  async load(source: RuleSource): Promise<LoadedRules> {
    const loaded = await loadRulesNow(source, this.protocols, this.names, this.nextDataSets());
    this.adopt(loaded);
    return loaded;
  }

  /** The same with rules that were compiled elsewhere. */
  async open(prepared: PreparedRules): Promise<LoadedRules> {
    const loaded = await openRulesNow(prepared, this.protocols, this.names, this.nextDataSets());
    this.adopt(loaded);
    return loaded;
  }

  /** The same in slices of a few milliseconds, and without the databases. `adopt` follows. */
  steps(prepared: PreparedRules): Generator<void, LoadedRules> {
    return openRules(prepared, this.protocols, this.names, this.nextDataSets());
  }

  private nextDataSets(): DataSets {
    return new DataSets(this.dataSets.learnt);
  }

  /** The rules are in force now: they decide what parsers have to work out, and go on with what data sets have learnt. */
  adopt({ ruleset, dataSets }: LoadedRules): void {
    dataSets.keepSaved(this.dataSets);
    this.dataSets = dataSets;
    this.files.hashes = 0;
    for (const { name } of ruleset.slots) this.files.hashes |= FILE_HASHES.get(name) ?? 0;
  }
}
