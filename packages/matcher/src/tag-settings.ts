/** Which packets after a match its author wants recorded (`tag`). */
export interface TagSettings {
  readonly kind: 'session' | 'host';
  readonly count: number;
  readonly unit: 'packets' | 'bytes' | 'seconds';
  /** Whose packets, for `host`. */
  readonly side: 'src' | 'dst';
}
