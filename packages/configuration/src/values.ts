/** Kinds of values that several keys have. */
import * as z from 'zod';

/** A value written by a person and read by one of the quantity readers. */
export function quantity<T>(read: (text: string | number) => T, check?: (value: T) => string | null) {
  return z.union([z.string(), z.number()]).transform((text, context): T => {
    try {
      const value = read(text);
      const objection = check?.(value);
      if (objection) context.addIssue({ code: 'custom', message: objection });
      return value;
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });
}

/** YAML 1.2 knows only true and false; people who come from Suricata write yes and no. */
export const yesOrNo = z.preprocess((value) => {
  if (value === 'yes' || value === 'on') return true;
  if (value === 'no' || value === 'off') return false;
  return value;
}, z.boolean());

export const between = (least: number, most: number, what: string) => (value: number) =>
  value >= least && value <= most ? null : `${value} is outside ${least} … ${most} ${what}`;

/** One of some words that are known only to a package which is not loaded before somebody uses one of them. */
export const wordOf = <T extends string>(known: () => readonly T[]) =>
  z.string().transform((word, context): T => {
    if ((known() as readonly string[]).includes(word)) return word as T;
    context.addIssue({ code: 'custom', message: `'${word}' is not one of ${known().join(', ')}` });
    return z.NEVER;
  });

/** Keys that stand below another one; each has a default. */
export const group = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape).prefault({} as never);
