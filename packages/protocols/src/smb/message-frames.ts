/**
 * The frames of SMB: the message of the NetBIOS session, and in it those of SMB 1, of SMB 2 (a compound has several), or
 * what is encrypted (SMB 3), each with its header and data.
 */

import { Frames } from '../frames/frames';
import type { Direction, TransactionListener } from '../transaction';
import { SMB1_HEADER } from './smb1';
import { SMB2_HEADER } from './smb2';
import { le32 } from './text';

const NAMES = ['nbss', 'smb1', 'smb2', 'smb3'].flatMap((layer) =>
  ['pdu', 'hdr', 'data'].map((part) => `${layer}.${part}`),
);
/** Place of `pdu` of each layer; `hdr` and `data` follow. */
const Layer = { NBSS: 0, SMB1: 3, SMB2: 6, SMB3: 9 } as const;
const NBSS_HEADER = 4;
/** Of the transform header (MS-SMB2 section 2.2.41). */
const SMB3_HEADER = 52;
const NEXT_COMMAND = 20;
/** Messages of a compound whose frames are shown. */
const MOST_COMPOUND = 64;

export function createSmbFrames(): Frames {
  return new Frames('smb', NAMES);
}

/** Shows the frames of a message, of which `[start, end)` is there. @param length of all of it */
export function showSmbFrames(
  frames: Frames,
  listener: TransactionListener,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  length: number,
): void {
  const stop = start + length;
  const show = (layer: number, header: number, from: number, to: number): void => {
    const last = Math.min(to, end);
    const body = Math.min(from + header, last);
    frames.show(listener, direction, layer, bytes, from, last, to <= end);
    frames.show(listener, direction, layer + 1, bytes, from, body, from + header <= end);
    if (body < last) frames.show(listener, direction, layer + 2, bytes, body, last, to <= end);
  };
  show(Layer.NBSS, NBSS_HEADER, start, stop);
  let at = start + NBSS_HEADER;
  if (at + 4 > end || bytes[at + 1] !== 0x53 || bytes[at + 2] !== 0x4d || bytes[at + 3] !== 0x42) return;
  switch (bytes[at]) {
    case 0xff:
      show(Layer.SMB1, SMB1_HEADER, at, stop);
      return;
    case 0xfd:
      show(Layer.SMB3, SMB3_HEADER, at, stop);
      return;
    case 0xfe:
      for (let i = 0; i < MOST_COMPOUND && at + SMB2_HEADER <= end; i++) {
        const next = le32(bytes, at + NEXT_COMMAND);
        const to = next === 0 ? stop : Math.min(stop, at + next);
        show(Layer.SMB2, SMB2_HEADER, at, to);
        if (next < SMB2_HEADER || to >= stop) return;
        at = to;
      }
      return;
    default:
  }
}
