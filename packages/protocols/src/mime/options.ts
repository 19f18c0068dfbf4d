export interface MimeOptions {
  /** Undo base64 (otherwise such attachments are left out). */
  readonly decodeBase64: boolean;
  /** Undo quoted-printable (otherwise such attachments are left out). */
  readonly decodeQuotedPrintable: boolean;
  /** Bytes of a header field's value beyond which it is long. */
  readonly headerValueDepth: number;
  /** Look for addresses of web pages. */
  readonly extractUrls: boolean;
  readonly urlSchemes: readonly string[];
  /** Keep `http://` before an address. */
  readonly keepUrlScheme: boolean;
  /** Compute the MD5 hash of message bodies. */
  readonly bodyMd5: boolean;
}

/** As Suricata's configuration has them. */
export const DEFAULT_MIME_OPTIONS: MimeOptions = {
  decodeBase64: true,
  decodeQuotedPrintable: true,
  headerValueDepth: 2000,
  extractUrls: true,
  urlSchemes: ['http'],
  keepUrlScheme: false,
  bodyMd5: true,
};
