/** What the lab asks of the agents in its namespaces, over the channel of `child_process` (advanced serialisation). */

export interface ListenParams {
  readonly port: number;
  /**
   * `http` answers requests, `echo` sends back what comes, `sink` keeps silent, `web` is an application that decodes, `web2`
   * the same behind HTTP/2.
   */
  readonly kind: 'http' | 'echo' | 'sink' | 'web' | 'web2';
  /** Sent at once to whoever connects. */
  readonly greeting?: Uint8Array;
}

/** What an application read from a request, after all decoding, and where it stood. */
export interface Reading {
  readonly place: 'uri' | 'header' | 'body';
  readonly text: string;
}

/** Whether a word was read at a place. */
export function reads(readings: readonly Reading[], { place, text }: Reading): boolean {
  return readings.some((reading) => reading.place === place && reading.text.includes(text));
}

/** A connection as a server in the lab saw it. */
export interface ReceivedConnection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** All bytes that reached the application, in order. */
  readonly bytes: Uint8Array;
  /** Of a web application: what its application read from them, in all the ways that applications decode. */
  readonly readings: readonly Reading[];
  /** `open`, `end` after FIN, or the code of an error such as ECONNRESET. */
  readonly state: string;
}

export interface ConnectParams {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
  readonly localPort?: number;
  /** Milliseconds. */
  readonly timeout: number;
}

export interface ConnectionState {
  readonly received: Uint8Array;
  /** `open`, `end` after FIN, `closed`, or the code of an error such as ECONNRESET. */
  readonly state: string;
}

/** Waits until a connection has brought so many bytes, or such a reading, has ended, or the time is up (milliseconds). */
export interface TakeParams {
  readonly port: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly length: number;
  /** Of a web application: waits for this instead of a length. */
  readonly reading?: Reading;
  readonly timeout: number;
}

export interface UdpRequestParams {
  readonly host: string;
  readonly port: number;
  readonly payload: Uint8Array;
  readonly timeout: number;
}

/** Frames one behind the other: an array of its own for each would cost more than the frame. */
export interface Frames {
  readonly bytes: Uint8Array;
  readonly lengths: readonly number[];
}

export interface AgentMethods {
  listen(params: ListenParams): void;
  received(params: { port: number }): ReceivedConnection[];
  /** Ends the connection and forgets it; null where there was none. */
  take(params: TakeParams): ReceivedConnection | null;
  /** Those that are over, which are then forgotten. */
  takeEnded(params: { port: number }): ReceivedConnection[];
  connect(params: ConnectParams): { connection: number; localPort: number };
  write(params: { connection: number; bytes: Uint8Array }): void;
  state(params: { connection: number }): ConnectionState;
  shut(params: { connection: number; how: 'end' | 'reset' }): void;
  /** Its state is not asked for any more. */
  forget(params: { connection: number }): void;
  udpListen(params: { port: number }): void;
  udpReceived(params: { port: number }): Uint8Array[];
  udpRequest(params: UdpRequestParams): Uint8Array | null;
  openFrames(params: { interface: string; filter: string }): void;
  sendFrames(params: Frames): void;
}

export type AgentMethod = keyof AgentMethods;

export interface AgentRequest {
  readonly id: number;
  readonly method: AgentMethod;
  readonly params: unknown;
}

export interface AgentReply {
  readonly id: number;
  readonly result?: unknown;
  /** Code (ECONNREFUSED, …) and message of what went wrong. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** What was asked in one turn of the event loop goes together: each message costs more than what is in it. */
export type AgentRequests = readonly AgentRequest[];

/** Likewise answers, and frames that arrived after `openFrames`. */
export type AgentMessage = { readonly replies: readonly AgentReply[] } | { readonly frames: Frames };

/** Bytes that an agent keeps of a connection; what comes beyond is an error of the test. */
export const MAX_KEPT = 64 << 20;

export function joinFrames(frames: readonly Uint8Array[]): Frames {
  return { bytes: Buffer.concat(frames), lengths: frames.map(({ length }) => length) };
}

/** Views into the bytes of `frames`. */
export function splitFrames({ bytes, lengths }: Frames): Uint8Array[] {
  let end = 0;
  return lengths.map((length) => {
    end += length;
    return bytes.subarray(end - length, end);
  });
}
