import { type MemoryPacket, MemorySource, type MemoryVerdict, Verdict } from '@portcullis/capture';
import { type Matcher, NameTable, Matcher as RuleMatcher } from '@portcullis/matcher';
import { createProtocols } from '@portcullis/protocols';
import type { Detection } from '../src/detection';
import { Inspector } from '../src/inspector';
import type { InspectorOptions } from '../src/inspector-options';
import { loadRulesNow } from '../src/rule-loading';
import type { RuleSource } from '../src/rule-source';

/** Rules as text, with everything else as a test wants it. */
export function ruleSource(text: string, path = 'test.rules'): RuleSource {
  return {
    files: [{ path, text }],
    classification: null,
    addressGroups: { HOME_NET: 'any', EXTERNAL_NET: 'any' },
    portGroups: {},
    cacheDirectory: null,
  };
}

/** Every test has an inspector of its own: the pools of a gateway would cost each of them tens of megabytes. */
const SMALL_STREAM: InspectorOptions['stream'] = {
  maxFlows: 1024,
  memcap: 4 << 20,
  memcapPerDirection: 1 << 20,
};

type Packets = Iterable<MemoryPacket | Uint8Array>;

/** An inspector over packets in memory, and what came of it. */
export class Inspection {
  readonly detections: Detection[] = [];
  /** Packets that the inspector sent itself. */
  readonly sent: Uint8Array[] = [];
  readonly inspector: Inspector;

  private constructor(
    readonly matcher: Matcher,
    protocols: InspectorOptions['protocols'],
    options: Partial<InspectorOptions>,
  ) {
    this.inspector = new Inspector({
      matcher,
      protocols,
      inline: true,
      decodePolicy: 'open',
      offload: null,
      onDetection: (detection) => this.detections.push(detection),
      sender: { send: (bytes, offset, length) => this.sent.push(bytes.slice(offset, offset + length)) },
      holdBlockedMicros: 0,
      ...options,
      stream: { ...SMALL_STREAM, ...options.stream },
    });
  }

  /** @throws where one of the rules cannot be loaded: a test that means nothing else would pass in vain */
  static async of(rules: string, options: Partial<InspectorOptions> = {}): Promise<Inspection> {
    const protocols = createProtocols();
    const { ruleset, policy, summary } = await loadRulesNow(ruleSource(rules), protocols, new NameTable());
    if (summary.failed.length > 0) throw new Error(JSON.stringify(summary.failed));
    return new Inspection(new RuleMatcher(ruleset), protocols, { policy, ...options });
  }

  /** Inspects the packets one batch at a time. @returns the verdict of each */
  run(packets: Packets, batchSize = 8, nowMicros = 0): MemoryVerdict[] {
    const source = new MemorySource(packets, { batchSize });
    while (source.receive(0) >= 0) {
      this.inspector.inspectBatch(source.batch, nowMicros);
      source.finalize();
    }
    source.close();
    return source.verdicts;
  }

  /** As `run`, for a path on which nothing is dropped. @returns whether each packet passed */
  passed(packets: Packets): boolean[] {
    return this.run(packets).map(({ verdict }) => (verdict & 0xf) === Verdict.ACCEPT);
  }

  get sids(): number[] {
    return this.detections.map(({ rule }) => rule.sid);
  }

  counter(name: number): number {
    return this.inspector.counters[name] as number;
  }
}
