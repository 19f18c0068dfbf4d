/** The buffers that NFS has for rules; files have those of all files. */

import { FIRST_BUFFER } from '../buffer-ranges';
import { FILE_BUFFER_COUNT, fileBuffers } from '../files/file-tracker';
import { type BufferDefinition, Direction } from '../transaction';

const FIRST = FIRST_BUFFER.nfs;

export const NfsBuffer = { VERSION: FIRST, PROCEDURE: FIRST + 1 } as const;

export const FIRST_FILE_BUFFER = FIRST + 8;
export const LAST_FILE_BUFFER = FIRST_FILE_BUFFER + FILE_BUFFER_COUNT - 1;

/** The only step of a direction: the call or its reply is there, or the file is over. */
export const NFS_MESSAGE = 1;

function number(id: number, name: string): BufferDefinition {
  const directions = [Direction.TO_SERVER];
  const integer = { bytes: 4 } as const;
  return {
    name,
    id,
    protocol: 'nfs',
    directions,
    progress: NFS_MESSAGE,
    streaming: false,
    multiple: false,
    integer,
  };
}

export const NFS_BUFFERS: readonly BufferDefinition[] = [
  number(NfsBuffer.VERSION, 'nfs.version'),
  number(NfsBuffer.PROCEDURE, 'nfs.procedure'),
  ...fileBuffers('nfs', FIRST_FILE_BUFFER, [Direction.TO_SERVER, Direction.TO_CLIENT], NFS_MESSAGE),
];
