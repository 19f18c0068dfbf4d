import type { Direction, Transaction } from '@portcullis/protocols';
import type { AddressTableData } from '@portcullis/web-addresses';
import { IpProtocol } from '@portcullis/wire';
import { BlockPage } from './block-page';
import type { DetectionPolicy } from './detection-policy';
import { AddressProgress, type FlowInspection } from './flow-inspection';
import { InspectCounter } from './inspect-counters';
import type { InspectorOptions } from './inspector-options';
import type { PacketInHand } from './packet-in-hand';
import type { Reporter } from './reporter';
import { ResetBuilder } from './reset';
import { type AddressFinding, addressRule, WebAddressInspection } from './web-address-inspection';

const Counter = InspectCounter;
const { TCP } = IpProtocol;

/** What is done about web addresses that protected hosts ask for: packets dropped, connections ended, clients answered. */
export class AddressControl {
  private data: AddressTableData | null = null;
  private inspection: WebAddressInspection | null = null;
  private blockPage: BlockPage | null = null;
  private readonly resets = new ResetBuilder();

  constructor(
    private readonly hand: PacketInHand,
    private readonly reporter: Reporter,
    private readonly options: InspectorOptions,
  ) {
    this.use(options.webAddresses ?? null);
  }

  private get policy(): DetectionPolicy | null {
    return this.options.webAddressPolicy ?? this.reporter.policy;
  }

  /** Takes over lists, and what the policy in force says about them. @param data null: nothing is looked for */
  use(data: AddressTableData | null): void {
    const { policy } = this;
    const page = policy?.blockPage ?? null;
    this.blockPage = page === null ? null : new BlockPage(page);
    this.data = data;
    this.inspection = data === null ? null : new WebAddressInspection(data, policy, this.options.protocols);
  }

  /** The policy has changed. */
  usePolicy(): void {
    this.use(this.data);
  }

  /** A request has progressed. */
  inspect(tx: Transaction, flow: FlowInspection): void {
    this.inspection?.inspect(tx, flow, this.hand.packet);
  }

  /** Acts on the addresses that were found in the packet in hand. */
  conclude(slot: number, direction: Direction): void {
    const { inspection } = this;
    if (inspection === null || inspection.findings.length === 0) return;
    for (const finding of inspection.findings) this.concludeOne(slot, direction, finding);
    inspection.findings.length = 0;
  }

  private concludeOne(slot: number, direction: Direction, finding: AddressFinding): void {
    const { hand, reporter, policy } = this;
    const flow = slot >= 0 && hand.table.inUse(slot) ? hand.inspectionOf(slot) : null;
    if (flow?.passed === true) return;
    const client = direction === 0 ? 'source' : 'destination';
    if (policy !== null && !reporter.isProtected(client, policy)) return;
    const wanted = finding.response !== 'notify' && !reporter.isExempt(direction);
    const blocked = wanted && this.options.inline && hand.packet === hand.view;
    let rejected = false;
    if (blocked) {
      hand.blockWanted = true;
      // Bytes and datagrams of one connection come again; each question of DNS is one of its own.
      const wholeFlow = hand.packet.protocol === TCP || finding.facts.seenIn === 'quic.sni';
      if (flow !== null && wholeFlow) {
        const ends = finding.response === 'block' && !flow.dropped;
        rejected = ends && this.endConnection(slot, direction, flow, finding);
        flow.dropped = true;
        flow.blocksDatagrams = true;
      }
    }
    hand.counters[blocked ? Counter.ADDRESSES_BLOCKED : Counter.ALERTS]++;
    reporter.report(addressRule(finding.facts), slot, direction, {
      kind: 'web-address',
      response: wanted ? finding.response : 'notify',
      category: finding.facts.category,
      handshake: reporter.hasHandshake(slot),
      blocked,
      rejected,
      txId: finding.txId,
      transaction: finding.transaction,
      webAddress: finding.facts,
    });
  }

  /** Tells both ends that their connection is over: the client with a page, where it understands one. */
  private endConnection(
    slot: number,
    direction: Direction,
    flow: FlowInspection,
    { facts, page }: AddressFinding,
  ): boolean {
    const { blockPage, options, hand } = this;
    const { packet, reassembler } = hand;
    const { sender } = options;
    if (sender === undefined || hand.depth > 0 || packet.protocol !== TCP) return false;
    // In the middle of an earlier answer a page would be taken for a part of it.
    const canAnswer = direction === 0 && packet.acknowledgment === reassembler.nextSequence(slot, 1);
    hand.counters[Counter.RESETS_SENT]++;
    if (blockPage === null || page === null || !canAnswer) return this.resets.send(packet, sender);
    const received = reassembler.nextSequence(slot, 0);
    flow.addresses ??= new AddressProgress();
    flow.addresses.answer = blockPage.send(packet, received, facts, page === 'body', sender);
    return this.resets.sendOnward(packet, sender);
  }

  /** A packet of a connection that is not let through any more. */
  answerAgain(slot: number, direction: Direction): void {
    const { blockPage, hand, options } = this;
    const answer = hand.inspections[slot]?.addresses?.answer ?? null;
    if (answer === null || blockPage === null || options.sender === undefined || direction !== 0) return;
    blockPage.again(hand.view, answer, options.sender);
  }
}
