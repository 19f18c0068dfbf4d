// Nanoseconds per packet, and bytes per flow at rest. Build first; then
//   node --expose-gc packages/reassembly/bench/reassembly.mjs
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { PacketView } = require('@portcullis/wire');
const { FlowTable, TcpReassembler } = require('../dist/index.js');

const SYN = 2;
const ACK = 16;
const arena = new Uint8Array(4 << 20);
const words = new DataView(arena.buffer);
const view = new PacketView();
const sink = { flowStarted() {}, data: () => 0, gap() {}, ended() {}, flowEnded() {} };

/** Writes an IPv4 packet with timestamps at `at`; returns its end. */
function write(at, client, flow, sequence, acknowledgment, flags, length) {
  const options = (flags & SYN) !== 0 ? [2, 4, 5, 180, 1, 3, 3, 7, 1, 1, 8, 10] : [1, 1, 8, 10];
  const header = 20 + options.length + 8;
  const total = 20 + header + length;
  arena.fill(0, at, at + 20 + header);
  arena[at] = 0x45;
  words.setUint16(at + 2, total);
  arena[at + 8] = 64;
  arena[at + 9] = 6;
  const port = 1024 + (flow % 60_000);
  const host = (10 << 24) + Math.floor(flow / 60_000);
  words.setUint32(at + 12, client ? host : 0xc6336402);
  words.setUint32(at + 16, client ? 0xc6336402 : host);
  words.setUint16(at + 20, client ? port : 80);
  words.setUint16(at + 22, client ? 80 : port);
  words.setUint32(at + 24, sequence >>> 0);
  words.setUint32(at + 28, acknowledgment >>> 0);
  arena[at + 32] = (header / 4) << 4;
  arena[at + 33] = flags;
  words.setUint16(at + 34, 65_535);
  arena.set(options, at + 40);
  words.setUint32(at + 40 + options.length, 1000);
  return at + total;
}

let now = 1e12;
function send(reassembler, client, flow, sequence, acknowledgment, flags, length = 0, at = 0) {
  const end = write(at, client, flow, sequence, acknowledgment, flags, length);
  view.decode(arena, at, end);
  return reassembler.process(view, now);
}

function open(reassembler, flow) {
  send(reassembler, true, flow, 1000, 0, SYN);
  send(reassembler, false, flow, 5000, 1001, SYN | ACK);
  send(reassembler, true, flow, 1001, 5001, ACK);
}

/** CPU time, median of several runs: other work on the machine only ever slows one down. */
function measure(name, count, run) {
  run(Math.min(count, 20_000));
  const times = [];
  for (let round = 0; round < 7; round++) {
    const start = process.cpuUsage();
    const packets = run(count);
    const spent = process.cpuUsage(start);
    times.push(((spent.user + spent.system) * 1000) / packets);
  }
  times.sort((a, b) => a - b);
  console.log(`${name.padEnd(58)} ${times[3].toFixed(0).padStart(7)} ns   (best ${times[0].toFixed(0)})`);
}

function lookups() {
  for (const flows of [1_000, 100_000]) {
    const table = new FlowTable(flows);
    for (let flow = 0; flow < flows; flow++) {
      view.decode(arena, 0, write(0, true, flow, 0, 0, ACK, 0));
      if (table.find(view) < 0) table.insert(view, now, 0);
    }
    let flow = 0;
    const source = view.source;
    measure(`flow lookup, ${flows} flows, full table`, 1_000_000, (count) => {
      let found = 0;
      for (let index = 0; index < count; index++) {
        flow = (flow + 7919) % flows;
        source[3] = (10 << 24) + ((flow / 60_000) | 0);
        view.sourcePort = 1024 + (flow % 60_000);
        found += table.find(view);
      }
      return found < 0 ? 1 : count;
    });
  }
}

function streams() {
  {
    const reassembler = new TcpReassembler({ depth: 2 ** 40 }, sink);
    open(reassembler, 0);
    view.decode(arena, 0, write(0, false, 0, 5001, 1001, ACK, 0));
    measure('pure ACK', 1_000_000, (count) => {
      for (let index = 0; index < count; index++) reassembler.process(view, now);
      return count;
    });
    measure('decode and pure ACK', 1_000_000, (count) => {
      for (let index = 0; index < count; index++) {
        view.decode(arena, 0, 52);
        reassembler.process(view, now);
      }
      return count;
    });
  }
  {
    const reassembler = new TcpReassembler({ depth: 2 ** 40 }, sink);
    open(reassembler, 0);
    const length = 300;
    let sequence = 1001;
    const ack = new PacketView();
    const ackEnd = write(200_000, false, 0, 5001, 0, ACK, 0);
    ack.decode(arena, 200_000, ackEnd);
    view.decode(arena, 0, write(0, true, 0, sequence, 5001, ACK, length));
    measure('request of 300 bytes in order, and its ACK (2 packets)', 500_000, (count) => {
      for (let index = 0; index < count; index++) {
        view.sequence = sequence;
        reassembler.process(view, now);
        sequence = (sequence + length) >>> 0;
        ack.acknowledgment = sequence;
        reassembler.process(ack, now);
      }
      return count;
    });
  }
  for (const alignment of [0, 1]) {
    const reassembler = new TcpReassembler({ depth: 2 ** 50 }, sink);
    open(reassembler, 0);
    const length = 65_000;
    let sequence = 1001;
    const ack = new PacketView();
    ack.decode(arena, 200_000, write(200_000, false, 0, 5001, 0, ACK, 0));
    view.decode(arena, alignment, write(alignment, true, 0, sequence, 5001, ACK, length));
    measure(`super-segment of 65 000 bytes below depth + ACK, align ${alignment}`, 3_000, (count) => {
      for (let index = 0; index < count; index++) {
        view.sequence = sequence;
        reassembler.process(view, now);
        sequence = (sequence + length) >>> 0;
        ack.acknowledgment = sequence;
        reassembler.process(ack, now);
      }
      return count;
    });
  }
  {
    const reassembler = new TcpReassembler({ depth: 1 << 20 }, sink);
    open(reassembler, 0);
    let sequence = 1001;
    for (let index = 0; index < 20; index++) {
      send(reassembler, true, 0, sequence, 5001, ACK, 65_000);
      sequence += 65_000;
      send(reassembler, false, 0, 5001, sequence, ACK);
    }
    view.decode(arena, 0, write(0, true, 0, sequence, 5001, ACK, 65_000));
    measure('super-segment of 65 000 bytes after depth, one direction', 1_000_000, (count) => {
      for (let index = 0; index < count; index++) {
        view.sequence = sequence;
        reassembler.process(view, now);
        sequence = (sequence + 65_000) >>> 0;
      }
      return count;
    });
    reassembler.stopInspecting(reassembler.slot, 1);
    measure('the same, both directions done', 1_000_000, (count) => {
      for (let index = 0; index < count; index++) reassembler.process(view, now);
      return count;
    });
  }
  {
    const flows = 60_000;
    const reassembler = new TcpReassembler({ maxFlows: flows }, sink);
    let flow = 0;
    measure('new connection: SYN, SYN-ACK, ACK with the packets written', 50_000, (count) => {
      for (let index = 0; index < count; index++) {
        open(reassembler, flow);
        flow = (flow + 1) % flows;
      }
      return count * 3;
    });
    let clock = now;
    measure('tick, a flow looked at', 1_000_000, (count) => {
      clock += 1000;
      for (let index = 0; index < count; index += 64) reassembler.tick(clock, 64);
      return count;
    });
  }
}

function memory() {
  const most = 1_000_000;
  const reassembler = new TcpReassembler({ maxFlows: most, memcap: 64 << 20 }, sink);
  let flows = 0;
  const fill = (count) => {
    for (; flows < count; flows++) {
      now += 10;
      open(reassembler, flows);
      send(reassembler, true, flows, 1001, 5001, ACK, 300);
      send(reassembler, false, flows, 5001, 1301, ACK, 1000);
      send(reassembler, true, flows, 1301, 6001, ACK);
    }
    global.gc?.();
    return process.memoryUsage();
  };
  const first = fill(200_000);
  const last = fill(most);
  const per = (bytes) => (bytes / (most - 200_000)).toFixed(1);
  console.log(`${reassembler.table.count} flows at rest (handshake, request, response, all acknowledged)`);
  console.log(`  resident bytes a flow  ${per(last.rss - first.rss)}`);
  console.log(`  heap bytes a flow      ${per(last.heapUsed - first.heapUsed)}`);
  console.log(`  held bytes             ${reassembler.heldBytes}\n`);
}

memory();
lookups();
streams();
