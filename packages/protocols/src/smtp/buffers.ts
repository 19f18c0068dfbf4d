/** The buffers that SMTP has for rules; all in the direction to the server. */

import { FIRST_BUFFER } from '../buffer-ranges';
import { FILE_BUFFER_COUNT, fileBuffers } from '../files/file-tracker';
import { type BufferDefinition, Direction } from '../transaction';
import { SmtpProgress } from './progress';

const FIRST = FIRST_BUFFER.smtp;

/** Numbers of the buffers. */
export const SmtpBuffer = {
  /** First of the file buffers. */
  FILES: FIRST,
  HELO: FIRST + FILE_BUFFER_COUNT,
  MAIL_FROM: FIRST + FILE_BUFFER_COUNT + 1,
  RCPT_TO: FIRST + FILE_BUFFER_COUNT + 2,
  URL: FIRST + FILE_BUFFER_COUNT + 3,
  BODY_MD5: FIRST + FILE_BUFFER_COUNT + 4,
  RECEIVED: FIRST + FILE_BUFFER_COUNT + 5,
  /** First of the buffers that are one header field each. */
  FIELDS: FIRST + FILE_BUFFER_COUNT + 6,
} as const;

/** Buffers and the header fields they hold: the value as sent, folded lines joined. */
export const HEADER_BUFFERS: readonly (readonly [string, string])[] = [
  ['email.from', 'from'],
  ['email.to', 'to'],
  ['email.cc', 'cc'],
  ['email.subject', 'subject'],
  ['email.date', 'date'],
  ['email.message_id', 'message-id'],
  ['email.x_mailer', 'x-mailer'],
];

const TO_SERVER = [Direction.TO_SERVER] as const;
const { HEADER, COMPLETE } = SmtpProgress;

function row(
  id: number,
  name: string,
  progress: number,
  kind: '' | 'growing' | 'several' | 'both' = '',
): BufferDefinition {
  return {
    name,
    id,
    protocol: 'smtp',
    directions: TO_SERVER,
    progress,
    streaming: kind === 'growing' || kind === 'both',
    multiple: kind === 'several' || kind === 'both',
  };
}

export const SMTP_BUFFERS: readonly BufferDefinition[] = [
  ...fileBuffers('smtp', SmtpBuffer.FILES, TO_SERVER, COMPLETE),
  // What commands say may come at any time before the mail: it is looked at as soon as it is there.
  row(SmtpBuffer.HELO, 'smtp.helo', COMPLETE, 'growing'),
  row(SmtpBuffer.MAIL_FROM, 'smtp.mail_from', COMPLETE, 'growing'),
  row(SmtpBuffer.RCPT_TO, 'smtp.rcpt_to', COMPLETE, 'both'),
  row(SmtpBuffer.URL, 'email.url', COMPLETE, 'both'),
  row(SmtpBuffer.BODY_MD5, 'email.body_md5', COMPLETE),
  row(SmtpBuffer.RECEIVED, 'email.received', HEADER, 'several'),
  ...HEADER_BUFFERS.map(([name], place) => row(SmtpBuffer.FIELDS + place, name, HEADER)),
];
