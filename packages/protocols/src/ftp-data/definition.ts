import { BufferPool } from '../buffer-pool';
import { DEFAULT_FILE_POLICY, type FilePolicy } from '../files/policy';
import {
  type ProtocolDefinition,
  type Transaction,
  type TransactionListener,
  Transport,
} from '../transaction';
import { FTP_DATA_BUFFERS } from './buffers';
import { FtpDataParser, FtpDataTransaction } from './parser';

const TOLD_BYTES = 256;

/** FTP's data connections: known only from the control connection that has announced them. */
export function createFtpData(files: FilePolicy = DEFAULT_FILE_POLICY): ProtocolDefinition {
  const pool = new BufferPool();
  return {
    name: 'ftp-data',
    transports: [Transport.TCP],
    parserBytes: { tcp: 100 },
    buffers: FTP_DATA_BUFFERS,
    events: [],
    probe: () => -1,
    create: (listener: TransactionListener) => new FtpDataParser(pool, files, listener),
    describe: (tx: Transaction) => (tx instanceof FtpDataTransaction ? describe(tx) : {}),
  };
}

function describe({ note }: FtpDataTransaction): Record<string, unknown> {
  const told: Record<string, unknown> = {};
  if (note.fileName !== null)
    told.filename = Buffer.from(note.fileName.subarray(0, TOLD_BYTES)).toString('utf8');
  told.command = note.command;
  return told;
}
