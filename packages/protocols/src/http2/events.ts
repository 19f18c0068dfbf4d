/** What a real peer would not send. */
export const Http2Event = {
  INVALID_CLIENT_MAGIC: 'http2.invalid_client_magic',
  INVALID_FRAME_DATA: 'http2.invalid_frame_data',
  INVALID_HEADER: 'http2.invalid_header',
  INVALID_FRAME_LENGTH: 'http2.invalid_frame_length',
  LONG_FRAME_DATA: 'http2.long_frame_data',
  STREAM_ID_REUSE: 'http2.stream_id_reuse',
  FAILED_DECOMPRESSION: 'http2.failed_decompression',
  HEADER_INTEGER_OVERFLOW: 'http2.header_integer_overflow',
  TOO_MANY_STREAMS: 'http2.too_many_streams',
  AUTHORITY_HOST_MISMATCH: 'http2.authority_host_mismatch',
  USERINFO_IN_URI: 'http2.userinfo_in_uri',
  REASSEMBLY_LIMIT_REACHED: 'http2.reassembly_limit_reached',
  /** Not one of Suricata's: rules do not see the rest of the body. */
  REQUEST_BODY_LIMIT_REACHED: 'http2.request_body_limit_reached',
  DATA_STREAM_ZERO: 'http2.data_stream_zero',
  DNS_REQUEST_TOO_LONG: 'http2.dns_request_too_long',
  DNS_RESPONSE_TOO_LONG: 'http2.dns_response_too_long',
} as const;

/** Names that rules may use for what this parser does not tell. */
export const SILENT_EVENTS: readonly string[] = [
  'http2.invalid_frame_header',
  'http2.extra_header_data',
  'http2.invalid_http1_settings',
  'http2.invalid_range',
  'http2.too_many_frames',
];
