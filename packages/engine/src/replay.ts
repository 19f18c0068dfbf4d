import { CaptureFileSource, type PacketBatch, type PacketSource } from '@portcullis/capture';
import { Matcher, type MatcherLimits, type RuleCost, RuleCosts } from '@portcullis/matcher';
import type { ProtocolSettings } from '@portcullis/protocols';
import type { FragmentOptions, StreamOptions } from '@portcullis/reassembly';
import type { AddressTableData } from '@portcullis/web-addresses';
import { STANDARD_TUNNEL_PORTS, type TunnelPorts } from '@portcullis/wire';
import { CaptureChecksums, type ChecksumPolicy } from './capture-checksums';
import type { Detection } from './detection';
import { DEFAULT_DETECTION_POLICY, DetectionPolicy } from './detection-policy';
import { Inspector } from './inspector';
import { PacketLayers } from './packet-layers';
import type { ParserMemoryOptions } from './parser-memory';
import { RuleHost } from './rule-host';
import type { LoadedRules } from './rule-opening';
import type { RuleSource, RuleSummary } from './rule-source';

export interface ReplayOptions {
  rules: RuleSource;
  stream: Partial<StreamOptions>;
  /** Decide verdicts as on a gateway: packets that would be dropped there are lost to the flow here too. */
  inline: boolean;
  appLayer?: Partial<ParserMemoryOptions>;
  decodePolicy: 'open' | 'closed';
  /** Default: `ignore`. */
  checksums?: ChecksumPolicy;
  protocols?: ProtocolSettings;
  /** Names of protocols that are not looked for. */
  disabledProtocols?: readonly string[];
  matcher?: Partial<MatcherLimits>;
  fragments?: Partial<FragmentOptions>;
  /** UDP ports of tunnels; default: the registered ones. */
  tunnels?: TunnelPorts;
  /** Web addresses that are told of when somebody asks for them; default: none. */
  webAddresses?: AddressTableData | null;
  /** Whose requests they are looked for in, without `inline`; none: everybody's. With it, as the policy of the rules says. */
  protectedNetworks?: readonly string[];
  /** Take the time of every rule; see `costliest`. */
  profile?: boolean;
}

/** What one capture came to. */
export interface ReplayResult {
  packets: number;
  bytes: number;
  dropped: number;
  alerts: number;
  seconds: number;
  /** Why the capture could not be read to its end; null when it was. */
  error: string | null;
}

const EVERYBODY = ['0.0.0.0/0', '::/0'];
/** Flows at once in a replay. */
const REPLAY_FLOWS = 65_536;

/** Inspects captures with one set of rules. State is reset between captures: none knows of the one before. */
export class Replay {
  private readonly host: RuleHost;
  private readonly checksums: CaptureChecksums;
  private inspector: Inspector | null = null;
  private batch: PacketBatch | null = null;
  private costs: RuleCosts | null = null;
  private onDetection: (detection: Detection) => void = () => {};

  private constructor(
    private readonly options: ReplayOptions,
    private loaded: LoadedRules,
  ) {
    this.host = new RuleHost(options.protocols, options.disabledProtocols);
    this.checksums = new CaptureChecksums(options.checksums ?? 'ignore');
  }

  static async load(options: ReplayOptions): Promise<Replay> {
    const replay = new Replay(options, null as unknown as LoadedRules);
    // What data sets have learnt in live traffic is no business of a capture.
    const { dataDirectory: _, ...rules } = options.rules;
    replay.loaded = await replay.host.load(rules);
    if (options.profile) replay.costs = new RuleCosts(replay.loaded.ruleset.rules.length);
    return replay;
  }

  get rules(): RuleSummary {
    return this.loaded.summary;
  }

  /** What the rules have cost so far, the costliest first; empty without `profile`. */
  costliest(limit: number): (RuleCost & { sid: number; msg: string })[] {
    const { rules } = this.loaded.ruleset;
    return (this.costs?.costliest(limit) ?? []).map((cost) => {
      const { sid, msg } = rules.get(cost.rule);
      return { ...cost, sid, msg };
    });
  }

  /** @throws CaptureError where the file cannot be opened or is no capture */
  file(path: string, onDetection: (detection: Detection) => void): ReplayResult {
    // Frames without a packet matter to rules that ask what is wrong with them.
    const everyFrame = this.loaded.ruleset.decodeEventRules.length > 0;
    const source = new CaptureFileSource(path, { everyFrame });
    const result = this.source(source, onDetection);
    result.error = source.error === null ? null : source.error.message;
    return result;
  }

  /** Inspects all packets of a source, and closes it. */
  source(source: PacketSource, onDetection: (detection: Detection) => void): ReplayResult {
    const started = performance.now();
    const matcher = new Matcher(this.loaded.ruleset, this.options.matcher);
    matcher.profile = this.costs;
    this.checksums.restart();
    this.loaded.dataSets.learnt.forget();
    const result: ReplayResult = { packets: 0, bytes: 0, dropped: 0, alerts: 0, seconds: 0, error: null };
    this.onDetection = (detection) => {
      result.alerts++;
      onDetection(detection);
    };
    const inspector = this.inspectorWith(matcher);
    try {
      const { batch } = source;
      this.batch = batch;
      for (let count = source.receive(0); count >= 0; count = source.receive(0)) {
        inspector.inspectBatch(batch, 0);
        for (let place = 0; place < count; place++) {
          result.bytes += batch.wireLength[place] as number;
          if (((batch.verdict[place] as number) & 0xf) === 0) result.dropped++;
        }
        result.packets += count;
        source.finalize();
      }
      inspector.close();
    } catch (error) {
      // What it was in the middle of must not reach the next capture.
      this.inspector = null;
      throw error;
    } finally {
      this.batch = null;
      matcher.close();
      source.close();
    }
    result.seconds = (performance.now() - started) / 1000;
    return result;
  }

  /** The actions of categories, and that nothing is done: as a gateway that only monitors would tell. */
  private addressPolicy(): DetectionPolicy {
    const { rules, protectedNetworks = [] } = this.options;
    return new DetectionPolicy(
      {
        ...(rules.policy ?? DEFAULT_DETECTION_POLICY),
        protectedNetworks: protectedNetworks.length > 0 ? protectedNetworks : EVERYBODY,
        protectedInterfaces: [],
      },
      this.loaded.ruleset.rules.length,
    );
  }

  private inspectorWith(matcher: Matcher): Inspector {
    if (this.inspector !== null) {
      this.inspector.restart(matcher);
      return this.inspector;
    }
    this.inspector = new Inspector({
      matcher,
      protocols: this.host.protocols,
      stream: { maxFlows: REPLAY_FLOWS, trackOutside: true, unanswered: 'leave', ...this.options.stream },
      inline: this.options.inline,
      // Without verdicts there is nothing to decide: all matches are told.
      policy: this.options.inline ? this.loaded.policy : null,
      webAddresses: this.options.webAddresses ?? null,
      ...(!this.options.inline && { webAddressPolicy: this.addressPolicy() }),
      ...(this.options.appLayer !== undefined && { appLayer: this.options.appLayer }),
      decodePolicy: this.options.decodePolicy,
      offload: null,
      layers: new PacketLayers({
        fragments: this.options.fragments ?? {},
        tunnels: this.options.tunnels ?? STANDARD_TUNNEL_PORTS,
        refuseTruncated: true,
        acceptMapped: true,
      }),
      ...(this.options.checksums !== undefined &&
        this.options.checksums !== 'ignore' && {
          verifyChecksum: (place: number) => this.batch === null || this.checksums.accepts(this.batch, place),
        }),
      onDetection: (detection) => this.onDetection(detection),
      dropDatagramFlows: this.options.inline,
      holdBlockedMicros: 0,
    });
    return this.inspector;
  }
}
