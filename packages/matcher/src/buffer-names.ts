/** Old names of sticky buffers, which are still written, and the names they have now. */
export const STICKY_ALIASES: ReadonlyMap<string, string> = new Map([
  ['file_data', 'file.data'],
  ['dns_query', 'dns.query'],
  ['tls_sni', 'tls.sni'],
  ['tls_cert_subject', 'tls.cert_subject'],
  ['tls_cert_issuer', 'tls.cert_issuer'],
  ['tls_cert_serial', 'tls.cert_serial'],
  ['tls_cert_fingerprint', 'tls.cert_fingerprint'],
  ['ja3_hash', 'ja3.hash'],
  ['ja3_string', 'ja3.string'],
  ['ssh_proto', 'ssh.proto'],
  ['ssh_software', 'ssh.software'],
  ['http_request_line', 'http.request_line'],
  ['http_response_line', 'http.response_line'],
  ['http_protocol', 'http.protocol'],
  ['http_start', 'http.start'],
  ['http_header_names', 'http.header_names'],
  ['http_content_type', 'http.content_type'],
  ['http_content_len', 'http.content_len'],
  ['http_accept', 'http.accept'],
  ['http_accept_lang', 'http.accept_lang'],
  ['http_accept_enc', 'http.accept_enc'],
  ['http_connection', 'http.connection'],
  ['http_referer', 'http.referer'],
  ['dce_stub_data', 'dcerpc.stub_data'],
  ['smb_named_pipe', 'smb.named_pipe'],
  ['smb_share', 'smb.share'],
  ['nfs_procedure', 'nfs.procedure'],
  ['nfs_version', 'nfs.version'],
]);

/** The name that a buffer has now. */
export function currentName(name: string): string {
  return STICKY_ALIASES.get(name) ?? name;
}

/** The old form: written behind a content, which then looks at this buffer. */
export const CONTENT_MODIFIERS: ReadonlyMap<string, string> = new Map([
  ['http_uri', 'http.uri'],
  ['http_raw_uri', 'http.uri.raw'],
  ['http_method', 'http.method'],
  ['http_header', 'http.header'],
  ['http_raw_header', 'http.header.raw'],
  ['http_cookie', 'http.cookie'],
  ['http_client_body', 'http.request_body'],
  ['http_server_body', 'http.response_body'],
  ['http_stat_code', 'http.stat_code'],
  ['http_stat_msg', 'http.stat_msg'],
  ['http_user_agent', 'http.user_agent'],
  ['http_host', 'http.host'],
  ['http_raw_host', 'http.host.raw'],
]);

/** Letters behind an expression that name a buffer. */
export const EXPRESSION_BUFFERS: ReadonlyMap<string, string> = new Map([
  ['U', 'http.uri'],
  ['I', 'http.uri.raw'],
  ['P', 'http.request_body'],
  ['Q', 'http.response_body'],
  ['H', 'http.header'],
  ['D', 'http.header.raw'],
  ['M', 'http.method'],
  ['C', 'http.cookie'],
  ['K', 'http.cookie'],
  ['S', 'http.stat_code'],
  ['Y', 'http.stat_msg'],
  ['V', 'http.user_agent'],
  ['W', 'http.host'],
  ['Z', 'http.host.raw'],
]);

/** Names of application protocols in rule headers, and which parsers they mean. */
export const PROTOCOL_ALIASES: ReadonlyMap<string, readonly string[]> = new Map([
  ['http', ['http', 'http1', 'http2']],
  ['http1', ['http', 'http1']],
  ['http2', ['http2', 'doh2']],
  ['ssl', ['tls']],
  ['dns', ['dns', 'doh2']],
  ['dcerpc', ['dcerpc', 'smb']],
]);
