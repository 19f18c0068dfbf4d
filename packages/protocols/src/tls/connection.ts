import type { PooledBytes } from '../buffer-pool';
import { type Direction, Direction as Directions, type TransactionListener } from '../transaction';
import { TlsProgress } from './buffers';
import type { HelloFaults } from './hello';
import { Side, SideFlag } from './side';
import type { TlsTransaction } from './tls-transaction';

const { TO_SERVER, TO_CLIENT } = Directions;

/** What is known of a connection, and how it is told. */
export abstract class TlsConnection implements HelloFaults {
  protected readonly sides: readonly [Side, Side] = [new Side(), new Side()];
  protected tx: TlsTransaction | null = null;
  /** The framing is lost, or nothing that can be read will come. */
  protected stopped = false;
  /** Events that were told, with their direction: each is told once. */
  private told: Set<string> | null = null;

  constructor(protected readonly listener: TransactionListener) {}

  fault(event: string): void {
    this.event(event);
  }

  protected event(name: string): void {
    const tx = this.tx as TlsTransaction;
    this.told ??= new Set();
    const key = `${tx.current}${name}`;
    if (this.told.has(key)) return;
    this.told.add(key);
    this.listener.onEvent(tx, tx.current, name);
  }

  /** What is wrong cannot be mended: nothing more is looked at. */
  protected fail(event: string): void {
    this.event(event);
    this.stop();
  }

  protected stop(): void {
    this.stopped = true;
    this.sides[0].drop();
    this.sides[1].drop();
    if (this.tx === null) return;
    this.reach(TO_SERVER, TlsProgress.FINISHED);
    this.reach(TO_CLIENT, TlsProgress.FINISHED);
  }

  protected reach(direction: Direction, progress: number): void {
    this.sides[direction].reach(progress);
  }

  protected see(what: number): void {
    const tx = this.tx as TlsTransaction;
    if ((tx.seen & what) === what) return;
    tx.see(what);
    this.sides[0].flags |= SideFlag.DIRTY;
    this.sides[1].flags |= SideFlag.DIRTY;
  }

  /** What was held is given back; where the transaction shows bytes of it, they are copied. */
  protected giveBack(held: PooledBytes): void {
    const { sides } = this;
    if (sides[0].borrows(held.bytes) || sides[1].borrows(held.bytes)) (this.tx as TlsTransaction).own();
    held.clear();
  }

  protected notify(direction: Direction, side: Side): void {
    const tx = this.tx as TlsTransaction;
    side.flags &= ~SideFlag.DIRTY;
    this.listener.onProgress(tx, direction);
    tx.shown(direction);
  }

  /** The transaction is over. */
  protected end(): void {
    const { tx } = this;
    if (tx === null) return;
    this.tx = null;
    tx.release(TO_SERVER);
    tx.release(TO_CLIENT);
    this.listener.onTransactionEnd(tx);
    tx.matchState = null;
  }

  reset(): void {
    this.end();
    this.sides[0].reset();
    this.sides[1].reset();
    this.stopped = false;
    this.told = null;
  }
}
