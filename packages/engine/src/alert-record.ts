import {
  type EventKind,
  type EveRecord,
  eveTimestamp,
  type PortcullisFacts,
  protocolName,
} from '@portcullis/events';
import type { Classification } from '@portcullis/rules';
import type { Detection } from './detection';
import type { DetectionKind } from './detection-policy';
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
  const { rule } = detection;
  const ports = detection.protocol === 6 || detection.protocol === 17 || detection.protocol === 132;
  const icmp = detection.protocol === 1 || detection.protocol === 58;
  // Of a packet that does not decode nobody knows who sent it.
  const addressed = detection.version !== 0;
  return {
    timestamp: eveTimestamp(detection.time),
    ...(detection.flowId > 0 && { flow_id: detection.flowId }),
    ...(context.captureFile !== undefined && { pcap_filename: context.captureFile }),
    ...(detection.frame > 0 && { pcap_cnt: detection.frame }),
    ...(context.interfaceName && { in_iface: context.interfaceName }),
    event_type: 'alert',
    ...(detection.vlan.length > 0 && { vlan: detection.vlan }),
    ...(addressed && { src_ip: detection.source }),
    ...(ports && { src_port: detection.sourcePort }),
    ...(addressed && { dest_ip: detection.destination }),
    ...(ports && { dest_port: detection.destinationPort }),
    ...(addressed && { proto: protocolName(detection.protocol) }),
    ...(addressed && { ip_v: detection.version === 6 ? (6 as const) : (4 as const) }),
    ...(icmp && { icmp_type: detection.icmpType, icmp_code: detection.icmpCode }),
    ...(addressed && { community_id: detection.communityId }),
    ...(detection.appProtocol && { app_proto: detection.appProtocol }),
    direction: detection.direction,
    ...(detection.txId !== null && { tx_id: detection.txId }),
    alert: {
      action: detection.blocked ? 'blocked' : 'allowed',
      gid: rule.gid,
      signature_id: rule.sid,
      rev: rule.rev,
      signature: rule.msg,
      category: context.classes.get(rule.classtype ?? '')?.description ?? '',
      severity: rule.priority,
      ...(Object.keys(rule.metadata).length > 0 && { metadata: rule.metadata }),
      ...(rule.references.length > 0 && { references: rule.references }),
    },
    ...(detection.transaction && {
      [eveName(detection.transaction.protocol)]: detection.transaction.facts,
    }),
    verdict: {
      action: detection.blocked ? 'drop' : 'alert',
      ...(detection.rejected && { reject: ['tcp-reset'] }),
    },
    ...(detection.blocked && { drop: { reason: detection.webAddress === null ? 'rules' : 'web address' } }),
    portcullis: {
      event: EVENT_OF[detection.kind],
      mode: context.mode,
      enforced: detection.blocked,
      ...(detection.category !== null && { category: detection.category }),
      ...parties(detection, ports),
      ...(detection.webAddress && { web_address: webAddressFacts(detection.webAddress) }),
    },
  };
}

/** Who did it: an attacker, or the protected host that is the source of an activity. */
function parties(detection: Detection, ports: boolean): Pick<PortcullisFacts, 'attacker' | 'source'> {
  const { kind, protectedEnd, hardwareAddress: mac, handshake } = detection;
  const sender = {
    ip: detection.source,
    ...(ports && { port: detection.sourcePort }),
    ...(mac && { mac }),
    handshake,
  };
  if ((kind !== 'network-activity' && kind !== 'web-address') || protectedEnd === null)
    return { attacker: sender };
  if (protectedEnd === 'source') return { source: sender };
  return {
    source: { ip: detection.destination, ...(ports && { port: detection.destinationPort }), handshake },
  };
}

function webAddressFacts({
  seenIn,
  url,
  ...facts
}: WebAddressFacts): NonNullable<PortcullisFacts['web_address']> {
  return { ...facts, ...(url !== null && { url }), seen_in: seenIn };
}
