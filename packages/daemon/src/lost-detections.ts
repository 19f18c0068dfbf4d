import { type LostKind, LostKinds, lostCounter, type WorkerCounterName } from '@portcullis/engine';

/** So many looks without a loss, and it is over: floods come in waves. */
const CALM_LOOKS = 10;

type Totals = Readonly<Record<WorkerCounterName, number>>;

/** Detections that workers could not tell, because the main thread was too far behind: told when it begins and when it is over. */
export class LostDetections {
  /** What had been lost when it began; null: nothing is being lost. */
  private began: Totals | null = null;
  private before: Totals | null = null;
  private calm = 0;

  /** @param tell once for each turn of things; the second one says how many of which kind were lost */
  constructor(private readonly tell: (over: boolean, message: string) => void) {}

  /** To be called with the workers' counters every second or so. */
  look(totals: Totals): void {
    const before = this.before ?? totals;
    this.before = totals;
    if (LostKinds.some((kind) => lostOf(totals, kind) > lostOf(before, kind))) {
      this.calm = 0;
      if (this.began !== null) return;
      this.began = before;
      this.tell(false, 'more is detected than can be told: some events are lost; bans are made all the same');
    } else if (this.began !== null && ++this.calm >= CALM_LOOKS) {
      const { began } = this;
      this.began = null;
      const counts = LostKinds.map((kind) => [kind, lostOf(totals, kind) - lostOf(began, kind)] as const)
        .filter(([, count]) => count > 0)
        .map(([kind, count]) => `${count} ${kind}`);
      this.tell(true, `everything that is detected is told again; lost were: ${counts.join(', ')}`);
    }
  }
}

function lostOf(totals: Totals, kind: LostKind): number {
  return totals[lostCounter(kind)] ?? 0;
}
