import { formatAddress } from '@portcullis/wire';
import type { CountryResponse, Reader } from 'mmdb-lib';

/** Addresses whose country is remembered. */
const REMEMBERED = 4096;

/** Countries of addresses, from a MaxMind database. */
export class GeoDatabase {
  private readonly reader: Reader<CountryResponse>;
  private readonly known = new Map<string, string | null>();

  /** @throws Error where the bytes are no such database */
  constructor(file: Buffer) {
    // Loaded here: few have a database, and every thread loads this file.
    const library = require('mmdb-lib') as typeof import('mmdb-lib');
    this.reader = new library.Reader<CountryResponse>(file);
  }

  /** @returns the ISO 3166 code, null where the database has none */
  country(address: Uint32Array): string | null {
    const text = formatAddress(address);
    const known = this.known.get(text);
    if (known !== undefined) return known;
    let country: string | null = null;
    try {
      country = this.reader.get(text)?.country?.iso_code ?? null;
    } catch {
      // A database that holds IPv4 only has no answer to others.
    }
    if (this.known.size >= REMEMBERED) this.known.clear();
    this.known.set(text, country);
    return country;
  }
}
