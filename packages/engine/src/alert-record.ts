import {
  type AlertFacts,
  type EventKind,
  type EveRecord,
  eveTimestamp,
  type PartyFacts,
  type PortcullisFacts,
  protocolName,
} from '@portcullis/events';
import type { Classification } from '@portcullis/rules';
import type { Detection } from './detection';
import type { DetectionKind } from './detection-policy';
import { referenceAddress } from './references';
import type { WebAddressFacts } from './web-address-inspection';

const EVENT_OF: Readonly<Record<DetectionKind, EventKind>> = {
  attack: 'network_attack_detected',
  'web-address': 'web_address_detected',
  'network-activity': 'network_activity_detected',
  information: 'signature_matched',
};

/** Under which name EVE has what a protocol tells. */
function eveName(protocol: string): string {
  return protocol === 'http2' ? 'http' : protocol.replaceAll('-', '_');
}

/** The EVE alert record of a detection, as far as the worker that saw it can tell. */
export function alertRecord(
  detection: Detection,
  context: {
    classes: Classification;
    interfaceName?: string | undefined;
    captureFile?: string | undefined;
    mode: string;
  },
): EveRecord {
  const ports = detection.protocol === 6 || detection.protocol === 17 || detection.protocol === 132;
  const icmp = detection.protocol === 1 || detection.protocol === 58;
  // Of a packet that does not decode nobody knows who sent it.
  const addressed = detection.version !== 0;
  // Field by field: spreading what may be absent costs several times as much, and a flood of alerts is made of this.
  const record: EveRecord = { timestamp: eveTimestamp(detection.time), event_type: 'alert' };
  if (detection.flowId > 0) record.flow_id = detection.flowId;
  if (context.captureFile !== undefined) record.pcap_filename = context.captureFile;
  if (detection.frame > 0) record.pcap_cnt = detection.frame;
  if (context.interfaceName) record.in_iface = context.interfaceName;
  if (detection.vlan.length > 0) record.vlan = detection.vlan;
  if (addressed) record.src_ip = detection.source;
  if (ports) record.src_port = detection.sourcePort;
  if (addressed) record.dest_ip = detection.destination;
  if (ports) record.dest_port = detection.destinationPort;
  if (addressed) {
    record.proto = protocolName(detection.protocol);
    record.ip_v = detection.version === 6 ? 6 : 4;
  }
  if (icmp) {
    record.icmp_type = detection.icmpType;
    record.icmp_code = detection.icmpCode;
  }
  if (addressed) record.community_id = detection.communityId;
  if (detection.appProtocol) record.app_proto = detection.appProtocol;
  record.direction = detection.direction;
  if (detection.txId !== null) record.tx_id = detection.txId;
  record.alert = alertFacts(detection, context.classes);
  const { transaction, blocked } = detection;
  if (transaction) record[eveName(transaction.protocol)] = transaction.facts;
  record.verdict = { action: blocked ? 'drop' : 'alert' };
  if (detection.rejected) record.verdict.reject = ['tcp-reset'];
  if (blocked) record.drop = { reason: detection.webAddress === null ? 'rules' : 'web address' };
  const facts: PortcullisFacts = {
    event: EVENT_OF[detection.kind],
    mode: context.mode,
    enforced: blocked,
  };
  if (detection.category !== null) facts.category = detection.category;
  addParties(facts, detection, ports);
  if (detection.webAddress) facts.web_address = webAddressFacts(detection.webAddress);
  record.portcullis = facts;
  return record;
}

function alertFacts({ rule, blocked }: Detection, classes: Classification): AlertFacts {
  const alert: AlertFacts = {
    action: blocked ? 'blocked' : 'allowed',
    gid: rule.gid,
    signature_id: rule.sid,
    rev: rule.rev,
    signature: rule.msg,
    category: classes.get(rule.classtype ?? '')?.description ?? '',
    severity: rule.priority,
  };
  if (Object.keys(rule.metadata).length > 0) alert.metadata = rule.metadata;
  if (rule.references.length > 0) alert.references = rule.references.map(referenceAddress);
  if (rule.context) alert.context = rule.context;
  return alert;
}

/** Who did it: an attacker, or the protected host that is the source of an activity. */
function addParties(facts: PortcullisFacts, detection: Detection, ports: boolean): void {
  const { kind, protectedEnd, hardwareAddress: mac, handshake } = detection;
  const sender: PartyFacts = { ip: detection.source, handshake };
  if (ports) sender.port = detection.sourcePort;
  if (mac) sender.mac = mac;
  if ((kind !== 'network-activity' && kind !== 'web-address') || protectedEnd === null)
    facts.attacker = sender;
  else if (protectedEnd === 'source') facts.source = sender;
  else {
    facts.source = { ip: detection.destination, handshake };
    if (ports) facts.source.port = detection.destinationPort;
  }
}

function webAddressFacts({
  seenIn,
  url,
  ...facts
}: WebAddressFacts): NonNullable<PortcullisFacts['web_address']> {
  return { ...facts, ...(url !== null && { url }), seen_in: seenIn };
}
