import { BufferPool } from '../buffer-pool';
import { DEFAULT_FILE_POLICY, type FilePolicy } from '../files/policy';
import { DEFAULT_MIME_OPTIONS, type MimeOptions } from '../mime/options';
import {
  type ProtocolDefinition,
  type Transaction,
  type TransactionListener,
  Transport,
} from '../transaction';
import { SMTP_BUFFERS } from './buffers';
import type { SmtpContext } from './context';
import { SMTP_EVENTS } from './events';
import { createSmtpFrames } from './mail-frames';
import { SmtpParser } from './parser';
import { looksLikeSmtp } from './probe';
import { SmtpTransaction } from './transaction';

/** Settings of the SMTP parser; what is left out has its default. */
export interface SmtpSettings {
  readonly mime?: Partial<MimeOptions>;
  /** Mails are files as they are, named `rawmsg`, and are not taken apart (default false). */
  readonly rawExtraction?: boolean;
}

/** Recipients that an alert tells of, and bytes of each text. */
const TOLD_RECIPIENTS = 32;
const TOLD_BYTES = 256;

/** SMTP as a protocol definition; its parsers share a pool, so there is one per worker. */
export function createSmtp(
  settings: SmtpSettings = {},
  files: FilePolicy = DEFAULT_FILE_POLICY,
): ProtocolDefinition {
  const frames = createSmtpFrames();
  const context: SmtpContext = {
    pool: new BufferPool(),
    files,
    mime: { ...DEFAULT_MIME_OPTIONS, ...settings.mime },
    rawExtraction: settings.rawExtraction ?? false,
    frames,
  };
  return {
    name: 'smtp',
    transports: [Transport.TCP],
    parserBytes: { tcp: 1050 },
    buffers: [...SMTP_BUFFERS, ...frames.buffers],
    frames,
    events: SMTP_EVENTS,
    probe: looksLikeSmtp,
    create: (listener: TransactionListener) => new SmtpParser(context, listener),
    describe: (tx: Transaction) => (tx instanceof SmtpTransaction ? describe(tx) : {}),
  };
}

function describe({ helo, mailFrom, recipients }: SmtpTransaction): Record<string, unknown> {
  const told: Record<string, unknown> = {};
  if (helo !== null) told.helo = textOf(helo);
  if (mailFrom !== null) told.mail_from = textOf(mailFrom);
  if (recipients.length > 0) told.rcpt_to = recipients.slice(0, TOLD_RECIPIENTS).map(textOf);
  return told;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, TOLD_BYTES)).toString('utf8');
}
