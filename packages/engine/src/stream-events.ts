import { type PacketEventSet, streamEventNumber } from '@portcullis/matcher';
import { DropReason } from '@portcullis/reassembly';
import { type PacketView, TcpFlag } from '@portcullis/wire';

const { SYN, ACK, FIN } = TcpFlag;

function numberOf(name: string): number {
  const number = streamEventNumber(name);
  if (number === undefined) throw new Error(`there is no stream event ${name}`);
  return number;
}

const SYN_ACK_WRONG = numberOf('3whs_synack_with_wrong_ack');
const HANDSHAKE_WRONG = numberOf('3whs_wrong_seq_wrong_ack');
const SYN_DIFFERS_EARLY = numberOf('3whs_syn_resend_diff_seq_on_syn_recv');
const SYN_DIFFERS_LATE = numberOf('est_syn_resend_diff_seq');
const ACK_INVALID = numberOf('est_invalid_ack');
const FIN_WITH_SYN = numberOf('fin_syn');
const NO_FLAGS = numberOf('pkt_no_tcp_flags');

/** What each reason for which a segment is not taken in is called as an event; several where they differ by state. */
const NAMES: readonly (readonly [number, readonly string[]])[] = [
  [DropReason.OUT_OF_WINDOW, ['est_packet_out_of_window']],
  [DropReason.PAWS, ['pkt_invalid_timestamp']],
  [DropReason.ACK_INVALID, ['pkt_invalid_ack']],
  [DropReason.ACK_TOO_OLD, ['pkt_invalid_ack']],
  [DropReason.OVERLAP_DIFFERS, ['reassembly_overlap_different_data']],
  [DropReason.MEMCAP, ['reassembly_insert_memcap']],
  [DropReason.SCATTERED, ['reassembly_insert_limit']],
  [DropReason.GAP, ['reassembly_seq_gap']],
];
const EVENTS: ReadonlyMap<number, readonly number[]> = new Map(
  NAMES.map(([reason, names]) => [reason, names.map(numberOf)]),
);

/** A side that has sent a RST goes on. */
export const SUSPECTED_RST_INJECT = numberOf('suspected_rst_inject');
export const SYN_FLOOD = numberOf('3whs_syn_flood');

/** Bytes have gone past that nobody has seen. */
export const SEQUENCE_GAP = numberOf('reassembly_seq_gap');

/**
 * Adds what rules call the reason for which the reassembler has not taken a segment in.
 * @param established the handshake is complete
 */
export function addStreamEvents(
  view: PacketView,
  dropReason: number,
  established: boolean,
  events: PacketEventSet,
): void {
  for (const event of EVENTS.get(dropReason) ?? []) events.add(event);
  const { tcpFlags } = view;
  const isSyn = (tcpFlags & SYN) !== 0;
  if (dropReason === DropReason.HANDSHAKE_MISMATCH)
    events.add(isSyn && (tcpFlags & ACK) !== 0 ? SYN_ACK_WRONG : HANDSHAKE_WRONG);
  if (dropReason === DropReason.SYN_DIFFERS) events.add(established ? SYN_DIFFERS_LATE : SYN_DIFFERS_EARLY);
  if (dropReason === DropReason.BAD_FLAGS && isSyn && (tcpFlags & FIN) !== 0) events.add(FIN_WITH_SYN);
  if (dropReason === DropReason.NO_ACK && tcpFlags === 0) events.add(NO_FLAGS);
  if (dropReason === DropReason.ACK_INVALID && established) events.add(ACK_INVALID);
}
