import type { BufferCatalog } from './buffer-catalog';
import type { Keyword } from './keyword';
import { bsize } from './keywords/bsize';
import { byteExtract } from './keywords/byte-extract';
import { byteJump } from './keywords/byte-jump';
import { byteMath } from './keywords/byte-math';
import { byteTest } from './keywords/byte-test';
import { checksums } from './keywords/checksum';
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
import { dsize } from './keywords/dsize';
import { flow } from './keywords/flow';
import { flowCounters } from './keywords/flow-counters';
import { flowbits } from './keywords/flowbits';
import { headerBuffers } from './keywords/header-buffers';
import { icmpHeader } from './keywords/icmp-header';
import { information, tag, target } from './keywords/information';
import { ipHeader } from './keywords/ip-header';
import { isdataat } from './keywords/isdataat';
import { noalert } from './keywords/noalert';
import { pcre } from './keywords/pcre';
import { bufferKeyword, packetData } from './keywords/sticky-buffer';
import { streamSize } from './keywords/stream-size';
import { tcpHeader } from './keywords/tcp-header';
import { detectionFilter, threshold } from './keywords/threshold';
import { transforms } from './keywords/transforms';
import { urilen } from './keywords/urilen';

/** Every keyword there is. A new one is a file in keywords/ and a line here. */
const KEYWORDS: readonly Keyword[] = [
  information,
  target,
  tag,
  flow,
  flowbits,
  noalert,
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
  packetData,
  dsize,
  streamSize,
  urilen,
  ...ipHeader,
  ...icmpHeader,
  ...tcpHeader,
  ...headerBuffers,
  ...checksums,
  ...flowCounters,
  ...transforms,
];

const BY_NAME = new Map<string, Keyword>();
for (const keyword of KEYWORDS) for (const name of keyword.names) BY_NAME.set(name, keyword);

/** @returns undefined where the keyword is not known */
export function keywordOf(name: string, buffers: BufferCatalog): Keyword | undefined {
  return BY_NAME.get(name) ?? bufferKeyword(name, buffers);
}
