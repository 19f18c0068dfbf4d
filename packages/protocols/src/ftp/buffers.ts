/** The buffers that FTP has for rules. */

import { FIRST_BUFFER } from '../buffer-ranges';
import { type BufferDefinition, Direction } from '../transaction';
import { FtpProgress } from './progress';

const FIRST = FIRST_BUFFER.ftp;

/** Numbers of the buffers. */
export const FtpBuffer = {
  COMMAND: FIRST,
  COMMAND_DATA: FIRST + 1,
  REPLY: FIRST + 2,
  COMPLETION_CODE: FIRST + 3,
  /** 1 once the last reply is there. */
  REPLY_RECEIVED: FIRST + 4,
  /** 1 while a reply has begun whose end is still to come, or where none came at all. */
  REPLY_PENDING: FIRST + 5,
  MODE: FIRST + 6,
  DYNAMIC_PORT: FIRST + 7,
} as const;

const B = FtpBuffer;
const TO_SERVER = [Direction.TO_SERVER] as const;
const TO_CLIENT = [Direction.TO_CLIENT] as const;
const { BEGUN, COMPLETE } = FtpProgress;

const MODES: ReadonlyMap<string, number> = new Map([
  ['passive', 0],
  ['active', 1],
]);

function row(
  id: number,
  name: string,
  directions: readonly Direction[],
  progress: number,
  kind: '' | 'growing' = '',
): BufferDefinition {
  const growing = kind === 'growing';
  return { name, id, protocol: 'ftp', directions, progress, streaming: growing, multiple: growing };
}

export const FTP_BUFFERS: readonly BufferDefinition[] = [
  row(B.COMMAND, 'ftp.command', TO_SERVER, BEGUN),
  row(B.COMMAND_DATA, 'ftp.command_data', TO_SERVER, BEGUN),
  // The lines of a reply are looked at as they come: those after a transfer may take hours.
  row(B.REPLY, 'ftp.reply', TO_CLIENT, COMPLETE, 'growing'),
  row(B.COMPLETION_CODE, 'ftp.completion_code', TO_CLIENT, COMPLETE, 'growing'),
  { ...row(B.REPLY_RECEIVED, 'ftp.reply_received', TO_CLIENT, COMPLETE), integer: { bytes: 1 } },
  { ...row(B.REPLY_PENDING, 'ftp.reply_pending', TO_CLIENT, BEGUN), integer: { bytes: 1 } },
  { ...row(B.MODE, 'ftp.mode', TO_CLIENT, COMPLETE), integer: { bytes: 1, names: MODES } },
  { ...row(B.DYNAMIC_PORT, 'ftp.dynamic_port', TO_CLIENT, COMPLETE), integer: { bytes: 2 } },
];
