import type { RuleOption } from '@portcullis/rules';
import type { InspectionContext } from './context';
import type { RuleBuilder } from './rule-builder';

/** A keyword (or a family of them): reads one option of a rule and adds what it means to the rule. */
export interface Keyword {
  readonly names: readonly string[];
  /** @throws RuleError with the exact place */
  parse(option: RuleOption, rule: RuleBuilder): void;
}

/** A condition on the packet and its flow, cheap enough to be asked before any buffer is looked at. */
export interface PacketTest {
  /** It asks nothing but the addresses: a rule of such tests is asked once for each direction of a flow. */
  readonly ofAddresses?: boolean;
  /** It asks what is wrong with the packet's headers: such a rule looks at packets that do not decode, too. */
  readonly ofDecodeEvents?: boolean;
  matches(context: InspectionContext): boolean;
}

/** What a rule does when it has matched, whether an alert comes of it or not. */
export interface RuleEffect {
  /** @returns false where a bound kept it from being done; it is counted */
  apply(context: InspectionContext): boolean;
}
