import type { Batch } from '../spool/spool';

/** Brings batches to one receiver, one after the other. */
export interface Transport {
  /** For messages: `webhook https://…`. */
  readonly name: string;
  /**
   * For how long after `send` a break of the connection means that the batch may not have arrived. 0 where the
   * receiver answers that it has it.
   */
  readonly settleMilliseconds: number;
  /** Called by the transport when its connection breaks. */
  onBroken: (() => void) | null;
  /**
   * Resolves when the receiver has the batch, as far as that can be known.
   * @throws BatchRefused where sending the same again is useless; anything else is tried again
   */
  send(batch: Batch): Promise<void>;
  /** Ends what is under way. */
  close(): void;
}

/** The receiver is there and does not take this batch. */
export class BatchRefused extends Error {
  readonly code = 'BATCH_REFUSED';
}
