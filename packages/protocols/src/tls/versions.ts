/** Versions of SSL and TLS, as two bytes on the wire. */
export const TlsVersion = {
  UNKNOWN: 0,
  SSL_2: 0x0200,
  SSL_3: 0x0300,
  TLS_1_0: 0x0301,
  TLS_1_1: 0x0302,
  TLS_1_2: 0x0303,
  TLS_1_3: 0x0304,
  /** Drafts of TLS 1.3 before the 16th, which did not say which one they are. */
  EARLY_DRAFT: 0x7f01,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map<number, string>([
  [TlsVersion.UNKNOWN, 'UNDETERMINED'],
  [TlsVersion.SSL_2, 'SSLv2'],
  [TlsVersion.SSL_3, 'SSLv3'],
  [TlsVersion.TLS_1_0, 'TLSv1'],
  [TlsVersion.TLS_1_1, 'TLS 1.1'],
  [TlsVersion.TLS_1_2, 'TLS 1.2'],
  [TlsVersion.TLS_1_3, 'TLS 1.3'],
  [TlsVersion.EARLY_DRAFT, 'TLS 1.3 draft-<16'],
]);

/** Versions of the experiments that one vendor ran beside the drafts. */
const EXPERIMENTS = [0xfb14, 0xfb15, 0xfb16, 0xfb17, 0xfb1a];

function isDraft(version: number): boolean {
  return version >= 0x7f10 && version <= 0x7f1c;
}

/** Whether a record or a hello may carry it; version 2 has records of its own. */
export function isKnownVersion(version: number): boolean {
  return (
    (version >= TlsVersion.SSL_3 && version <= TlsVersion.TLS_1_3) ||
    isDraft(version) ||
    version === TlsVersion.EARLY_DRAFT ||
    EXPERIMENTS.includes(version)
  );
}

/** Name as EVE writes it: `TLS 1.2`, `TLS 1.3 draft-28`, `0x1234`. */
export function versionName(version: number): string {
  const name = NAMES.get(version);
  if (name !== undefined) return name;
  if (isDraft(version)) return `TLS 1.3 draft-${version & 0xff}`;
  if (EXPERIMENTS.includes(version)) return `TLS 1.3 draft-${version & 0xff}-fb`;
  return `0x${version.toString(16).padStart(4, '0')}`;
}
