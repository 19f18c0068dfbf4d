/** Operations and result codes of LDAP (RFC 4511) by the names rules have for them. */

export const LdapOperation = {
  BIND_REQUEST: 0,
  BIND_RESPONSE: 1,
  UNBIND_REQUEST: 2,
  SEARCH_REQUEST: 3,
  SEARCH_RESULT_ENTRY: 4,
  SEARCH_RESULT_DONE: 5,
  MODIFY_REQUEST: 6,
  MODIFY_RESPONSE: 7,
  ADD_REQUEST: 8,
  ADD_RESPONSE: 9,
  DEL_REQUEST: 10,
  DEL_RESPONSE: 11,
  MOD_DN_REQUEST: 12,
  MOD_DN_RESPONSE: 13,
  COMPARE_REQUEST: 14,
  COMPARE_RESPONSE: 15,
  ABANDON_REQUEST: 16,
  SEARCH_RESULT_REFERENCE: 19,
  EXTENDED_REQUEST: 23,
  EXTENDED_RESPONSE: 24,
  INTERMEDIATE_RESPONSE: 25,
} as const;

export const OPERATION_NUMBERS: ReadonlyMap<string, number> = new Map(
  Object.entries(LdapOperation).map(([name, number]) => [name.toLowerCase(), number]),
);

export const RESULT_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['success', 0],
  ['operations_error', 1],
  ['protocol_error', 2],
  ['time_limit_exceeded', 3],
  ['size_limit_exceeded', 4],
  ['compare_false', 5],
  ['compare_true', 6],
  ['auth_method_not_supported', 7],
  ['stronger_auth_required', 8],
  ['referral', 10],
  ['admin_limit_exceeded', 11],
  ['unavailable_critical_extension', 12],
  ['confidentiality_required', 13],
  ['sasl_bind_in_progress', 14],
  ['no_such_attribute', 16],
  ['undefined_attribute_type', 17],
  ['inappropriate_matching', 18],
  ['constraint_violation', 19],
  ['attribute_or_value_exists', 20],
  ['invalid_attribute_syntax', 21],
  ['no_such_object', 32],
  ['alias_problem', 33],
  ['invalid_dns_syntax', 34],
  ['alias_dereferencing_problem', 36],
  ['inappropriate_authentication', 48],
  ['invalid_credentials', 49],
  ['insufficient_access_rights', 50],
  ['busy', 51],
  ['unavailable', 52],
  ['unwilling_to_perform', 53],
  ['loop_detect', 54],
  ['naming_violation', 64],
  ['object_class_violation', 65],
  ['not_allowed_on_non_leaf', 66],
  ['not_allowed_on_rdn', 67],
  ['entry_already_exists', 68],
  ['object_class_mods_prohibited', 69],
  ['affects_multiple_dsas', 71],
  ['other', 80],
]);

const OPERATION_NAMES = new Map([...OPERATION_NUMBERS].map(([name, number]) => [number, name]));
const RESULT_NAMES = new Map([...RESULT_NUMBERS].map(([name, number]) => [number, name]));

export function operationName(operation: number): string {
  return OPERATION_NAMES.get(operation) ?? 'unknown';
}

export function resultName(code: number): string {
  return RESULT_NAMES.get(code) ?? `unknown(${code})`;
}

/** Operations that clients send. */
export function isRequest(operation: number): boolean {
  return REQUESTS.has(operation);
}

const REQUESTS: ReadonlySet<number> = new Set([0, 2, 3, 6, 8, 10, 12, 14, 16, 23]);
