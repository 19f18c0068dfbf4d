/** The buffers that SMB has for rules; DCE/RPC calls through pipes have those of `dcerpc`, files those of all files. */

import { FIRST_BUFFER } from '../buffer-ranges';
import { CALL_BUFFER_COUNT, callBuffers } from '../dcerpc/buffers';
import { FILE_BUFFER_COUNT, fileBuffers } from '../files/file-tracker';
import { type BufferDefinition, Direction } from '../transaction';

const FIRST = FIRST_BUFFER.smb;

export const SmbBuffer = {
  VERSION: FIRST,
  NAMED_PIPE: FIRST + 1,
  SHARE: FIRST + 2,
  NTLMSSP_USER: FIRST + 3,
  NTLMSSP_DOMAIN: FIRST + 4,
} as const;

/** Numbers of the first buffers of calls and of files. */
export const FIRST_CALL_BUFFER = FIRST + 8;
export const FIRST_FILE_BUFFER = FIRST_CALL_BUFFER + CALL_BUFFER_COUNT;
export const LAST_FILE_BUFFER = FIRST_FILE_BUFFER + FILE_BUFFER_COUNT - 1;

/** The only step of a direction: what it says is there. */
export const SMB_MESSAGE = 1;

const REQUEST = [Direction.TO_SERVER] as const;
const BOTH = [Direction.TO_SERVER, Direction.TO_CLIENT] as const;

function row(id: number, name: string, directions: readonly Direction[]): BufferDefinition {
  return { name, id, protocol: 'smb', directions, progress: SMB_MESSAGE, streaming: false, multiple: false };
}

export const SMB_BUFFERS: readonly BufferDefinition[] = [
  { ...row(SmbBuffer.VERSION, 'smb.version', BOTH), integer: { bytes: 1 } },
  row(SmbBuffer.NAMED_PIPE, 'smb.named_pipe', REQUEST),
  row(SmbBuffer.SHARE, 'smb.share', REQUEST),
  row(SmbBuffer.NTLMSSP_USER, 'smb.ntlmssp_user', REQUEST),
  row(SmbBuffer.NTLMSSP_DOMAIN, 'smb.ntlmssp_domain', REQUEST),
  ...callBuffers('smb', FIRST_CALL_BUFFER, SMB_MESSAGE),
  ...fileBuffers('smb', FIRST_FILE_BUFFER, BOTH, SMB_MESSAGE),
];
