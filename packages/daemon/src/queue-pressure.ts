/** What the kernel says of a queue, and its worker's socket. */
export interface QueuePressureFacts {
  readonly queue: number;
  readonly waiting: number;
  readonly maxLength: number;
  /** What it may hold now: shortened while its worker cannot keep up. */
  readonly length: number;
  /** Packets that the kernel has dropped for want of room, since the queue was bound. */
  readonly dropped: number;
  /** Times that the socket's receive buffer was full. */
  readonly overruns: number;
}

interface Watched {
  dropped: number;
  overruns: number;
  /** Looks since it was last too much; null: it is not. */
  calm: number | null;
}

/** A queue that is so full has turned packets away since the last look, or is about to. */
const FULL = 0.9;
/** So many looks without trouble, and it is over: overload comes in waves. */
const CALM_LOOKS = 10;

/** Queues that get more than their worker can take: told when it begins and when it is over. */
export class QueuePressure {
  private readonly queues = new Map<number, Watched>();

  constructor(private readonly log: { warn(message: string): void; info(message: string): void }) {}

  /** @param effect what becomes of packets that the queue cannot take: `passes uninspected` */
  look(facts: readonly QueuePressureFacts[], effect: string): void {
    const there = new Set(facts.map(({ queue }) => queue));
    for (const queue of this.queues.keys()) if (!there.has(queue)) this.queues.delete(queue);
    for (const each of facts) this.lookAt(each, effect);
  }

  private lookAt(facts: QueuePressureFacts, effect: string): void {
    const { queue, waiting, maxLength, length, dropped, overruns } = facts;
    const before = this.queues.get(queue) ?? { dropped, overruns, calm: null };
    // Counters begin anew with a worker that takes over.
    const overrun = overruns > before.overruns;
    const tooMuch = overrun || dropped > before.dropped || waiting >= FULL * length;
    let { calm } = before;
    if (tooMuch) {
      if (calm === null)
        this.log.warn(
          overrun
            ? `the receive buffer of queue ${queue} is full (nfqueue.receive-buffer): what it cannot take ${effect}`
            : `queue ${queue} is full (nfqueue.max-length: ${maxLength}), its worker cannot keep up: what it cannot take ${effect}`,
        );
      calm = 0;
    } else if (calm !== null && ++calm >= CALM_LOOKS) {
      calm = null;
      this.log.info(`queue ${queue} keeps up again`);
    }
    this.queues.set(queue, { dropped, overruns, calm });
  }
}
