export type FindingState = 'ok' | 'warning' | 'failed' | 'unknown';

/** What one check has found. */
export interface Finding {
  readonly name: string;
  readonly state: FindingState;
  /** What was seen, as a phrase. */
  readonly seen: string;
  /** How to mend it; null where nothing is to be mended. */
  readonly mend: string | null;
}

export function ok(name: string, seen: string): Finding {
  return { name, state: 'ok', seen, mend: null };
}

/** Works, and should be looked at. */
export function warning(name: string, seen: string, mend: string): Finding {
  return { name, state: 'warning', seen, mend };
}

export function failed(name: string, seen: string, mend: string): Finding {
  return { name, state: 'failed', seen, mend };
}

/** Could not be checked. */
export function unknown(name: string, seen: string, mend: string | null = null): Finding {
  return { name, state: 'unknown', seen, mend };
}
