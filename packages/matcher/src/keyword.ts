import type { RuleOption } from '@portcullis/rules';
import type { InspectionContext } from './context';
import type { CompileEnvironment, RuleBuilder } from './rule-builder';
import type { Transform } from './transform';

/** A keyword (or a family of them): reads one option of a rule and adds what it means to the rule. */
export interface Keyword {
  readonly names: readonly string[];
  /** It asks for what is not in the rules (a file, a set of data): a rule with it is made when the rules are loaded. */
  readonly outward?: boolean;
  /** Of a keyword that is a transform and nothing else. @throws RuleError */
  readonly transform?: (option: RuleOption, environment: CompileEnvironment) => Transform;
  /** @throws RuleError with the exact place */
  parse(option: RuleOption, rule: RuleBuilder): void;
}

/** What of `InspectionContext` is filled in only where a rule asks for it. */
export const FlowFact = {
  /** `flowStartMicros`, `flowPackets`, `flowBytes`. */
  COUNTS: 1,
  /** `sideProtocols`, `originalProtocol`, `appProtocolFailed`, `protocolDetected`. */
  PROTOCOLS: 2,
  /** `linkBytes`, `linkStart`, `linkEnd`. */
  LINK: 4,
} as const;

/** A condition on the packet and its flow, cheap enough to be asked before any buffer is looked at. */
export interface PacketTest {
  /** It asks nothing but the addresses: a rule of such tests is asked once for each direction of a flow. */
  readonly ofAddresses?: boolean;
  /** It asks what is wrong with the packet's headers: such a rule looks at packets that do not decode, too. */
  readonly ofDecodeEvents?: boolean;
  /** What it asks that the engine finds out only where a rule does: bits of {@link FlowFact}. */
  readonly asks?: number;
  matches(context: InspectionContext): boolean;
}

/** What a rule does when it has matched, whether an alert comes of it or not. */
export interface RuleEffect {
  /** @returns false where a bound kept it from being done; it is counted */
  apply(context: InspectionContext): boolean;
}
