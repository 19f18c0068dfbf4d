import { PacketEventSet, STREAM_EVENTS } from '@portcullis/matcher';
import { DropReason } from '@portcullis/reassembly';
import { buildTcp } from '@portcullis/testkit';
import { PacketView } from '@portcullis/wire';
import { addStreamEvents } from './stream-events';

const ends = { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 1000, destinationPort: 80 };

/** Names of the events of a segment with these flags that was not taken in. */
function eventsOf(reason: keyof typeof DropReason, flags: number, established: boolean): string[] {
  const view = new PacketView();
  const packet = buildTcp({ ...ends, flags });
  view.decode(packet, 0, packet.length);
  expect(view.tcpFlags).toBe(flags);
  const events = new PacketEventSet();
  addStreamEvents(view, DropReason[reason], established, events);
  return [...STREAM_EVENTS].filter(([, number]) => events.has(number)).map(([name]) => name);
}

const FIN = 1;
const SYN = 2;
const ACK = 16;

test.each<[keyof typeof DropReason, number, boolean, string[]]>([
  ['NONE', ACK, true, []],
  ['FLOW_BLOCKED', ACK, true, []],
  ['OUT_OF_WINDOW', ACK, true, ['est_packet_out_of_window']],
  ['PAWS', ACK, true, ['pkt_invalid_timestamp']],
  ['ACK_INVALID', ACK, true, ['est_invalid_ack', 'pkt_invalid_ack']],
  ['ACK_INVALID', ACK, false, ['pkt_invalid_ack']],
  ['ACK_TOO_OLD', ACK, true, ['pkt_invalid_ack']],
  ['OVERLAP_DIFFERS', ACK, true, ['reassembly_overlap_different_data']],
  ['HANDSHAKE_MISMATCH', SYN | ACK, false, ['3whs_synack_with_wrong_ack']],
  ['HANDSHAKE_MISMATCH', ACK, false, ['3whs_wrong_seq_wrong_ack']],
  ['SYN_DIFFERS', SYN, false, ['3whs_syn_resend_diff_seq_on_syn_recv']],
  ['SYN_DIFFERS', SYN, true, ['est_syn_resend_diff_seq']],
  ['BAD_FLAGS', SYN | FIN, false, ['fin_syn']],
  ['NO_ACK', 0, true, ['pkt_no_tcp_flags']],
  ['GAP', ACK, true, ['reassembly_seq_gap']],
  ['MEMCAP', ACK, true, ['reassembly_insert_memcap']],
  ['SCATTERED', ACK, true, ['reassembly_insert_limit']],
])('%s with flags %p, established %p', (reason, flags, established, names) => {
  expect(eventsOf(reason, flags, established).sort()).toEqual([...names].sort());
});
