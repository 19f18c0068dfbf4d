import type { PacketBatch } from '@portcullis/capture';
import type { CompiledRule } from '@portcullis/matcher';
import { formatAddress, type PacketView } from '@portcullis/wire';
import type { DetectedRule, Detection, TransactionFacts } from './detection';
import type { DetectionKind, DetectionResponse } from './detection-policy';
import type { WebAddressFacts } from './web-address-inspection';

/** Rules that have matched, so that what is told of them is read once. */
const told = new WeakMap<CompiledRule, DetectedRule>();

/** The rule as plain data. */
export function detectedRule(rule: CompiledRule): DetectedRule {
  const known = told.get(rule);
  if (known !== undefined) return known;
  const made: DetectedRule = {
    action: rule.action,
    gid: rule.gid,
    sid: rule.sid,
    rev: rule.rev,
    msg: rule.msg,
    classtype: rule.classtype,
    priority: rule.priority,
    metadata: Object.fromEntries([...rule.metadata].map(([key, values]) => [key, [...values]])),
    references: [...rule.references],
  };
  told.set(rule, made);
  return made;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function hardwareAddress(batch: PacketBatch, place: number): string | null {
  if (batch.hardwareLength[place] !== 6) return null;
  const { hardware } = batch;
  const at = place * 8;
  let text = HEX[hardware[at] as number] as string;
  for (let i = at + 1; i < at + 6; i++) text += `:${HEX[hardware[i] as number]}`;
  return text;
}

/** Ids of the tags before the packet, the outermost first. */
function vlanIds({ vlan, innerVlan }: PacketBatch, place: number): number[] {
  return [vlan?.[place] ?? 0, innerVlan?.[place] ?? 0].filter((id) => id > 0);
}

/** Makes the plain record of a match. Only called when something has matched. */
export function buildDetection(
  packet: PacketView,
  batch: PacketBatch,
  place: number,
  rule: DetectedRule,
  about: {
    /** The packet is the one at `place`; else it stands for a flow that ended, and `place` is that of the packet before. */
    live: boolean;
    time: number;
    flowId: number;
    direction: 0 | 1;
    appProtocol: string | null;
    transaction: TransactionFacts | null;
    txId: number | null;
    kind: DetectionKind;
    category: string | null;
    protectedEnd: Detection['protectedEnd'];
    webAddress: WebAddressFacts | null;
    response: DetectionResponse;
    handshake: boolean;
    blocked: boolean;
    rejected: boolean;
    communityId: string;
  },
): Detection {
  const { live } = about;
  // Each field by name: spreading an object of this size costs many times as much.
  return {
    time: about.time,
    flowId: about.flowId,
    appProtocol: about.appProtocol,
    transaction: about.transaction,
    txId: about.txId,
    kind: about.kind,
    category: about.category,
    protectedEnd: about.protectedEnd,
    webAddress: about.webAddress,
    response: about.response,
    handshake: about.handshake,
    blocked: about.blocked,
    rejected: about.rejected,
    direction: about.direction === 0 ? 'to_server' : 'to_client',
    rule,
    source: formatAddress(packet.source),
    sourcePort: packet.sourcePort,
    destination: formatAddress(packet.destination),
    destinationPort: packet.destinationPort,
    protocol: packet.protocol,
    version: packet.version,
    icmpType: packet.icmpType,
    icmpCode: packet.icmpCode,
    communityId: about.communityId,
    inInterface: live ? (batch.inInterface[place] as number) : 0,
    vlan: live ? vlanIds(batch, place) : [],
    hardwareAddress: live ? hardwareAddress(batch, place) : null,
    frame: batch.frame?.[place] ?? 0,
  };
}
