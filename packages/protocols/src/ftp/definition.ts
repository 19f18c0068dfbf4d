import { BufferPool } from '../buffer-pool';
import {
  type ProtocolDefinition,
  type Transaction,
  type TransactionListener,
  Transport,
} from '../transaction';
import { FTP_BUFFERS } from './buffers';
import type { FtpContext } from './context';
import { FTP_EVENTS } from './events';
import { OPEN_TRANSACTIONS } from './limits';
import { FtpParser } from './parser';
import { looksLikeFtp } from './probe';
import { FtpProgress } from './progress';
import { FtpTransaction } from './transaction';

/** Settings of the FTP parser; what is left out has its default. */
export interface FtpSettings {
  /** Commands that may wait for their reply, 1 to 4096; beyond that the oldest ends without one. */
  readonly maxTransactions?: number;
}

/** Reply lines that an alert tells of, and bytes of each text. */
const TOLD_REPLIES = 32;
const TOLD_BYTES = 256;
const MOST_TRANSACTIONS = 4096;

/** FTP's control connection as a protocol definition. */
export function createFtp(settings: FtpSettings = {}): ProtocolDefinition {
  const wanted = settings.maxTransactions ?? OPEN_TRANSACTIONS;
  const context: FtpContext = {
    pool: new BufferPool(),
    openTransactions: Math.min(MOST_TRANSACTIONS, Math.max(1, Math.floor(wanted) || 1)),
  };
  return {
    name: 'ftp',
    transports: [Transport.TCP],
    parserBytes: { tcp: 900 },
    buffers: FTP_BUFFERS,
    events: FTP_EVENTS,
    probe: looksLikeFtp,
    create: (listener: TransactionListener) => new FtpParser(context, listener),
    describe: (tx: Transaction) => (tx instanceof FtpTransaction ? describe(tx) : {}),
  };
}

function describe({ command, replies, replied, dataPort, active }: FtpTransaction): Record<string, unknown> {
  const told: Record<string, unknown> = {};
  if (command !== null) {
    told.command = command.text;
    if (command.argument !== null) told.command_data = textOf(command.argument);
  }
  const codes = replies.filter(({ code }) => code.length > 0).slice(0, TOLD_REPLIES);
  if (replies.length > 0) told.reply = replies.slice(0, TOLD_REPLIES).map(({ text }) => textOf(text));
  if (codes.length > 0) told.completion_code = codes.map(({ code }) => textOf(code));
  if (dataPort > 0) {
    told.dynamic_port = dataPort;
    told.mode = active ? 'active' : 'passive';
  }
  told.reply_received = replied === FtpProgress.COMPLETE ? 'yes' : 'no';
  return told;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, TOLD_BYTES)).toString('utf8');
}
