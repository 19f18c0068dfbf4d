import type { ConnectionState } from './agent-protocol';
import type { LabAgent } from './lab-agent';
import { waitUntil } from './wait-until';

/** An open TCP connection of a client in the lab. */
export class LabConnection {
  constructor(
    private readonly agent: LabAgent,
    private readonly connection: number,
    readonly localPort: number,
  ) {}

  /** Writes bytes (text: latin1) with TCP_NODELAY: small writes become segments of their own. */
  async write(bytes: Uint8Array | string): Promise<void> {
    const payload = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    await this.agent.call('write', { connection: this.connection, bytes: payload });
  }

  /** All bytes received so far, and whether the connection is `open`, at its `end`, or broken by what error. */
  state(): Promise<ConnectionState> {
    return this.agent.call('state', { connection: this.connection });
  }

  /** Waits until what was received (as latin1) matches; throws when the time (milliseconds) is up. */
  async receive(pattern: RegExp, timeout?: number): Promise<string> {
    return waitUntil(
      async () => {
        const text = Buffer.from((await this.state()).received).toString('latin1');
        return pattern.test(text) ? text : undefined;
      },
      { what: `${pattern} on the connection`, ...(timeout === undefined ? {} : { timeout }) },
    );
  }

  /** Waits until the connection is no longer open; gives its state. */
  async closed(timeout?: number): Promise<string> {
    return waitUntil(
      async () => {
        const { state } = await this.state();
        return state === 'open' ? undefined : state;
      },
      { what: 'the end of the connection', ...(timeout === undefined ? {} : { timeout }) },
    );
  }

  /** Sends FIN; what the server still sends is received. */
  end(): Promise<void> {
    return this.agent.call('shut', { connection: this.connection, how: 'end' });
  }

  /** Sends RST. */
  reset(): Promise<void> {
    return this.agent.call('shut', { connection: this.connection, how: 'reset' });
  }

  /** Its bytes and state are not asked for any more. */
  forget(): Promise<void> {
    return this.agent.call('forget', { connection: this.connection });
  }
}
