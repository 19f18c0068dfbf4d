/** The buffers that FTP's data connections have for rules. */

import { FIRST_BUFFER } from '../buffer-ranges';
import { FILE_BUFFER_COUNT, fileBuffers } from '../files/file-tracker';
import { type BufferDefinition, Direction } from '../transaction';

/** Progress of one direction. */
export const FtpDataProgress = { NONE: 0, BEGUN: 1, COMPLETE: 2 } as const;

const FIRST = FIRST_BUFFER['ftp-data'];

/** Numbers of the buffers. */
export const FtpDataBuffer = {
  /** First of the file buffers. */
  FILES: FIRST,
  COMMAND: FIRST + FILE_BUFFER_COUNT,
} as const;

const BOTH = [Direction.TO_SERVER, Direction.TO_CLIENT] as const;

/** Numbers of the commands in `ftpdata_command`. */
export const TRANSFER_COMMANDS: ReadonlyMap<string, number> = new Map([
  ['retr', 1],
  ['stor', 2],
]);

export const FTP_DATA_BUFFERS: readonly BufferDefinition[] = [
  ...fileBuffers('ftp-data', FtpDataBuffer.FILES, BOTH, FtpDataProgress.COMPLETE),
  {
    name: 'ftpdata_command',
    id: FtpDataBuffer.COMMAND,
    protocol: 'ftp-data',
    directions: BOTH,
    progress: FtpDataProgress.BEGUN,
    streaming: false,
    multiple: false,
    integer: { bytes: 1, names: TRANSFER_COMMANDS },
  },
];
