/** Where a long run stands: kept in a file, so that the next run goes on there. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** PORTCULLIS_LONG=1: the form that takes hours. */
export const LONG = process.env.PORTCULLIS_LONG === '1';

export class KeptPlace<Place> {
  private readonly file: string;

  /**
   * @param suite a folder in the temporary one, where PORTCULLIS_PROGRESS names no other
   * @param title of the run within the suite
   */
  constructor(suite: string, title: string) {
    const folder = process.env.PORTCULLIS_PROGRESS ?? join(tmpdir(), `portcullis-${suite}`);
    this.file = join(folder, `${title.replace(/\W+/g, '-')}.json`);
  }

  /** @returns null: there is none, or this is a short run, which is never gone on with */
  read(): Place | null {
    if (!LONG || !existsSync(this.file)) return null;
    return JSON.parse(readFileSync(this.file, 'utf8')) as Place;
  }

  keep(place: Place): void {
    if (!LONG) return;
    mkdirSync(join(this.file, '..'), { recursive: true });
    // As a whole: the run may be ended at any time.
    writeFileSync(`${this.file}.next`, JSON.stringify(place));
    renameSync(`${this.file}.next`, this.file);
  }

  /** The run is complete: the next one begins anew. */
  end(): void {
    rmSync(this.file, { force: true });
  }
}
