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

/** What a direction of a transaction says is there. */
export const SMB_MESSAGE = 1;
/** The response has told what kind of share a tree is: the request is looked at again. */
export const SMB_SHARE_KIND = 2;

const REQUEST = [Direction.TO_SERVER] as const;
const BOTH = [Direction.TO_SERVER, Direction.TO_CLIENT] as const;

function row(
  id: number,
  name: string,
  directions: readonly Direction[],
  progress: number = SMB_MESSAGE,
): BufferDefinition {
  return { name, id, protocol: 'smb', directions, progress, streaming: false, multiple: false };
}

export const SMB_BUFFERS: readonly BufferDefinition[] = [
  { ...row(SmbBuffer.VERSION, 'smb.version', BOTH), integer: { bytes: 1 } },
  row(SmbBuffer.NAMED_PIPE, 'smb.named_pipe', REQUEST, SMB_SHARE_KIND),
  row(SmbBuffer.SHARE, 'smb.share', BOTH, SMB_SHARE_KIND),
  row(SmbBuffer.NTLMSSP_USER, 'smb.ntlmssp_user', REQUEST),
  row(SmbBuffer.NTLMSSP_DOMAIN, 'smb.ntlmssp_domain', REQUEST),
  ...callBuffers('smb', FIRST_CALL_BUFFER, SMB_MESSAGE),
  ...fileBuffers('smb', FIRST_FILE_BUFFER, BOTH, SMB_MESSAGE),
];
