/** What all FTP parsers of one worker share. */

import type { BufferPool } from '../buffer-pool';

export interface FtpContext {
  readonly pool: BufferPool;
  /** Commands of one flow that wait for their reply. */
  readonly openTransactions: number;
}
