import type { BufferCatalog } from './buffer-catalog';
import type { Keyword } from './keyword';
import { absent } from './keywords/absent';
import { appLayerProtocol } from './keywords/app-layer-protocol';
import { appLayerState } from './keywords/app-layer-state';
import { asn1 } from './keywords/asn1';
import { base64Data, base64Decode } from './keywords/base64';
import { bsize } from './keywords/bsize';
import { byteExtract } from './keywords/byte-extract';
import { byteJump } from './keywords/byte-jump';
import { byteMath } from './keywords/byte-math';
import { byteTest } from './keywords/byte-test';
import { checksums } from './keywords/checksum';
import { cipService } from './keywords/cip-service';
import { content } from './keywords/content';
import {
  depth,
  distance,
  endswith,
  fastPattern,
  nocase,
  offset,
  rawbytes,
  startswith,
  within,
} from './keywords/content-modifiers';
import { datarep, dataset } from './keywords/dataset';
import { dcerpc } from './keywords/dcerpc';
import { dnp3Indications, dnp3Object } from './keywords/dnp3';
import { dsize } from './keywords/dsize';
import { entropy } from './keywords/entropy';
import { appLayerEvent, decodeEvent, engineEvent, streamEvent } from './keywords/events';
import { fileKeywords } from './keywords/files';
import { flow } from './keywords/flow';
import { flowCounters } from './keywords/flow-counters';
import { flowbits } from './keywords/flowbits';
import { flowint } from './keywords/flowint';
import { frame } from './keywords/frame';
import { ftpReplyReceived } from './keywords/ftp-reply-received';
import { ftpbounce } from './keywords/ftpbounce';
import { geoip } from './keywords/geoip';
import { headerBuffers } from './keywords/header-buffers';
import { http2 } from './keywords/http2';
import { icmpHeader } from './keywords/icmp-header';
import { ike } from './keywords/ike';
import { accepted, information, prefilter, refused, requires, tag, target } from './keywords/information';
import { ipHeader } from './keywords/ip-header';
import { iprep } from './keywords/iprep';
import { isdataat } from './keywords/isdataat';
import { krb5TicketEncryption } from './keywords/krb5-ticket-encryption';
import { modbus } from './keywords/modbus';
import { alert, noalert } from './keywords/noalert';
import { pcre } from './keywords/pcre';
import { rpc } from './keywords/rpc';
import { sctp } from './keywords/sctp';
import { ssh } from './keywords/ssh';
import { bufferKeyword, packetData } from './keywords/sticky-buffer';
import { streamSize } from './keywords/stream-size';
import { tcpHeader } from './keywords/tcp-header';
import { detectionFilter, threshold } from './keywords/threshold';
import { tls } from './keywords/tls';
import { transforms } from './keywords/transforms';
import { urilen } from './keywords/urilen';
import { vlan } from './keywords/vlan';
import { hostbits, xbits } from './keywords/xbits';

/** Every keyword there is. A new one is a file in keywords/ and a line here. */
const KEYWORDS: readonly Keyword[] = [
  information,
  target,
  tag,
  flow,
  flowbits,
  flowint,
  xbits,
  hostbits,
  appLayerProtocol,
  appLayerState,
  noalert,
  alert,
  prefilter,
  requires,
  accepted,
  refused,
  threshold,
  detectionFilter,
  content,
  nocase,
  depth,
  offset,
  distance,
  within,
  startswith,
  endswith,
  rawbytes,
  fastPattern,
  pcre,
  isdataat,
  bsize,
  byteTest,
  byteJump,
  byteExtract,
  byteMath,
  base64Decode,
  base64Data,
  absent,
  asn1,
  entropy,
  ftpbounce,
  ftpReplyReceived,
  rpc,
  decodeEvent,
  streamEvent,
  engineEvent,
  appLayerEvent,
  packetData,
  dsize,
  streamSize,
  urilen,
  ...ipHeader,
  ...icmpHeader,
  ...tcpHeader,
  ...headerBuffers,
  ...vlan,
  ...sctp,
  ...checksums,
  ...flowCounters,
  ...dcerpc,
  ...http2,
  frame,
  dataset,
  datarep,
  iprep,
  geoip,
  ...fileKeywords,
  ...transforms,
  ...tls,
  ...ssh,
  ike,
  modbus,
  cipService,
  krb5TicketEncryption,
  dnp3Indications,
  dnp3Object,
];

const BY_NAME = new Map<string, Keyword>();
for (const keyword of KEYWORDS) for (const name of keyword.names) BY_NAME.set(name, keyword);

/** @returns undefined where the keyword is not known */
export function keywordOf(name: string, buffers: BufferCatalog): Keyword | undefined {
  return BY_NAME.get(name) ?? bufferKeyword(name, buffers);
}

/** Names of all keywords that are no buffers, refused ones included. */
export function keywordNames(): string[] {
  return [...BY_NAME.keys()];
}
