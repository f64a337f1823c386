import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Trailer that holds a `google.rpc.Status`, as gRPC's richer error model has it. */
export const statusDetailsTrailer = 'grpc-status-details-bin';

const retryInfoType = 'type.googleapis.com/google.rpc.RetryInfo';

/** A status with a hint when to try again. */
export type RetryStatus = {
  /** gRPC status code. */
  readonly code: number;
  readonly message: string;
  /** From now, in milliseconds. */
  readonly retryAfterMs: number;
};

/*
 * The fields that are used of four messages of google/rpc/status.proto, google/rpc/error_details.proto
 * and google/protobuf (any, duration): Status { code 1, message 2, details 3 }, Any { type_url 1,
 * value 2 }, RetryInfo { retry_delay 1 }, Duration { seconds 1, nanos 2 }.
 */

/** A `google.rpc.Status` with a `google.rpc.RetryInfo` among its details. */
export function encodeRetryStatus({ code, message, retryAfterMs }: RetryStatus): Uint8Array {
  const wholeMs = Math.max(0, Math.ceil(retryAfterMs));
  const seconds = Math.floor(wholeMs / 1000);
  const nanos = (wholeMs % 1000) * 1e6;
  const duration = new BinaryWriter().uint32(8).int64(seconds).uint32(16).int32(nanos);
  const retryInfo = new BinaryWriter().uint32(10).bytes(duration.finish());
  const any = new BinaryWriter().uint32(10).string(retryInfoType);
  any.uint32(18).bytes(retryInfo.finish());
  const status = new BinaryWriter().uint32(8).int32(code).uint32(18).string(message);
  return status.uint32(26).bytes(any.finish()).finish();
}

/**
 * The delay of the `RetryInfo` in a `google.rpc.Status`, in milliseconds; null where there is none or
 * the bytes are something else: a hint that cannot be read is no failure of its own.
 */
export function readRetryAfterMs(status: Uint8Array): number | null {
  try {
    for (const detail of fieldsOf(status).get(3) ?? []) {
      const any = fieldsOf(detail);
      const [typeUrl] = any.get(1) ?? [];
      if (typeUrl === undefined || new TextDecoder().decode(typeUrl) !== retryInfoType) continue;
      const [duration] = fieldsOf(any.get(2)?.[0] ?? new Uint8Array()).get(1) ?? [];
      if (duration !== undefined) return durationMs(duration);
    }
  } catch {
    // Not a Status.
  }
  return null;
}

/** Length-delimited fields of a message, by number. */
function fieldsOf(message: Uint8Array): Map<number, Uint8Array[]> {
  const reader = new BinaryReader(message);
  const fields = new Map<number, Uint8Array[]>();
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited) reader.skip(wireType);
    else fields.set(number, [...(fields.get(number) ?? []), reader.bytes()]);
  }
  return fields;
}

function durationMs(duration: Uint8Array): number {
  const reader = new BinaryReader(duration);
  let milliseconds = 0;
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === 1) milliseconds += Number(reader.int64()) * 1000;
    else if (number === 2) milliseconds += reader.int32() / 1e6;
    else reader.skip(wireType);
  }
  return Math.max(0, milliseconds);
}
