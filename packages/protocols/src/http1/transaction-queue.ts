/** Transactions without a whole response, in the order in which their responses come. */

import type { Http1Transaction } from './message';

export class TransactionQueue {
  /** The one whose response comes, or comes next. */
  oldest: Http1Transaction | null = null;
  private youngest: Http1Transaction | null = null;
  length = 0;

  add(tx: Http1Transaction): void {
    if (this.youngest === null) this.oldest = tx;
    else this.youngest.next = tx;
    this.youngest = tx;
    this.length++;
  }

  /** Of a response that comes before those that wait. */
  addFirst(tx: Http1Transaction): void {
    tx.next = this.oldest;
    this.oldest = tx;
    this.youngest ??= tx;
    this.length++;
  }

  /** Takes the oldest or second oldest; nothing where it is neither. */
  remove(tx: Http1Transaction): void {
    if (this.oldest === tx) {
      this.oldest = tx.next;
      if (this.youngest === tx) this.youngest = null;
    } else if (this.oldest !== null && this.oldest.next === tx) {
      this.oldest.next = tx.next;
      if (this.youngest === tx) this.youngest = this.oldest;
    } else return;
    tx.next = null;
    this.length--;
  }
}
