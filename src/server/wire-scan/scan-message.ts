import { SegmentationError } from '../../frame/errors.ts';
import { malformed, WireReader, type WireEntry } from './wire-reader.ts';
import { type WireField, type WireSchema, wireTypes } from './wire-schema.ts';

/** What one nested message costs in elements: an object of some fields, where a number is 8 bytes. */
export const elementsPerMessage = 16;

/** Levels of messages in messages; the wire has 6. */
const maxDepth = 16;

type Scan = { readonly bytes: Uint8Array; readonly maxElements: number; elements: number };

/**
 * Looks over a request before anything is built from it: a decoder makes an object of 2 bytes, so
 * what a message costs is not its length. Each field and each number counts 1, each nested message
 * {@link elementsPerMessage}.
 *
 * @throws SegmentationError `malformed-message`, `request-too-large`.
 */
export function scanMessage(bytes: Uint8Array, schema: WireSchema, maxElements: number): void {
  const scan: Scan = { bytes, maxElements, elements: 0 };
  scanFields(scan, schema, { start: 0, end: bytes.length, depth: 0 });
}

function scanFields(
  scan: Scan,
  schema: WireSchema,
  { start, end, depth }: { readonly start: number; readonly end: number; readonly depth: number },
): void {
  if (depth > maxDepth) throw malformed(`messages nested ${depth} deep`);
  const reader = new WireReader(scan.bytes, start);
  for (let entry = reader.next(end); entry !== null; entry = reader.next(end)) {
    spend(scan, 1);
    const field = schema.fields.get(entry.number);
    // A field of a later version: the decoder steps over it.
    if (field === undefined) continue;
    if (entry.wireType === field.wireType) {
      if (field.integer64 !== null) checkInteger64(scan.bytes, entry, field);
      if (field.message === null) continue;
      spend(scan, elementsPerMessage);
      const within = { start: entry.valueStart, end: entry.end, depth: depth + 1 };
      scanFields(scan, field.message, within);
    } else if (field.isRepeatedNumber && entry.wireType === wireTypes.bytes) {
      countPacked(scan, entry, field);
    } else {
      throw malformed(`wire type ${entry.wireType} for ${schema.name}.${field.name}`);
    }
  }
}

function countPacked(scan: Scan, { valueStart, end }: WireEntry, { wireType }: WireField): void {
  if (wireType !== wireTypes.varint) {
    spend(scan, Math.ceil((end - valueStart) / (wireType === wireTypes.bits32 ? 4 : 8)));
    return;
  }
  const room = scan.maxElements - scan.elements;
  let numbers = 0;
  for (let at = valueStart; at < end && numbers <= room; at++) {
    if ((scan.bytes[at] as number) < 0x80) numbers++;
  }
  if (end > valueStart && (scan.bytes[end - 1] as number) >= 0x80 && numbers <= room) {
    throw malformed('an end within a number');
  }
  spend(scan, numbers);
}

function spend(scan: Scan, elements: number): void {
  scan.elements += elements;
  if (scan.elements <= scan.maxElements) return;
  throw new SegmentationError(
    'request-too-large',
    `request must have at most ${scan.maxElements} elements (numbers, fields, and ` +
      `${elementsPerMessage} for each nested message), got more`,
  );
}

/** A number is exact up to 2^53: beyond it would come back as another one. */
function checkInteger64(bytes: Uint8Array, entry: WireEntry, field: WireField): void {
  // Seven bytes hold 49 bits.
  if (entry.end - entry.valueStart <= 7) return;
  let value = 0n;
  for (let at = entry.end - 1; at >= entry.valueStart; at--) {
    value = (value << 7n) | BigInt((bytes[at] as number) & 0x7f);
  }
  const exact = field.integer64 === 'signed' ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
  if (exact >= -maxExact && exact <= maxExact) return;
  throw new SegmentationError(
    'malformed-message',
    `${wireName(field)} must be within ±(2^53 - 1), got ${exact}`,
  );
}

/** As the .proto file spells it: the descriptors have it in camel case. */
function wireName({ name }: WireField): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const maxExact = BigInt(Number.MAX_SAFE_INTEGER);
