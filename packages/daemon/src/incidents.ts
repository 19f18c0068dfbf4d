import type { EveRecord } from '@portcullis/events';

/** Series of alerts at most: classes come from rule files, and a file can name any number of them. */
const MAX_ALERT_SERIES = 256;
const OTHER = 'other';
const NO_CLASS = 'none';

export const incidentKinds = [
  'worker-lost',
  'reload-failed',
  'ban-flood',
  'firewall-repaired',
  'mirror-gone',
  'web-address-list',
] as const;
export type IncidentKind = (typeof incidentKinds)[number];

export interface AlertSeries {
  class: string;
  severity: string;
  action: string;
}

/** What somebody may have to explain later, counted since the start of the engine. */
export class Incidents {
  readonly counts: Record<IncidentKind, number> = {
    'worker-lost': 0,
    'reload-failed': 0,
    'ban-flood': 0,
    'firewall-repaired': 0,
    'mirror-gone': 0,
    'web-address-list': 0,
  };
  private readonly alerts = new Map<string, { labels: AlertSeries; value: number }>();

  count(kind: IncidentKind): void {
    this.counts[kind]++;
  }

  /** @param classtype of the rule; null: it names none */
  countAlert(classtype: string | null, { alert }: EveRecord): void {
    if (!alert) return;
    const { severity, action } = alert;
    const known = this.alerts.get(keyOf(classtype ?? NO_CLASS, severity, action));
    (known ?? this.newSeries({ class: classtype ?? NO_CLASS, severity: String(severity), action })).value++;
  }

  /** Alerts so far, by class, severity and what was done. */
  alertCounts(): readonly { labels: Readonly<Record<string, string>>; value: number }[] {
    return [...this.alerts.values()].map(({ labels, value }) => ({ labels: { ...labels }, value }));
  }

  /** Where there are too many series, that of all others with this action. */
  private newSeries(wanted: AlertSeries): { value: number } {
    const full = this.alerts.size >= MAX_ALERT_SERIES;
    const labels = full ? { ...wanted, class: OTHER, severity: OTHER } : wanted;
    const key = keyOf(labels.class, labels.severity, labels.action);
    const series = this.alerts.get(key) ?? { labels, value: 0 };
    this.alerts.set(key, series);
    return series;
  }
}

function keyOf(classtype: string, severity: string | number, action: string): string {
  return `${classtype} ${severity} ${action}`;
}
