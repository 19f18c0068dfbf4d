import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { ReadEntry } from 'tar';

/** Unpacked. ET Open has 40 MB. */
const LARGEST_CONTENT = 512 * 1024 * 1024;
const MOST_FILES = 10_000;
/** What a rule file in an archive may be called; never a path, never hidden. */
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}\.rules$/;
const TAR_MAGIC_AT = 257;

export interface RuleFile {
  readonly name: string;
  readonly text: Buffer;
}

export class ArchiveError extends Error {
  readonly code = 'ARCHIVE_UNUSABLE';
}

/**
 * The rule files in what a source published: a tar archive or rules as text, either of them compressed with gzip or
 * not. Nothing is written anywhere; an archive with an entry that would be written outside its folder, or that is
 * neither file nor folder, is refused as a whole, because whoever made it meant harm.
 * @param name what to call rules that came as text
 * @param largest bytes that it may have when uncompressed
 * @throws ArchiveError
 */
export async function unpackRules(
  body: Buffer,
  name: string,
  largest = LARGEST_CONTENT,
): Promise<RuleFile[]> {
  const content = await uncompressed(body, largest);
  const files = isTar(content) ? await filesOfTar(content) : [{ name: `${name}.rules`, text: content }];
  for (const { name: file, text } of files) {
    if (text.includes(0)) throw new ArchiveError(`${file} is not text`);
  }
  if (files.length === 0) throw new ArchiveError('there is no rule file in the archive');
  return files;
}

async function uncompressed(body: Buffer, largest: number): Promise<Buffer> {
  if (body[0] !== 0x1f || body[1] !== 0x8b) return body;
  try {
    return await promisify(gunzip)(body, { maxOutputLength: largest });
  } catch (error) {
    throw new ArchiveError(`cannot be uncompressed: ${(error as Error).message}`);
  }
}

function isTar(content: Buffer): boolean {
  return content.subarray(TAR_MAGIC_AT, TAR_MAGIC_AT + 5).toString('latin1') === 'ustar';
}

function filesOfTar(content: Buffer): Promise<RuleFile[]> {
  const files = new Map<string, Buffer[]>();
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => reject(new ArchiveError(reason));
    let entries = 0;
    // Loaded where there is an archive: the engine starts without.
    const { Parser } = require('tar') as typeof import('tar');
    const parser = new Parser({
      strict: true,
      onReadEntry: (entry) => {
        const problem = ++entries > MOST_FILES ? `more than ${MOST_FILES} files` : objection(entry);
        const file = entry.path.split('/').at(-1) as string;
        if (problem !== null) fail(problem);
        else if (entry.type !== 'Directory' && FILE_NAME.test(file)) {
          if (files.has(file)) fail(`two files are called ${file}`);
          const chunks: Buffer[] = [];
          files.set(file, chunks);
          entry.on('data', (chunk: Buffer) => chunks.push(chunk));
          return;
        }
        entry.resume();
      },
    });
    parser.on('error', (error: Error) => fail(`is not a whole tar archive: ${error.message}`));
    parser.on('end', () =>
      resolve([...files].map(([name, chunks]) => ({ name, text: Buffer.concat(chunks) }))),
    );
    parser.end(content);
  });
}

function objection(entry: ReadEntry): string | null {
  const { path, type } = entry;
  if (path.startsWith('/') || path.split(/[/\\]/).includes('..'))
    return `an entry would be written outside the archive's folder: ${JSON.stringify(path)}`;
  if (type === 'File' || type === 'OldFile' || type === 'ContiguousFile' || type === 'Directory') return null;
  return `an entry is neither file nor folder: ${JSON.stringify(path)} (${type})`;
}
