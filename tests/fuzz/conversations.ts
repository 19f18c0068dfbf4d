/** Real conversations to begin with: what the built-in rules are tried with, and, where they are, the public captures. */

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProtocols, type ProtocolDefinition, Transport } from '@portcullis/protocols';
import { createNamedOnly } from '../../packages/protocols/src/named-only';
import { readDatagrams } from '../../packages/protocols/testing/capture-datagrams';
import { readFlows } from '../../packages/protocols/testing/capture-file';
import { builtinTraffic } from '../builtin';
import { encodeRecords, type FuzzRecord, recordsOf } from './records';

/** Who says something; the low bit of a record's kind. */
type Direction = 0 | 1;
export type Conversation = readonly (readonly [Direction, Uint8Array])[];

const LARGEST_CAPTURE = 1 << 20;
/** The fuzzer makes inputs longer where that pays. */
const LARGEST_CONVERSATION = 2500;
const MOST_CONVERSATIONS = 40;
/** Bytes that a protocol is told by. */
const PROBED = 2048;

export function asRecords(conversation: Conversation): FuzzRecord[] {
  return conversation.flatMap(([direction, bytes]) => recordsOf(direction, bytes));
}

/** One-to-one with inputs of `protocol/NAME/TRANSPORT`. */
export type ConversationsByProtocol = ReadonlyMap<string, readonly Uint8Array[]>;

export const protocolKey = (name: string, transport: number) =>
  `${name}/${transport === Transport.TCP ? 'tcp' : 'udp'}`;

function tellsProtocol(
  definition: ProtocolDefinition,
  conversation: Conversation,
  transport: Transport,
  port: number,
): boolean {
  if (!definition.transports.includes(transport)) return false;
  const flow = { transport, clientPort: 50_000, serverPort: port };
  for (const direction of [0, 1] as const) {
    const parts = conversation.filter(([side]) => side === direction).map(([, bytes]) => bytes);
    const first = transport === Transport.UDP ? parts.slice(0, 1) : parts;
    const bytes = Buffer.concat(first).subarray(0, PROBED);
    if (bytes.length > 0 && definition.probe(direction, bytes, 0, bytes.length, flow) === 1) return true;
  }
  return false;
}

/** The protocols that are looked into. */
export function parsedProtocols(): readonly ProtocolDefinition[] {
  const named = new Set(createNamedOnly().map(({ name }) => name));
  return createProtocols().filter(({ name }) => !named.has(name));
}

class Sorted {
  readonly found = new Map<string, Uint8Array[]>();
  private readonly definitions = parsedProtocols();

  add(conversation: Conversation, transport: Transport, port: number): void {
    const spoken = conversation.filter(([, bytes]) => bytes.length > 0);
    for (const definition of this.definitions) {
      if (!tellsProtocol(definition, spoken, transport, port)) continue;
      const key = protocolKey(definition.name, transport);
      const list = this.found.get(key) ?? [];
      this.found.set(key, list);
      list.push(encodeRecords(asRecords(spoken)).subarray(0, LARGEST_CONVERSATION));
    }
  }
}

/** Those of the repository itself. */
export function ownConversations(): ConversationsByProtocol {
  const sorted = new Sorted();
  for (const { traffic } of builtinTraffic()) {
    for (const { port, steps } of 'steps' in traffic ? [traffic] : traffic)
      sorted.add(
        steps.map(({ from, bytes }) => [from === 'client' ? 0 : 1, bytes]),
        Transport.TCP,
        port,
      );
  }
  return sorted.found;
}

/** Captures of the corpora that are not larger (in bytes), smallest first. */
export function smallCaptures(largest: number): string[] {
  const { PORTCULLIS_CORPORA: corpora } = process.env;
  if (!corpora) return [];
  const files: [string, number][] = [];
  const walk = (folder: string) => {
    if (!existsSync(folder)) return;
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (/\.(pcap|pcapng|cap)(\.gz)?$/.test(entry.name)) {
        const { size } = statSync(path);
        if (size <= largest) files.push([path, size]);
      }
    }
  };
  walk(join(corpora, 'pcaps'));
  walk(join(corpora, 'suricata-verify'));
  return files.sort((a, b) => a[1] - b[1]).map(([path]) => path);
}

/** A few of each protocol out of the captures; kept in `folder`, as looking for them takes a while. */
function captureConversations(folder: string): ConversationsByProtocol {
  const path = join(folder, 'conversations.json');
  if (existsSync(path)) {
    const kept = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string[]>;
    return new Map(
      Object.entries(kept).map(([name, list]) => [name, list.map((text) => Buffer.from(text, 'base64'))]),
    );
  }
  const sorted = new Sorted();
  for (const file of smallCaptures(LARGEST_CAPTURE)) {
    const bytes = readFileSync(file);
    if (bytes.length < 24 || bytes.readUInt32LE(0) === 0x0a0d0d0a) continue;
    try {
      for (const flow of readFlows(bytes).slice(0, 20)) sorted.add(flow, Transport.TCP, 0);
      for (const flow of readDatagrams(bytes).slice(0, 20)) sorted.add(flow, Transport.UDP, 0);
    } catch {
      // A damaged capture: this reader is for whole ones.
    }
  }
  const kept = new Map<string, readonly Uint8Array[]>();
  for (const [name, list] of sorted.found) {
    // Of different lengths, so that they are not all the same scan.
    const byLength = new Map(list.map((each) => [each.length, each]));
    const distinct = [...byLength.values()];
    const step = Math.max(1, Math.floor(distinct.length / MOST_CONVERSATIONS));
    kept.set(name, distinct.filter((_, index) => index % step === 0).slice(0, MOST_CONVERSATIONS));
  }
  mkdirSync(folder, { recursive: true });
  const text = [...kept].map(([name, list]) => [
    name,
    list.map((each) => Buffer.from(each).toString('base64')),
  ]);
  writeFileSync(path, JSON.stringify(Object.fromEntries(text)));
  return kept;
}

const CACHE = join(__dirname, '../../node_modules/.cache/portcullis-fuzz');
let withCaptures = false;
let all: ConversationsByProtocol | null = null;

/** Also those of the public captures, where they are; for the long form, as finding them takes half a minute the first time. */
export function useCaptures(): void {
  withCaptures = Boolean(process.env.PORTCULLIS_CORPORA);
  all = null;
}

/** All there are, by `protocolKey`. */
export function conversations(): ConversationsByProtocol {
  if (all !== null) return all;
  const merged = new Map<string, readonly Uint8Array[]>(ownConversations());
  if (withCaptures) {
    for (const [name, list] of captureConversations(CACHE))
      merged.set(name, [...(merged.get(name) ?? []), ...list]);
  }
  all = merged;
  return merged;
}
