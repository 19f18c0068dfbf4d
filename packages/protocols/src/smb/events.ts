/** What a real peer would not send. */
export const SmbEvent = {
  MALFORMED_DATA: 'smb.malformed_data',
  RECORD_OVERFLOW: 'smb.record_overflow',
  MALFORMED_NTLMSSP_REQUEST: 'smb.malformed_ntlmssp_request',
  FILE_OVERLAP: 'smb.file_overlap',
  RESPONSE_TO_SERVER: 'smb.response_to_server',
  REQUEST_TO_CLIENT: 'smb.request_to_client',
  TOO_MANY_TRANSACTIONS: 'smb.too_many_transactions',
} as const;

/**
 * Names that rules may use for what this parser does not tell: its bounds are others, or it takes such things for
 * granted.
 */
export const SILENT_EVENTS: readonly string[] = [
  'smb.internal_error',
  'smb.malformed_ntlmssp_response',
  'smb.duplicate_negotiate',
  'smb.negotiate_malformed_dialects',
  'smb.read_request_too_large',
  'smb.read_response_too_large',
  'smb.read_queue_size_exceeded',
  'smb.read_queue_cnt_exceeded',
  'smb.write_request_too_large',
  'smb.write_queue_size_exceeded',
  'smb.write_queue_cnt_exceeded',
  'smb.unusual_ntlmssp_order',
];
