import type { BufferDefinition, BufferView, ProtocolDefinition, Transaction } from '@portcullis/protocols';
import { AddressTable, type AddressTableData, WebAddress } from '@portcullis/web-addresses';
import { formatAddress, type PacketView } from '@portcullis/wire';
import type { DetectedRule, TransactionFacts } from './detection';
import type { DetectionPolicy, DetectionResponse } from './detection-policy';
import { AddressProgress, type FlowInspection } from './flow-inspection';

/** Where in the traffic an address stands, as rules call it. */
const SEEN_IN = ['http.host', 'http.uri', 'tls.sni', 'dns.query', 'quic.sni'] as const;
export type SeenIn = (typeof SEEN_IN)[number];

/** An address that a list holds, asked for by a client. Plain data. */
export interface WebAddressFacts {
  readonly category: string;
  readonly list: string;
  /** The entry that covers it, as the list has it in normal form. */
  readonly entry: string;
  readonly host: string;
  /** Host, path and query in normal form; null where only the name is known. */
  readonly url: string | null;
  readonly seenIn: SeenIn;
}

export interface AddressFinding {
  readonly facts: WebAddressFacts;
  readonly response: DetectionResponse;
  readonly txId: number;
  readonly transaction: TransactionFacts | null;
  /** It was asked for in HTTP/1, whose client understands a page: whether that may have a body; null: it was not. */
  readonly page: 'body' | 'head' | null;
}

/** Addresses of one packet that are told of at most. */
const MAX_FINDINGS = 16;
/** Names that one message asks for at most. */
const MAX_NAMES = 32;

/** How much each response weighs where several categories fit. */
const WEIGHT: Readonly<Record<DetectionResponse, number>> = {
  isolate: 4,
  block: 4,
  drop: 3,
  notify: 2,
  ignore: 0,
};

/** Which buffers of a protocol hold addresses. */
interface Places {
  readonly definition: ProtocolDefinition;
  readonly host: BufferDefinition | null;
  readonly target: BufferDefinition | null;
  readonly method: BufferDefinition | null;
  readonly names: BufferDefinition | null;
  readonly isHttp1: boolean;
}

/** Buffers of a name that a client asks for, by protocol. */
const NAME_BUFFERS = ['tls.sni', 'quic.sni', 'dns.query'] as const;

/** Suricata's rules are of generator 1; these records are not made by rules. */
const GENERATOR = 136;

/** What stands in an alert where other alerts have a rule: its id says where the address was seen. */
export function addressRule({ category, seenIn }: WebAddressFacts): DetectedRule {
  return {
    action: 'alert',
    gid: GENERATOR,
    sid: SEEN_IN.indexOf(seenIn) + 1,
    rev: 1,
    msg: `Web address of category ${category} in ${seenIn}`,
    classtype: null,
    priority: 2,
    metadata: {},
    references: [],
  };
}

/** Looks at what clients ask for, and finds what lists of web addresses hold. */
export class WebAddressInspection {
  /** Of the packet in hand. */
  readonly findings: AddressFinding[] = [];
  private readonly table: AddressTable;
  private readonly responses: readonly DetectionResponse[];
  /** By the number of a protocol. */
  private readonly places: readonly (Places | null)[];
  private readonly address = new WebAddress();
  private readonly view: BufferView = {
    bytes: new Uint8Array(0),
    start: 0,
    end: 0,
    streamOffset: 0,
    fresh: 0,
    complete: false,
  };

  /** @param policy null: everything is told */
  constructor(
    data: AddressTableData,
    policy: DetectionPolicy | null,
    protocols: readonly ProtocolDefinition[],
  ) {
    this.responses = data.categories.map((name) => policy?.webAddressResponse(name) ?? 'notify');
    this.table = new AddressTable(
      data,
      Uint8Array.from(this.responses, (response) => WEIGHT[response]),
    );
    this.places = [null, ...protocols.map(placesOf)];
  }

  /** Looks at a transaction whose request has progressed; each request once. */
  inspect(tx: Transaction, flow: FlowInspection, packet: PacketView): void {
    const places = this.places[flow.protocol] ?? null;
    if (places === null) return;
    flow.addresses ??= new AddressProgress();
    const progressed = flow.addresses;
    if (progressed.protocol !== flow.protocol) {
      progressed.protocol = flow.protocol;
      progressed.nextRequest = 0;
      progressed.nextNames = 0;
    }
    const { host, names } = places;
    const progress = tx.progress(0);
    if (host !== null && tx.id >= progressed.nextRequest && progress >= host.progress) {
      progressed.nextRequest = tx.id + 1;
      this.inspectRequest(tx, places, host, packet);
    }
    if (names !== null && tx.id >= progressed.nextNames && progress >= names.progress) {
      progressed.nextNames = tx.id + 1;
      this.inspectNames(tx, places, names);
    }
  }

  private inspectNames(tx: Transaction, places: Places, names: BufferDefinition): void {
    const { view, address } = this;
    const last = names.multiple ? MAX_NAMES : 1;
    for (let index = 0; index < last; index++) {
      if (!tx.buffer(names.id, index, view)) return;
      address.setPort(0);
      if (!address.readHost(view.bytes, view.start, view.end)) continue;
      if (this.table.find(address, false)) this.found(tx, places, names.name as SeenIn, null, null);
    }
  }

  private inspectRequest(tx: Transaction, places: Places, host: BufferDefinition, packet: PacketView): void {
    const { view, address } = this;
    if (tx.buffer(host.id, 0, view)) {
      if (!address.readAuthority(view.bytes, view.start, view.end)) return;
    } else {
      // A request without a host (HTTP/1.0) is for whomever it is sent to.
      const text = formatAddress(packet.destination);
      const bytes = Buffer.from(packet.version === 6 ? `[${text}]` : text, 'latin1');
      if (!address.readHost(bytes, 0, bytes.length)) return;
      address.setPort(packet.destinationPort);
    }
    const { target } = places;
    if (target !== null && tx.buffer(target.id, 0, view))
      address.readTarget(view.bytes, view.start, view.end);
    else address.forgetPath();
    if (!this.table.find(address, true)) return;
    const seenIn = this.table.entry.search(/[/?]/) < 0 ? 'http.host' : 'http.uri';
    this.found(tx, places, seenIn, address.text, places.isHttp1 ? this.pageFor(tx, places) : null);
  }

  private pageFor(tx: Transaction, { method }: Places): 'body' | 'head' {
    const { view } = this;
    if (method === null || !tx.buffer(method.id, 0, view)) return 'body';
    const name = Buffer.from(view.bytes.subarray(view.start, Math.min(view.end, view.start + 8)));
    return name.toString('latin1') === 'HEAD' ? 'head' : 'body';
  }

  private found(
    tx: Transaction,
    { definition }: Places,
    seenIn: SeenIn,
    url: string | null,
    page: AddressFinding['page'],
  ): void {
    const { table, findings } = this;
    const response = this.responses[table.category] as DetectionResponse;
    if (findings.length >= MAX_FINDINGS) {
      // Nobody hides one that is to be blocked behind many that are not.
      const lesser = findings.findIndex((each) => WEIGHT[each.response] < WEIGHT[response]);
      if (lesser < 0) return;
      findings.splice(lesser, 1);
    }
    findings.push({
      facts: {
        category: table.categoryName,
        list: table.listName,
        entry: table.entry,
        host: this.address.hostText,
        url,
        seenIn,
      },
      response,
      txId: tx.id,
      transaction:
        definition.describe === undefined
          ? null
          : { protocol: definition.name, facts: definition.describe(tx) },
      page,
    });
  }
}

function placesOf(definition: ProtocolDefinition): Places | null {
  const named = (name: string): BufferDefinition | null =>
    definition.buffers.find((buffer) => buffer.name === name && buffer.directions.includes(0)) ?? null;
  const host = named('http.host.raw');
  const names = NAME_BUFFERS.map(named).find((buffer) => buffer !== null) ?? null;
  if (host === null && names === null) return null;
  return {
    definition,
    host,
    target: named('http.uri.raw'),
    method: named('http.method'),
    names,
    isHttp1: definition.name === 'http',
  };
}
