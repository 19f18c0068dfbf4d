/** Keys below `web-addresses`: the lists, what is done about their categories, what clients are told. */
import * as z from 'zod';
import { parsePortRange } from './quantities';
import { group, quantity, yesOrNo } from './values';

/** Loaded where there are lists or exceptions. */
const webAddressesPackage = () =>
  require('@portcullis/web-addresses') as typeof import('@portcullis/web-addresses');

const column = z.int().min(1).max(1000);
const category = z
  .string()
  .min(1)
  .superRefine((name, context) => {
    const longest = webAddressesPackage().MAX_CATEGORY_NAME;
    if (name.length > longest)
      context.addIssue({ code: 'custom', message: `is longer than ${longest} characters` });
  });

const list = z
  .strictObject({
    /** The kept version of the list is a file of this name. */
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'is not a name of letters, digits, _ and -'),
    file: z.string().min(1),
    format: z.enum(['hosts', 'domains', 'urls', 'csv']),
    category,
    subdomains: yesOrNo.optional(),
    column: column.optional(),
    'category-column': column.optional(),
    delimiter: z
      .string()
      .regex(/^[ -~\t]$/, 'is not one character')
      .optional(),
    header: yesOrNo.optional(),
  })
  .superRefine((value, context) => {
    if (value.format === 'csv') return;
    for (const key of ['column', 'category-column', 'delimiter', 'header'] as const) {
      if (value[key] !== undefined)
        context.addIssue({ code: 'custom', path: [key], message: 'is for lists of format csv' });
    }
  });

const exception = z
  .string()
  .max(2048)
  .superRefine((text, context) => {
    const problem = webAddressesPackage().exceptionProblem(text);
    if (problem !== null) context.addIssue({ code: 'custom', message: `'${text}': ${problem}` });
  });

export const webAddresses = group({
  lists: z
    .array(list)
    .max(200)
    .default([])
    .superRefine((lists, context) => {
      const names = lists.map(({ name }) => name);
      const twice = names.find((name, place) => names.indexOf(name) !== place);
      if (twice !== undefined)
        context.addIssue({ code: 'custom', message: `two lists are called '${twice}'` });
    }),
  allow: z.array(exception).max(10_000).default([]),
  'allow-files': z.array(z.string().min(1)).max(200).default([]),
  /** By category: instead of what `action-on-detect` says. */
  categories: z.record(category, z.enum(['block', 'drop', 'notify', 'ignore'])).default({}),
  /** For HTTP: a page of ours, that of a file, or none, which is a reset. */
  'block-page': z.union([yesOrNo, z.string().min(1)]).default(true),
  /** TCP and UDP ports of servers where the protected side asks for them. */
  ports: z
    .array(quantity(parsePortRange))
    .min(1)
    .max(100)
    .default([
      { first: 53, last: 53 },
      { first: 80, last: 80 },
      { first: 443, last: 443 },
    ]),
});
