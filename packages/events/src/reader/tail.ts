import { eveFiles, fileLines } from './eve-files';
import type { FileFollower } from './follow';

/**
 * The last lines of an EVE file; where it has fewer, those of its rotated siblings before them.
 * @param follower of the same file; goes on behind what is given here
 */
export async function lastLines(path: string, count: number, follower: FileFollower): Promise<string[]> {
  let lines = await follower.last(count);
  if (lines.length >= count) return lines;
  const rotated = (await eveFiles(path)).filter((file) => file.path !== path);
  for (const file of rotated.reverse()) {
    const missing = count - lines.length;
    if (missing <= 0) break;
    const newest: string[] = [];
    for await (const line of fileLines(file)) {
      newest.push(line);
      // Cut back now and then: taking the first away from a long list each time would be slow.
      if (newest.length > 2 * missing) newest.splice(0, newest.length - missing);
    }
    lines = [...newest.slice(-missing), ...lines];
  }
  return lines;
}
