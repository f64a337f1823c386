import type { PackageDefinition } from '@grpc/proto-loader';

/** How a value lies on the wire (protobuf encoding): groups are not taken. */
export const wireTypes = { varint: 0, bits64: 1, bytes: 2, bits32: 5 } as const;

/** One of {@link wireTypes}. */
export type WireType = (typeof wireTypes)[keyof typeof wireTypes];

/** What the scan needs to know of a field. */
export type WireField = {
  readonly name: string;
  readonly wireType: WireType;
  /** Numbers that may also come packed. */
  readonly isRepeatedNumber: boolean;
  /** 64-bit integers must stay exact in JavaScript. */
  readonly integer64: 'signed' | 'unsigned' | null;
  /** The message in it; null where it is none, or one of another package. */
  readonly message: WireSchema | null;
};

/** A message type as the scan sees it; fields by number. */
export type WireSchema = { readonly name: string; readonly fields: ReadonlyMap<number, WireField> };

/** The part of a FieldDescriptorProto, as proto-loader gives it, that is used here. */
type FieldDescriptor = {
  readonly name: string;
  readonly number: number;
  readonly label: string;
  readonly type: string;
  readonly typeName: string;
};

type MessageDescriptor = { readonly name: string; readonly field: readonly FieldDescriptor[] };

const wireTypeOf: Readonly<Record<string, WireType | undefined>> = {
  TYPE_DOUBLE: wireTypes.bits64,
  TYPE_FIXED64: wireTypes.bits64,
  TYPE_SFIXED64: wireTypes.bits64,
  TYPE_FLOAT: wireTypes.bits32,
  TYPE_FIXED32: wireTypes.bits32,
  TYPE_SFIXED32: wireTypes.bits32,
  TYPE_STRING: wireTypes.bytes,
  TYPE_BYTES: wireTypes.bytes,
  TYPE_MESSAGE: wireTypes.bytes,
};

/**
 * Schemas by message name, made from the .proto files themselves, so that the scan is no second
 * copy of the wire. Names are unique: the package nests no message in another.
 */
export class WireSchemas {
  readonly #descriptors = new Map<string, MessageDescriptor>();
  readonly #schemas = new Map<string, WireSchema>();

  constructor(files: PackageDefinition) {
    for (const definition of Object.values(files)) {
      if (!('type' in definition)) continue;
      const descriptor = definition.type as MessageDescriptor;
      if ('field' in descriptor) this.#descriptors.set(descriptor.name, descriptor);
    }
  }

  /** Throws where the .proto files have no such message. */
  get(name: string): WireSchema {
    const known = this.#schemas.get(name);
    if (known !== undefined) return known;
    const descriptor = this.#descriptors.get(name);
    if (descriptor === undefined) throw new Error(`the .proto files must define ${name}`);
    const fields = new Map<number, WireField>();
    const schema: WireSchema = { name, fields };
    // Before its fields: a message may hold itself.
    this.#schemas.set(name, schema);
    for (const field of descriptor.field) fields.set(field.number, this.#fieldOf(field));
    return schema;
  }

  #fieldOf({ name, label, type, typeName }: FieldDescriptor): WireField {
    const wireType = wireTypeOf[type] ?? wireTypes.varint;
    const simpleName = typeName.slice(typeName.lastIndexOf('.') + 1);
    const isKnown = type === 'TYPE_MESSAGE' && this.#descriptors.has(simpleName);
    return {
      name,
      wireType,
      isRepeatedNumber: label === 'LABEL_REPEATED' && wireType !== wireTypes.bytes,
      integer64: integer64Of(type),
      message: isKnown ? this.get(simpleName) : null,
    };
  }
}

/** The number of a field; throws where the message has none of that name. */
export function fieldNumber(schema: WireSchema, name: string): number {
  for (const [number, field] of schema.fields) if (field.name === name) return number;
  throw new Error(`${schema.name} must have a field ${name}`);
}

function integer64Of(type: string): WireField['integer64'] {
  if (type === 'TYPE_INT64') return 'signed';
  return type === 'TYPE_UINT64' ? 'unsigned' : null;
}
