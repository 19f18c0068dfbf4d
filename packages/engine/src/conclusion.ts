import type { CompiledRule } from '@portcullis/matcher';
import type { Direction } from '@portcullis/protocols';
import { IpProtocol } from '@portcullis/wire';
import type { AppLayer } from './app-layer';
import { BlockedSources } from './blocked-sources';
import { buildDetection } from './detection-builder';
import type { Decision, DetectionPolicy } from './detection-policy';
import { InspectCounter } from './inspect-counters';
import type { InspectorOptions } from './inspector-options';
import type { PacketInHand } from './packet-in-hand';
import { ResetBuilder } from './reset';

const Counter = InspectCounter;
const { TCP } = IpProtocol;
/** Where there is no policy everything is told. */
const NOTIFY: Decision = { kind: 'attack', response: 'notify' };

/** What comes of the rules that a packet has matched: its verdict, the flow's, resets, and what is told. */
export class Conclusion {
  policy: DetectionPolicy | null;
  readonly blocked: BlockedSources;
  private readonly resets = new ResetBuilder();

  constructor(
    private readonly hand: PacketInHand,
    private readonly appLayer: AppLayer,
    private readonly options: InspectorOptions,
  ) {
    this.policy = options.policy ?? null;
    this.blocked = new BlockedSources(options.holdBlockedMicros);
  }

  /** Ends the evaluation of the packet in hand and acts on the rules that have matched. */
  conclude(slot: number, direction: Direction): void {
    const { hand } = this;
    const { matcher, context } = hand;
    if (matcher.matchCount === 0) return;
    matcher.end(context);
    const { fired } = matcher;
    const inFlow = slot >= 0 && hand.table.inUse(slot);
    const live = hand.packet === hand.view;
    for (let i = 0; i < fired.count; i++) {
      const side = fired.direction(i);
      const turned = inFlow && (fired.transactions[i] as number) >= 0 && hand.turnTo(slot, side);
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
    const { hand } = this;
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
        const outcome = { ...NOTIFY, handshake: false, blocked: false, rejected: false };
        this.tell(rule, slot, direction, transaction, outcome);
      }
      return true;
    }
    const { kind, response: usual } = this.decide(rule, direction);
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
    const handshake = inFlow && hand.packet.protocol === TCP && hand.reassembler.handshakeComplete(slot);
    let rejected = false;
    const { sender } = this.options;
    if (blocked && sender !== undefined && hand.depth === 0 && action.startsWith('reject')) {
      rejected = this.resets.send(hand.view, sender);
      if (rejected) hand.counters[Counter.RESETS_SENT]++;
    }
    if (blocked && response === 'block' && handshake && this.options.holdBlockedMicros > 0)
      this.blocked.add(hand.packet.source, hand.now);
    hand.counters[blocked ? Counter.ATTACKS_BLOCKED : Counter.ALERTS]++;
    this.tell(rule, slot, direction, transaction, { kind, response, handshake, blocked, rejected });
    return false;
  }

  /** Tells of a match, and of what was done about it. @param transaction below 0: none */
  private tell(
    rule: CompiledRule,
    slot: number,
    direction: Direction,
    transaction: number,
    outcome: Decision & { handshake: boolean; blocked: boolean; rejected: boolean },
  ): void {
    const { hand } = this;
    const inFlow = slot >= 0 && hand.table.inUse(slot);
    const flow = inFlow ? (hand.inspections[slot] ?? null) : null;
    this.options.onDetection(
      buildDetection(hand.packet, hand.batch, hand.place, rule, {
        live: hand.packet === hand.view,
        time: hand.now,
        flowId: inFlow ? hand.table.flowId(slot) : 0,
        direction,
        appProtocol: flow === null ? null : (this.appLayer.definition(flow.protocol)?.name ?? null),
        transaction: hand.factsOf.get(transaction) ?? null,
        txId: transaction < 0 ? null : transaction,
        ...outcome,
      }),
    );
  }

  private decide(rule: CompiledRule, direction: Direction): Decision {
    const { hand } = this;
    const { policy } = this;
    const { packet } = hand;
    if (policy === null) return NOTIFY;
    const live = packet === hand.view;
    const inInterface = live ? (hand.batch.inInterface[hand.place] as number) : 0;
    const decision = policy.decide(rule, direction, policy.protects(packet.source, inInterface));
    const acts = decision.response === 'block' || decision.response === 'drop';
    if (!acts || !policy.exempts(packet, direction, inInterface)) return decision;
    return { kind: decision.kind, response: 'notify' };
  }
}
