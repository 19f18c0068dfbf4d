/**
 * The program that speaks for the lab inside a namespace: servers that record what reaches the application,
 * clients that write any bytes, raw frames. It ends with its channel, so nothing outlives the test.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type AgentMessage,
  type AgentMethods,
  type AgentReply,
  type AgentRequest,
  type AgentRequests,
  type ConnectionState,
  joinFrames,
  MAX_KEPT,
  type Reading,
  type ReceivedConnection,
  reads,
  splitFrames,
} from './agent-protocol';
import type { Onlooker } from './application-reading';
import { patient } from './patience';
import { webApplication } from './web-application';
import { web2Application } from './web2-application';

/** Bytes of one connection and how it ended. */
class Recording {
  private readonly chunks: Buffer[] = [];
  private length = 0;
  readonly readings: Reading[] = [];
  state = 'open';
  /** What the application has not done with yet. */
  private underWay = 0;
  /** Called when bytes have come, the connection has ended, or the application has read or done with something. */
  onChange: () => void = () => {};

  constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.length += chunk.length;
      if (this.length > MAX_KEPT) socket.destroy(new Error('more bytes than the agent keeps'));
      else this.chunks.push(chunk);
      this.onChange();
    });
    socket.on('end', () => {
      if (this.state === 'open') this.state = 'end';
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.state = error.code ?? error.message;
    });
    socket.on('close', () => {
      if (this.state === 'open') this.state = 'closed';
      this.onChange();
    });
  }

  get size(): number {
    return this.length;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** Nothing comes any more that the application could read. */
  get over(): boolean {
    return this.state !== 'open' && this.underWay === 0;
  }

  addReading(reading: Reading): void {
    this.readings.push(reading);
    this.onChange();
  }

  addWork(change: 1 | -1): void {
    this.underWay += change;
    if (this.underWay === 0) this.onChange();
  }
}

interface ServerConnection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly recording: Recording;
}

function told({ remoteAddress, remotePort, recording }: ServerConnection): ReceivedConnection {
  const { bytes, readings, state } = recording;
  return { remoteAddress, remotePort, bytes, readings, state };
}

interface Server {
  readonly accepted: ServerConnection[];
  /** Who waits for a connection, by its other end. */
  readonly awaited: Map<string, () => void>;
}

const otherEnd = (address: string, port: number) => `${address} ${port}`;

const servers = new Map<number, Server>();
const connections = new Map<number, Recording>();
const udpServers = new Map<number, { socket: UdpSocket; received: Uint8Array[] }>();
let nextConnection = 1;

/** Answers each request of a keep-alive connection, as soon as its body is complete. */
function answerHttp(socket: Socket, port: number): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const headEnd = pending.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const head = pending.toString('latin1', 0, headEnd);
      const bodyLength = Number(/^content-length:[ \t]*(\d{1,9})[ \t]*$/im.exec(head)?.[1] ?? 0);
      const end = headEnd + 4 + bodyLength;
      if (pending.length < end) return;
      pending = pending.subarray(end);
      const body = `portcullis lab, port ${port}\n`;
      const close = /^connection:[ \t]*close[ \t]*$/im.test(head);
      const fields = ['Content-Type: text/plain', `Content-Length: ${body.length}`];
      if (close) fields.push('Connection: close');
      socket.write(`HTTP/1.1 200 OK\r\n${fields.join('\r\n')}\r\n\r\n${body}`);
      if (close) socket.end();
    }
  });
}

/** What is used of the `cap` package. */
interface FrameSession {
  open(device: string, filter: string, bufferSize: number, buffer: Buffer): string;
  send(frame: Buffer, length: number): void;
  setMinBytes?(bytes: number): void;
  on(event: 'packet', listener: (length: number) => void): void;
}

let frames: FrameSession | undefined;

const methods: { [M in keyof AgentMethods]: (params: Parameters<AgentMethods[M]>[0]) => unknown } = {
  async listen({ port, kind, greeting }) {
    const accepted: ServerConnection[] = [];
    const awaited: Server['awaited'] = new Map();
    servers.set(port, { accepted, awaited });
    const recordings = new WeakMap<Duplex, Recording>();
    const onlooker: Onlooker = {
      reached: (socket, reading) => recordings.get(socket)?.addReading(reading),
      busy: (socket, change) => recordings.get(socket)?.addWork(change),
    };
    const web =
      kind === 'web' ? webApplication(onlooker) : kind === 'web2' ? web2Application(onlooker) : null;
    const server = createServer({ allowHalfOpen: kind !== 'http' }, (socket) => {
      const remoteAddress = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
      // The web server must have the socket first: it reads past listeners that are there before it.
      web?.(socket);
      const connection = {
        remoteAddress,
        remotePort: socket.remotePort ?? 0,
        recording: new Recording(socket),
      };
      recordings.set(socket, connection.recording);
      accepted.push(connection);
      awaited.get(otherEnd(remoteAddress, connection.remotePort))?.();
      if (web !== null) return;
      if (greeting !== undefined) socket.write(greeting);
      if (kind === 'http') answerHttp(socket, port);
      if (kind === 'echo') socket.on('data', (chunk) => socket.write(chunk));
      if (kind !== 'http') socket.on('end', () => socket.end());
    });
    server.listen(port, '::');
    await once(server, 'listening');
  },

  received({ port }) {
    return (servers.get(port)?.accepted ?? []).map(told);
  },

  takeEnded({ port }) {
    const accepted = servers.get(port)?.accepted ?? [];
    const ended = accepted.filter(({ recording }) => recording.state !== 'open');
    accepted.splice(0, accepted.length, ...accepted.filter(({ recording }) => recording.state === 'open'));
    return ended.map(told);
  },

  async take({ port, remoteAddress, remotePort, length, reading, timeout }) {
    const server = servers.get(port);
    if (server === undefined) return null;
    const { accepted, awaited } = server;
    const find = () =>
      accepted.findIndex((each) => each.remotePort === remotePort && each.remoteAddress === remoteAddress);
    const deadline = Date.now() + patient(timeout);
    // What has been accepted may not have been seen yet.
    if (find() < 0) {
      const key = otherEnd(remoteAddress, remotePort);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, patient(timeout));
        awaited.set(key, () => {
          clearTimeout(timer);
          resolve();
        });
      });
      awaited.delete(key);
    }
    const [found] = find() < 0 ? [] : accepted.splice(find(), 1);
    if (found === undefined) return null;
    const { recording } = found;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, deadline - Date.now()));
      recording.onChange = () => {
        const here = reading === undefined ? recording.size >= length : reads(recording.readings, reading);
        if (!here && !recording.over) return;
        clearTimeout(timer);
        resolve();
      };
      recording.onChange();
    });
    const { bytes, readings, state } = recording;
    recording.socket.resetAndDestroy();
    return { remoteAddress, remotePort, bytes, readings, state };
  },

  connect({ host, port, localAddress, localPort, timeout }) {
    const socket = new Socket({ allowHalfOpen: true });
    const recording = new Recording(socket);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        socket.destroy();
        reject(Object.assign(new Error(`no connection to ${host} in ${timeout} ms`), { code: 'ETIMEDOUT' }));
      }, patient(timeout));
      socket.once('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      socket.connect(
        {
          host,
          port,
          ...(localAddress === undefined ? {} : { localAddress }),
          ...(localPort === undefined ? {} : { localPort }),
        },
        () => {
          clearTimeout(timer);
          const connection = nextConnection++;
          connections.set(connection, recording);
          resolve({ connection, localPort: socket.localPort ?? 0 });
        },
      );
    });
  },

  write({ connection, bytes }) {
    connections.get(connection)?.socket.write(bytes);
  },

  state({ connection }): ConnectionState {
    const recording = connections.get(connection);
    return { received: recording?.bytes ?? new Uint8Array(0), state: recording?.state ?? 'closed' };
  },

  shut({ connection, how }) {
    const socket = connections.get(connection)?.socket;
    if (how === 'reset') socket?.resetAndDestroy();
    else socket?.end();
  },

  forget({ connection }) {
    connections.delete(connection);
  },

  async udpListen({ port }) {
    const received: Uint8Array[] = [];
    const socket = createSocket({ type: 'udp6' });
    socket.on('message', (message, remote) => {
      received.push(message);
      socket.send(message, remote.port, remote.address);
    });
    socket.bind(port);
    await once(socket, 'listening');
    udpServers.set(port, { socket, received });
  },

  udpReceived({ port }) {
    return udpServers.get(port)?.received ?? [];
  },

  udpRequest({ host, port, payload, timeout }) {
    return new Promise<Uint8Array | null>((resolve, reject) => {
      const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
      const finish = (answer: Uint8Array | null) => {
        clearTimeout(timer);
        socket.close();
        resolve(answer);
      };
      const timer = setTimeout(() => finish(null), patient(timeout));
      socket.on('message', finish);
      socket.on('error', (error) => {
        clearTimeout(timer);
        socket.close();
        reject(error);
      });
      socket.send(payload, port, host);
    });
  },

  openFrames({ interface: device, filter }) {
    const { Cap } = require('cap') as { Cap: new () => FrameSession };
    const session = new Cap();
    const buffer = Buffer.alloc(65_536);
    session.open(device, filter, 4 << 20, buffer);
    session.setMinBytes?.(0);
    // Those that came together go together: each message costs more than what is in it.
    let arrived: Uint8Array[] = [];
    const pass = () => {
      const message: AgentMessage = { frames: joinFrames(arrived) };
      arrived = [];
      process.send?.(message);
    };
    session.on('packet', (length) => {
      if (arrived.length === 0) setImmediate(pass);
      arrived.push(Buffer.from(buffer.subarray(0, length)));
    });
    frames = session;
  },

  sendFrames(sent) {
    for (const { buffer, byteOffset, length } of splitFrames(sent))
      frames?.send(Buffer.from(buffer, byteOffset, length), length);
  },
};

async function answer(request: AgentRequest): Promise<AgentReply> {
  try {
    const method = methods[request.method] as (params: unknown) => unknown;
    return { id: request.id, result: await method(request.params) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { id: request.id, error: { code: code ?? 'ERROR', message } };
  }
}

let replies: AgentReply[] = [];

function sendReplies(): void {
  const message: AgentMessage = { replies };
  replies = [];
  process.send?.(message);
}

process.on('message', (requests: AgentRequests) => {
  for (const request of requests)
    void answer(request).then((reply) => {
      if (replies.length === 0) setImmediate(sendReplies);
      replies.push(reply);
    });
});
process.on('disconnect', () => process.exit());
