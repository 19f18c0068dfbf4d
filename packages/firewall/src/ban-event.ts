import type { Ban } from './ban';
import type { BanRequest } from './ban-request';
import type { FirewallError } from './errors';

/** `milliseconds`: from `began` of the request to the kernel's acknowledgement. */
export type BanEvent =
  | { readonly kind: 'added' | 'extended'; readonly ban: Ban; readonly milliseconds: number }
  | { readonly kind: 'expired' | 'removed'; readonly ban: Ban }
  | { readonly kind: 'refused'; readonly request: BanRequest; readonly reason: string }
  | { readonly kind: 'failed'; readonly ban: Ban; readonly error: FirewallError };
