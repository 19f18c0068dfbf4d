/** What is odd about a message. Names as in Suricata's `smtp-events.rules`. */
export const MimeEvent = {
  MALFORMED_MESSAGE: 'smtp.mime_malformed_msg',
  INVALID_BASE64: 'smtp.mime_invalid_base64',
  INVALID_QUOTED_PRINTABLE: 'smtp.mime_invalid_qp',
  LONG_LINE: 'smtp.mime_long_line',
  LONG_ENCODED_LINE: 'smtp.mime_long_enc_line',
  LONG_HEADER_NAME: 'smtp.mime_long_header_name',
  LONG_HEADER_VALUE: 'smtp.mime_long_header_value',
  LONG_BOUNDARY: 'smtp.mime_long_boundary',
  LONG_FILE_NAME: 'smtp.mime_long_filename',
  /** Not one of Suricata's: parts within parts deeper than is followed. */
  TOO_DEEP: 'smtp.mime_too_deep',
} as const;
export type MimeEvent = (typeof MimeEvent)[keyof typeof MimeEvent];
