import { describeError, type Finding, type FindingKind, signatureOf } from './finding';
import { minimise } from './minimise';
import { type FuzzRun, type FuzzTarget, LONGEST_INPUT_MS } from './target';
import { threadMilliseconds } from './time';

/** An input slower than all before it is run again so often; the quickest counts. */
const REPEATS = 3;
const MINIMISE_SECONDS = 30;

export interface Failure {
  readonly kind: FindingKind;
  readonly signature: string;
  readonly message: string;
}

/** One target at work: runs inputs, and says what is wrong with them. */
export class FuzzSession {
  /** Processor time of the slowest input that was not too slow, in milliseconds. */
  slowest = 0;
  private constructor(
    readonly target: FuzzTarget,
    private current: FuzzRun,
  ) {}

  static async open(target: FuzzTarget): Promise<FuzzSession> {
    return new FuzzSession(target, await target.start());
  }

  /** @returns null where nothing is wrong */
  async run(input: Uint8Array): Promise<Failure | null> {
    const began = performance.now();
    try {
      const pending = this.current.run(input);
      if (pending !== undefined) await pending;
    } catch (error) {
      return { kind: 'threw', signature: signatureOf(error), message: describeError(error) };
    }
    // Never less than the processor time, and asked for without a call of the system: says which are worth measuring.
    return performance.now() - began > this.slowest ? this.measureAgain(input) : null;
  }

  /** Begins anew, as the state of one that failed may be anything. */
  async restart(): Promise<void> {
    await this.current.close?.();
    this.current = await this.target.start();
  }

  async close(): Promise<void> {
    await this.current.close?.();
  }

  /** The failure with the smallest input for it, on a target begun anew. */
  async explain(failure: Failure, input: Uint8Array): Promise<Finding> {
    const fails = async (candidate: Uint8Array) => {
      await this.restart();
      const other = await this.run(candidate);
      return other !== null && other.kind === failure.kind && other.signature === failure.signature;
    };
    const repeatable = await fails(input);
    const smallest = repeatable ? await minimise(input, this.target.shape, fails, MINIMISE_SECONDS) : input;
    await this.restart();
    const note = repeatable ? '' : '(only after the inputs before it)\n';
    return {
      target: this.target.name,
      kind: failure.kind,
      signature: failure.signature,
      message: note + failure.message,
      input: Buffer.from(smallest).toString('latin1'),
    };
  }

  /** What a busy machine or the compiler took is not taken each time. */
  private async measureAgain(input: Uint8Array): Promise<Failure | null> {
    let least = Number.POSITIVE_INFINITY;
    for (let repeat = 0; repeat < REPEATS && least > this.slowest; repeat++) {
      const began = threadMilliseconds();
      try {
        await this.current.run(input);
      } catch (error) {
        return { kind: 'threw', signature: signatureOf(error), message: describeError(error) };
      }
      least = Math.min(least, threadMilliseconds() - began);
    }
    if (least > LONGEST_INPUT_MS)
      return { kind: 'slow', signature: 'slow', message: `takes ${Math.round(least)} ms of processor time` };
    this.slowest = Math.max(this.slowest, least);
    return null;
  }
}
