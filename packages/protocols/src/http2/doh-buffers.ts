/** The buffers of DNS over HTTP/2 (RFC 8484): all of HTTP/2, and behind them all of DNS. */

import { FIRST_BUFFER } from '../buffer-ranges';
import { dnsBuffers } from '../dns/buffers';
import type { BufferDefinition } from '../transaction';
import { HTTP2_BUFFERS, Http2Progress } from './buffers';

export const FIRST_DOH_BUFFER = FIRST_BUFFER.doh2;
export const FIRST_DOH_DNS_BUFFER = FIRST_DOH_BUFFER + 48;

export const DOH_BUFFERS: readonly BufferDefinition[] = [
  ...HTTP2_BUFFERS.map((row) => ({
    ...row,
    id: row.id - FIRST_BUFFER.http2 + FIRST_DOH_BUFFER,
    protocol: 'doh2',
  })),
  ...dnsBuffers('dns').map((row) => ({
    ...row,
    id: row.id - FIRST_BUFFER.dns + FIRST_DOH_DNS_BUFFER,
    protocol: 'doh2',
    // The message is whole when the stream has ended in its direction.
    progress: Http2Progress.COMPLETE,
  })),
];
