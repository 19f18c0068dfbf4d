import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemorySource, Verdict } from '@portcullis/capture';
import { InspectCounter, Inspector, loadRulesNow, PacketLayers } from '@portcullis/engine';
import { Matcher, NameTable } from '@portcullis/matcher';
import { createProtocols } from '@portcullis/protocols';
import { fragmentPacket, UdpConversation } from '@portcullis/testkit';
import { STANDARD_TUNNEL_PORTS } from '@portcullis/wire';
import { builtinTraffic } from '../../builtin';
import { capture } from '../../builtin/capture';
import { packetSeeds } from '../packet-seeds';
import { decodeRecords, encodeRecords } from '../records';
import { claim, type FuzzRun, type FuzzTarget } from '../target';

const RULES = join(__dirname, '../../../rules');
const LARGEST_SEED = 8000;
const NOW = 1e15;

function builtinRules(): { path: string; text: string }[] {
  return readdirSync(RULES)
    .filter((name) => name.endsWith('.rules'))
    .map((path) => ({ path, text: readFileSync(join(RULES, path), 'utf8') }));
}

/** Small, so that every limit is met. */
export const SMALL_STREAM = {
  maxFlows: 40,
  memcap: 256 * 1024,
  memcapPerDirection: 64 * 1024,
  depth: 3000,
  midstream: true,
  asyncOneside: true,
} as const;

/** Every record is a packet; bits of its kind say what the source knows of it. */
export function inspectPackets(inspector: Inspector, packets: readonly Uint8Array[], inline: boolean): void {
  const source = new MemorySource(
    packets.filter(({ length }) => length > 0).map((bytes) => ({ bytes })),
    { batchSize: 16 },
  );
  while (source.receive(0) >= 0) {
    inspector.inspectBatch(source.batch, NOW);
    source.finalize();
  }
  for (const { verdict } of source.verdicts) {
    const base = verdict & 0xf;
    claim(base === Verdict.DROP || base === Verdict.ACCEPT, `the verdict ${verdict}`);
    claim(inline || verdict === Verdict.ACCEPT, 'a verdict where nothing may be done');
  }
  source.close();
  inspector.close();
  claim(inspector.flowCount === 0, 'flows are left over');
  claim(inspector.heldBytes === 0, 'bytes are left over');
}

class InspectorRun implements FuzzRun {
  private constructor(
    private readonly inspector: Inspector,
    private readonly matcher: Matcher,
    private readonly inline: boolean,
  ) {}

  static async start(inline: boolean): Promise<InspectorRun> {
    const protocols = createProtocols();
    const { ruleset, policy } = await loadRulesNow(
      {
        files: builtinRules(),
        classification: null,
        addressGroups: { HOME_NET: 'any', EXTERNAL_NET: 'any' },
        portGroups: {},
        cacheDirectory: null,
      },
      protocols,
      new NameTable(),
    );
    const matcher = new Matcher(ruleset);
    const inspector = new Inspector({
      matcher,
      protocols,
      policy,
      inline,
      decodePolicy: inline ? 'closed' : 'open',
      offload: inline ? { mask: 0xf0, mark: 0x30 } : null,
      ...(inline
        ? {}
        : {
            layers: new PacketLayers({
              fragments: { maxDatagrams: 16, memcap: 1 << 18 },
              tunnels: STANDARD_TUNNEL_PORTS,
              refuseTruncated: false,
              acceptMapped: true,
            }),
          }),
      stream: SMALL_STREAM,
      onDetection: () => {},
      sender: { send: () => {} },
      holdBlockedMicros: 0,
    });
    return new InspectorRun(inspector, matcher, inline);
  }

  run(input: Uint8Array): void {
    const { counters } = this.inspector;
    inspectPackets(
      this.inspector,
      decodeRecords(input).map(({ bytes }) => bytes),
      this.inline,
    );
    claim(
      (counters[InspectCounter.ACCEPTED] as number) + (counters[InspectCounter.DROPPED] as number) ===
        counters[InspectCounter.PACKETS],
      'verdicts and packets do not add up',
    );
  }

  close(): void {
    this.matcher.close();
  }
}

let cached: Uint8Array[] | null = null;

/** The traffic that the built-in rules are tried with, as packets. */
export function packetSequences(): Uint8Array[] {
  if (cached !== null) return cached;
  const record = (bytes: Uint8Array) => ({ kind: 0, bytes });
  const all = builtinTraffic()
    .map(({ traffic }, index) =>
      encodeRecords(capture(traffic, { ipv6: index % 4 === 3 }).map(({ bytes }) => record(bytes))),
    )
    .filter(({ length }) => length <= LARGEST_SEED);
  const udp = new UdpConversation({
    client: '192.0.2.1',
    server: '192.0.2.2',
    clientPort: 4000,
    serverPort: 53,
  })
    .client(
      Buffer.from('123401000001000000000000076578616d706c6503636f6d0000010001', 'hex').toString('latin1'),
    )
    .packets.map(({ bytes }) => record(bytes));
  const fragments = packetSeeds()
    .flatMap((packet) => fragmentPacket(packet, 24))
    .map(record);
  cached = [encodeRecords(udp), encodeRecords(fragments), encodeRecords(packetSeeds().map(record)), ...all];
  return cached;
}

export function inspectorTargets(): readonly FuzzTarget[] {
  return [true, false].map((inline) => ({
    name: `engine/${inline ? 'inline' : 'watching'}`,
    shape: 'records' as const,
    weight: 0.15,
    seeds: packetSequences,
    start: () => InspectorRun.start(inline),
  }));
}
