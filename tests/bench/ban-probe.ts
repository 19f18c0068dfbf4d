/**
 * The two ends that find out when a ban takes effect: `ban-probe.js sink PORT` on the server,
 * `ban-probe.js source HOST PORT PATH FIRST ADDRESS…` on the attacker; FIRST is the number of the first address.
 *
 * The source attacks from each of its addresses once, over a TCP connection, and from then on sends a datagram from
 * the same address about every 150 µs. Datagrams are not queued, so the ban in the kernel is what stops them. The sink
 * answers a datagram of the number -1 with what came from each address last.
 */
import { createSocket, type Socket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { setPriority } from 'node:os';

/** Address number, then microseconds since the attack. */
const DATAGRAM_BYTES = 8;
const PROBE_MICROS = 100;
const LISTEN_MICROS = 60_000;
const PAUSE_MILLISECONDS = 25;
const SENDER_NICE = -15;

const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));

const now = () => Number(process.hrtime.bigint() / 1000n);

function sink(port: number): void {
  const last: Record<number, number> = {};
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  socket.on('message', (message) => {
    last[message.readInt32BE(0)] = message.readInt32BE(4);
  });
  socket.bind(port);
  createServer((connection) => connection.on('error', () => {}).resume()).listen(port, () =>
    process.stdout.write('ready\n'),
  );
  process.stdin
    .on('data', () => process.stdout.write(`${JSON.stringify(last)}\n`))
    .on('end', () => process.exit());
}

async function source(
  host: string,
  port: number,
  path: string,
  first: number,
  addresses: readonly string[],
): Promise<void> {
  // A sender that waits for a processor sends nothing, which would count as time to the ban.
  setPriority(SENDER_NICE);
  const sent: number[][] = [];
  for (const [number, address] of addresses.entries())
    sent.push(await attack(host, port, path, address, first + number));
  process.stdout.write(`${JSON.stringify(sent)}\n`);
}

/** @returns when its datagrams were sent, in microseconds since the attack. */
async function attack(
  host: string,
  port: number,
  path: string,
  address: string,
  number: number,
): Promise<number[]> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  await new Promise<void>((resolve) => socket.connect(port, host, () => resolve()));
  const connection = connect({ host, port, localAddress: address, noDelay: true });
  connection.on('error', () => {});
  await new Promise<void>((resolve) => connection.once('connect', resolve));
  const datagram = Buffer.alloc(DATAGRAM_BYTES);
  datagram.writeInt32BE(number, 0);
  // One before the attack, so that the neighbour is known and the way is open.
  datagram.writeInt32BE(-1, 4);
  socket.send(datagram);
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));

  const start = now();
  connection.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
  const sent = await probe(socket, datagram, start);
  connection.destroy();
  socket.close();
  return sent;
}

function probe(socket: Socket, datagram: Buffer, start: number): Promise<number[]> {
  const sent: number[] = [];
  return new Promise((resolve) => {
    const turn = () => {
      // Sleeping leaves the processors to those who are measured; the event loop knows whole milliseconds only.
      Atomics.wait(nobodyWakes, 0, 0, PROBE_MICROS / 1000);
      const elapsed = now() - start;
      datagram.writeInt32BE(elapsed, 4);
      socket.send(datagram);
      sent.push(elapsed);
      if (elapsed > LISTEN_MICROS) resolve(sent);
      else setImmediate(turn);
    };
    turn();
  });
}

const [role, ...rest] = process.argv.slice(2);
if (role === 'sink') sink(Number(rest[0]));
else void source(rest[0] as string, Number(rest[1]), rest[2] as string, Number(rest[3]), rest.slice(4));
