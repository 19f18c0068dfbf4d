import type { CompiledRule } from '@portcullis/matcher';
import type { Direction } from '@portcullis/protocols';
import type { AddressControl } from './address-control';
import { BlockedSources } from './blocked-sources';
import type { DetectedRule } from './detection';
import { detectedRule } from './detection-builder';
import type { Decision } from './detection-policy';
import { InspectCounter } from './inspect-counters';
import type { InspectorOptions } from './inspector-options';
import type { PacketInHand } from './packet-in-hand';
import type { Outcome, Reporter } from './reporter';
import { ResetBuilder } from './reset';

const Counter = InspectCounter;
/** Where there is no policy everything is told. */
const NOTIFY: Decision = { kind: 'attack', response: 'notify', category: null };

/** What comes of the rules that a packet has matched: its verdict, the flow's, resets, and what is told. */
export class Conclusion {
  readonly blocked: BlockedSources;
  private readonly resets = new ResetBuilder();

  constructor(
    private readonly hand: PacketInHand,
    private readonly reporter: Reporter,
    private readonly addresses: AddressControl,
    private readonly options: InspectorOptions,
  ) {
    this.blocked = new BlockedSources(options.holdBlockedMicros);
  }

  /** Ends the evaluation of the packet in hand and acts on what was found in it. */
  conclude(slot: number, direction: Direction): void {
    if (this.hand.matcher.matchCount > 0) this.concludeRules(slot, direction);
    this.addresses.conclude(slot, direction);
  }

  private concludeRules(slot: number, direction: Direction): void {
    const { hand } = this;
    const { matcher, context } = hand;
    matcher.end(context);
    const { fired } = matcher;
    const inFlow = slot >= 0 && hand.table.inUse(slot);
    const live = hand.packet === hand.view;
    for (let i = 0; i < fired.count; i++) {
      const side = fired.direction(i);
      const turned = inFlow && fired.transactions[i] !== -1 && hand.turnTo(slot, side);
      const ended = this.act(i, slot, turned ? side : direction, live);
      if (turned) hand.turnBack();
      if (ended) break;
    }
    if (hand.factsOf.size > 0) hand.factsOf.clear();
    matcher.begin(context);
  }

  /**
   * Acts on one match.
   * @param live there is a packet that can be dropped
   * @returns whether those behind it do not count
   */
  private act(place: number, slot: number, direction: Direction, live: boolean): boolean {
    const { hand, reporter } = this;
    const inFlow = slot >= 0 && hand.table.inUse(slot);
    const { matcher } = hand;
    const { fired } = matcher;
    const rule = matcher.rule(fired.numbers[place] as number);
    const action = fired.action(place);
    const transaction = fired.transactions[place] as number;
    if (action === 'pass') {
      hand.counters[Counter.PASSED]++;
      // What came before it in the order of the actions counts.
      if (inFlow && fired.actsOnFlow(place) && !hand.blockWanted) hand.inspectionOf(slot).passed = true;
      if (rule.alwaysAlert && fired.silent[place] === 0) {
        const { kind, response, category } = NOTIFY;
        const outcome = { kind, response, category, handshake: false, blocked: false, rejected: false };
        this.tell(this.told(place), slot, direction, transaction, outcome);
      }
      return true;
    }
    const { kind, response: usual, category } = this.decide(rule, direction);
    // A rate filter knows better than the table what its rule is to do now.
    const response = action === rule.action ? usual : action === 'alert' ? 'notify' : 'drop';
    if (response === 'ignore') return false;
    const blocked = response !== 'notify' && this.options.inline && live;
    if (blocked) {
      hand.blockWanted = true;
      if (inFlow && (action !== rule.action || fired.actsOnFlow(place)))
        hand.inspectionOf(slot).dropped = true;
    }
    if (fired.silent[place] === 1) return false;
    const handshake = reporter.hasHandshake(slot);
    let rejected = false;
    const { sender } = this.options;
    if (blocked && sender !== undefined && hand.depth === 0 && action.startsWith('reject')) {
      rejected = this.resets.send(hand.view, sender);
      if (rejected) hand.counters[Counter.RESETS_SENT]++;
    }
    const bans = blocked && response === 'block' && handshake && !reporter.isProtected('source');
    if (bans && this.options.holdBlockedMicros > 0) this.blocked.add(hand.packet.source, hand.now);
    hand.counters[blocked ? Counter.ATTACKS_BLOCKED : Counter.ALERTS]++;
    this.tell(this.told(place), slot, direction, transaction, {
      kind,
      response,
      category,
      handshake,
      blocked,
      rejected,
    });
    return false;
  }

  /** The rule at a place among those that fired, as it is told. */
  private told(place: number): DetectedRule {
    const { matcher } = this.hand;
    const { fired } = matcher;
    const rule = detectedRule(matcher.rule(fired.numbers[place] as number));
    const context = fired.context(place);
    return context === undefined ? rule : { ...rule, context };
  }

  /** Tells of a match, and of what was done about it. @param transaction below 0: none */
  private tell(
    rule: DetectedRule,
    slot: number,
    direction: Direction,
    transaction: number,
    outcome: Omit<Outcome, 'transaction' | 'txId' | 'webAddress'>,
  ): void {
    this.reporter.report(rule, slot, direction, {
      // By name: spreading costs many times as much.
      kind: outcome.kind,
      response: outcome.response,
      category: outcome.category,
      handshake: outcome.handshake,
      blocked: outcome.blocked,
      rejected: outcome.rejected,
      transaction: this.hand.factsOf.get(transaction) ?? null,
      txId: transaction < 0 ? null : transaction,
      webAddress: null,
    });
  }

  private decide(rule: CompiledRule, direction: Direction): Decision {
    const { reporter } = this;
    const { policy } = reporter;
    if (policy === null) return NOTIFY;
    const decision = policy.decide(rule, direction, reporter.isProtected('source'));
    const acts = decision.response !== 'notify' && decision.response !== 'ignore';
    return acts && reporter.isExempt(direction) ? { ...decision, response: 'notify' } : decision;
  }
}
