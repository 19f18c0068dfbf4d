/** What suricata-verify means by "a record matches". */

/** One name of a path: `files[0]`. */
const STEP = /^([^[\]]+)(?:\[(\d+)\])?$/;

/** The value at `alert.metadata.x`, `files[0].name`; undefined where there is none. */
export function valueAt(record: unknown, path: string): unknown {
  let value = record;
  for (const part of path.split('.')) {
    const step = STEP.exec(part);
    if (step === null || typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[step[1]];
    if (step[2] !== undefined) value = Array.isArray(value) ? value[Number(step[2])] : undefined;
  }
  return value;
}

/** Names of fields whose values are addresses: one address may be written in several ways. */
const ADDRESS_FIELDS: ReadonlySet<string> = new Set(['src_ip', 'dest_ip', 'flow.src_ip', 'flow.dest_ip']);

export function isAddressField(path: string): boolean {
  return ADDRESS_FIELDS.has(path);
}

/**
 * @param sameAddress whether two texts are the same address
 * @returns the fields in which the record differs
 */
export function differingFields(
  record: unknown,
  match: Readonly<Record<string, unknown>>,
  sameAddress: (a: string, b: string) => boolean,
): string[] {
  const differing: string[] = [];
  for (const [path, expected] of Object.entries(match)) {
    if (path === 'has-key' || path === 'not-has-key') {
      const there = valueAt(record, String(expected)) !== undefined;
      if (there !== (path === 'has-key')) differing.push(String(expected));
      continue;
    }
    const value = valueAt(record, path) ?? null;
    const same =
      isAddressField(path) && typeof value === 'string' && typeof expected === 'string'
        ? sameAddress(value, expected)
        : JSON.stringify(value) === JSON.stringify(expected);
    if (!same) differing.push(path);
  }
  return differing;
}
