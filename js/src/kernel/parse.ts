import { type Down, FIELDS, VERSION } from "./protocol";

const kindOf = (value: unknown) => (Array.isArray(value) ? "list" : value === null ? "null" : typeof value);

/**
 * A message of the kernel, or null where its kind is unknown. A welcome of another version is passed on as it is, so
 * that its version can be reported.
 *
 * Throws where a message of a known kind lacks a field.
 */
export function parse(content: unknown): Down | null {
  if (typeof content !== "object" || content === null) return null;
  const record = content as Record<string, unknown>;
  if (typeof record.kind !== "string" || !Object.hasOwn(FIELDS, record.kind)) return null;
  const isForeign = record.kind === "welcome" && record.version !== VERSION;
  for (const [name, wanted] of Object.entries(isForeign ? {} : FIELDS[record.kind as Down["kind"]])) {
    if (kindOf(record[name]) !== wanted)
      throw new Error(`message "${record.kind}": field "${name}" is missing or wrong`);
  }
  return record as unknown as Down;
}
