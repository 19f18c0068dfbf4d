import { MimeEvent } from '../mime/events';

/** What a real peer would not send. Names as in Suricata's `smtp-events.rules`. */
export const SmtpEvent = {
  INVALID_REPLY: 'smtp.invalid_reply',
  MAX_COMMAND_LINE_LEN_EXCEEDED: 'smtp.max_command_line_len_exceeded',
  MAX_REPLY_LINE_LEN_EXCEEDED: 'smtp.max_reply_line_len_exceeded',
  INVALID_PIPELINED_SEQUENCE: 'smtp.invalid_pipelined_sequence',
  BDAT_CHUNK_LEN_EXCEEDED: 'smtp.bdat_chunk_len_exceeded',
  NO_SERVER_WELCOME_MESSAGE: 'smtp.no_server_welcome_message',
  TLS_REJECTED: 'smtp.tls_rejected',
  DATA_COMMAND_REJECTED: 'smtp.data_command_rejected',
  DUPLICATE_FIELDS: 'smtp.duplicate_fields',
  UNPARSABLE_CONTENT: 'smtp.unparsable_content',
  TRUNCATED_LINE: 'smtp.truncated_line',
  /** Not one of Suricata's: more recipients than are kept. */
  TOO_MANY_RECIPIENTS: 'smtp.too_many_recipients',
} as const;

/** Names that rules may use though nothing leads to them here. */
const UNUSED = [
  'smtp.unable_to_match_reply_with_request',
  'smtp.mime_parse_failed',
  'smtp.failed_protocol_change',
] as const;

export const SMTP_EVENTS: readonly string[] = [
  ...Object.values(SmtpEvent),
  ...Object.values(MimeEvent),
  ...UNUSED,
];

const BITS = new Map(SMTP_EVENTS.map((event, place) => [event, 1 << place]));

/** One bit for each event, so that a transaction has each of them once. */
export function eventBit(event: string): number {
  return BITS.get(event) as number;
}
