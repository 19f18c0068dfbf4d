import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A self-made certificate for 127.0.0.1, ::1 and localhost, PEM. */
export function selfMadeCertificate(): { key: string; cert: string } {
  const directory = mkdtempSync(join(tmpdir(), 'certificate-'));
  const file = (name: string) => join(directory, name);
  try {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
        ...['-keyout', file('key'), '-out', file('cert'), '-days', '2', '-subj', '/CN=receiver'],
        ...['-addext', 'subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost'],
      ],
      { stdio: 'ignore' },
    );
    return { key: readFileSync(file('key'), 'utf8'), cert: readFileSync(file('cert'), 'utf8') };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
