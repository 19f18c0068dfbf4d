/** What all SMTP parsers of one worker share. */

import type { BufferPool } from '../buffer-pool';
import type { FilePolicy } from '../files/policy';
import type { Frames } from '../frames/frames';
import type { MimeOptions } from '../mime/options';

export interface SmtpContext {
  readonly pool: BufferPool;
  readonly files: FilePolicy;
  readonly mime: MimeOptions;
  /** Mails are files as they are, and not taken apart. */
  readonly rawExtraction: boolean;
  readonly frames: Frames;
}
