/** Captures of shared corpora, where they are: what is known to be in them is found. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDatagrams } from '../../testing/capture-datagrams';
import { readFlows } from '../../testing/capture-file';
import { record } from '../../testing/recorder';
import { createDhcp } from '../dhcp/definition';
import { createDnp3 } from '../dnp3/definition';
import { createDns } from '../dns/definition';
import { createEnip } from '../enip/definition';
import { createKrb5 } from '../krb5/definition';
import { createLdap } from '../ldap/definition';
import { createModbus } from '../modbus/definition';
import { createNtp } from '../ntp/definition';
import { createSnmp } from '../snmp/definition';
import { type ProtocolDefinition, Transport } from '../transaction';

const corpora = process.env.PORTCULLIS_CORPORA ?? '';
const verify = 'suricata-verify/tests';
const traces = 'pcaps/zeek/testing/btest/Traces';

interface Found {
  /** Transactions with a message of each direction, or of both. */
  readonly requests: number;
  readonly responses: number;
  readonly events: readonly string[];
}

/** What a protocol makes of the conversations of a capture that it recognises. */
function findIn(definition: ProtocolDefinition, file: string, transport: Transport, port: number): Found {
  const bytes = readFileSync(join(corpora, file));
  const flows = transport === Transport.TCP ? readFlows(bytes) : readDatagrams(bytes);
  const found = { requests: 0, responses: 0, events: [] as string[] };
  for (const pieces of flows) {
    if (pieces.length === 0) continue;
    const [direction, first] = pieces[0];
    const flow = { transport, clientPort: 40_000, serverPort: port };
    if (definition.probe(direction, first, 0, first.length, flow) <= 0) continue;
    const { transactions, events } = record(definition, pieces, transport);
    for (const tx of transactions) {
      found.requests += Number(tx.progress[0] > 0);
      found.responses += Number(tx.progress[1] > 0);
      found.events.push(...tx.events);
    }
    found.events.push(...events);
  }
  return found;
}

const { TCP, UDP } = Transport;
const withCorpora = corpora !== '' && existsSync(join(corpora, verify)) ? test : test.skip;

withCorpora.each<[string, ProtocolDefinition, Transport, number, Found]>([
  [`${verify}/bug-2736-01/23_6594.pcap`, createDns(), UDP, 53, { requests: 1, responses: 0, events: [] }],
  [`${verify}/dns/dns-rcode/input.pcap`, createDns(), UDP, 53, { requests: 1, responses: 1, events: [] }],
  [
    `${verify}/issues/issue-4759.1/tcpdns.pcap`,
    createDns(),
    TCP,
    53,
    { requests: 2, responses: 2, events: [] },
  ],
  [
    `${traces}/modbus/modbusSmall.pcap`,
    createModbus(),
    TCP,
    9999,
    { requests: 16, responses: 16, events: [] },
  ],
  [`${traces}/dnp3/dnp3_file_read.pcap`, createDnp3(), TCP, 9999, { requests: 5, responses: 5, events: [] }],
  [
    `${verify}/enip-keywords/enip_cip_example.pcap`,
    createEnip(),
    TCP,
    44_818,
    { requests: 135, responses: 134, events: [] },
  ],
  [
    `${verify}/krb5-krb5_msg_type/input.pcap`,
    createKrb5(),
    TCP,
    9999,
    { requests: 5, responses: 5, events: [] },
  ],
  [
    `${verify}/snmp-v2c-get/SNMPv2c_get_requests.pcap`,
    createSnmp(),
    UDP,
    161,
    { requests: 4, responses: 4, events: [] },
  ],
  [
    `${verify}/snmp-v3-encrypted/SNMPv3.pcap`,
    createSnmp(),
    UDP,
    161,
    { requests: 4, responses: 4, events: [] },
  ],
  [`${verify}/ldap-search/ldap.pcap`, createLdap(), TCP, 9999, { requests: 1, responses: 1, events: [] }],
  [`${verify}/ntp-keywords/input.pcap`, createNtp(), UDP, 123, { requests: 2, responses: 2, events: [] }],
  [
    `${verify}/dhcp-eve-extended/input.pcap`,
    createDhcp(),
    UDP,
    67,
    { requests: 1, responses: 1, events: [] },
  ],
])('%s (skipped without PORTCULLIS_CORPORA)', (file, definition, transport, port, expected) => {
  expect(findIn(definition, file, transport, port)).toEqual(expected);
});
