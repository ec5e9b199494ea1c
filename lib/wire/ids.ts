const lowerCaseUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a value is an id of this API: a UUID in lower case, hyphens and all. */
export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && lowerCaseUuid.test(value);
}
