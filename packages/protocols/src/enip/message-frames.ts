/** The frames of EtherNet/IP: a message, its header and data, and in it the items and what they carry of CIP. */

import { Frames } from '../frames/frames';
import type { Direction, TransactionListener } from '../transaction';
import { littleEndian, MOST_SERVICES, placeOfServices } from './cip';
import { HEADER_BYTES, Item } from './message';
import { EnipCommand } from './names';

const NAMES = ['pdu', 'hdr', 'data', 'enip.item', 'cip'] as const;
const Kind = { PDU: 0, HEADER: 1, DATA: 2, ITEM: 3, CIP: 4 } as const;
/** Interface and time-out, before the items of messages that carry CIP. */
const SEND_BYTES = 6;
/** Type and length. */
const ITEM_HEADER = 4;
/** Number of a packet in its connection. */
const SEQUENCE_BYTES = 2;

export function createEnipFrames(): Frames {
  return new Frames('enip', NAMES);
}

/** Shows the frames of a whole message. */
export function showEnipFrames(
  frames: Frames,
  listener: TransactionListener,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const data = start + HEADER_BYTES;
  frames.show(listener, direction, Kind.PDU, bytes, start, end);
  frames.show(listener, direction, Kind.HEADER, bytes, start, data);
  if (data < end) frames.show(listener, direction, Kind.DATA, bytes, data, end);
  const first = firstItem(littleEndian(bytes, start, start + 2), data);
  if (first < 0 || first + 2 > end) return;
  const count = littleEndian(bytes, first, first + 2);
  let at = first + 2;
  for (let i = 0; i < count && at + ITEM_HEADER <= end; i++) {
    const type = littleEndian(bytes, at, at + 2);
    const from = at + ITEM_HEADER;
    const stop = from + littleEndian(bytes, at + 2, from);
    const last = Math.min(stop, end);
    frames.show(listener, direction, Kind.ITEM, bytes, at, last, stop <= end);
    const cip = type === Item.CONNECTED ? from + SEQUENCE_BYTES : from;
    if ((type === Item.CONNECTED || type === Item.UNCONNECTED) && cip < last) {
      frames.show(listener, direction, Kind.CIP, bytes, cip, last, stop <= end);
      if (frames.wants(Kind.CIP)) showServices(frames, listener, direction, bytes, cip, last);
    }
    at = stop;
  }
}

/** The packets in a multiple service packet. */
function showServices(
  frames: Frames,
  listener: TransactionListener,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const first = placeOfServices(bytes, start, end);
  if (first < 0 || first + 2 > end) return;
  const count = Math.min(littleEndian(bytes, first, first + 2), MOST_SERVICES);
  const offsets = first + 2;
  if (offsets + 2 * count > end) return;
  const placeOf = (i: number) => first + littleEndian(bytes, offsets + 2 * i, offsets + 2 * i + 2);
  for (let i = 0; i < count; i++) {
    const from = placeOf(i);
    const stop = i + 1 < count ? placeOf(i + 1) : end;
    if (from >= stop || stop > end) return;
    frames.show(listener, direction, Kind.CIP, bytes, from, stop);
  }
}

/** @returns place of the number of items; below 0 where such a message has none */
function firstItem(command: number, data: number): number {
  switch (command) {
    case EnipCommand.LIST_SERVICES:
    case EnipCommand.LIST_INTERFACES:
    case EnipCommand.LIST_IDENTITY:
      return data;
    case EnipCommand.SEND_RR_DATA:
    case EnipCommand.SEND_UNIT_DATA:
      return data + SEND_BYTES;
    default:
      return -1;
  }
}
