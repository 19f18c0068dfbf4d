/** Why a capture could not be read, or not to its end. */
export const CaptureErrorCode = {
  OPEN: 'CAPTURE_OPEN',
  READ: 'CAPTURE_READ',
  /** A compressed capture that unpacks to more than is allowed. */
  TOO_LARGE: 'CAPTURE_TOO_LARGE',
  /** Not a capture file, or one of a version nobody writes. */
  FORMAT: 'CAPTURE_FORMAT',
  /** The file ends within a record. */
  TRUNCATED: 'CAPTURE_TRUNCATED',
  /** A record or block says a length that cannot be. */
  RECORD_LENGTH: 'CAPTURE_RECORD_LENGTH',
  /** A pcapng block that contradicts itself or what came before. */
  BLOCK: 'CAPTURE_BLOCK',
} as const;

export type CaptureErrorCode = (typeof CaptureErrorCode)[keyof typeof CaptureErrorCode];

export class CaptureError extends Error {
  override readonly name = 'CaptureError';

  constructor(
    readonly code: CaptureErrorCode,
    readonly file: string,
    /** Where in the file, in bytes, the record or block begins that could not be read. */
    readonly byteOffset: number,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`${file}: ${reason} (at byte ${byteOffset})`, options);
  }
}
